"""`python healthcheck.py VARIABLE` inside a container: 0 when /healthz on that variable's port answers 200, else 1.

The standard library alone, and no proxy from the environment: the question must not leave the container.
"""

# ruff: noqa: INP001 - a program of its own, and no package
import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

# Less than the five seconds after which the container engine gives up and kills the check.
TIMEOUT_SECONDS = 3


def is_alive(port: int) -> bool:
    """Whether the process that listens on this port of 127.0.0.1 says that it is alive."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_alive(int(os.environ[sys.argv[1]])) else 1)
