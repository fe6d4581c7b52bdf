"""A process that has imported ingest once and forks a child per run: a kill during imports would prove nothing.

A child runs the product's own `ingest.__main__.main(["run"])` with an environment and a log file of its own. Orders are
lines of JSON on standard input, answers are lines of JSON on standard output; at the end of input all children die.
"""

import json
import os
import signal
import sys
import traceback
import warnings
from typing import Any

import ingest.__main__ as command
from ingest_torture.faults import Faults


class Nursery:
    """The parent of the children; single-threaded, as forking demands."""

    def __init__(self) -> None:
        self._alive: set[int] = set()

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what one line says."""
        if "start" in order:
            return {"pid": self._start(**order["start"])}
        return {"code": self._code(order["wait"], os.WNOHANG if order["poll"] else 0)}

    def close(self) -> None:
        """Kill who is left."""
        for pid in self._alive:
            os.kill(pid, signal.SIGKILL)

    def _start(self, environment: dict[str, str], log: str, faults: dict[str, Any]) -> int:
        pid = os.fork()
        if pid == 0:
            _become(environment, log, faults)
        self._alive.add(pid)
        return pid

    def _code(self, pid: int, options: int) -> int | None:
        found, status = os.waitpid(pid, options)
        if not found:
            return None
        self._alive.discard(pid)
        return os.waitstatus_to_exitcode(status)


def _become(environment: dict[str, str], log: str, faults: dict[str, Any]) -> None:
    code = 1
    try:
        os.environ.clear()
        os.environ.update(environment)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        # A child of its own session does not get the terminal's Ctrl-C, which is for the driver.
        os.setsid()
        Faults(**faults).install()
        code = command.main(["run"])
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Obey until the input ends."""
    # Libraries have threads of their own by now; none of them holds anything that a child uses.
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
    nursery = Nursery()
    try:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(nursery.obey(json.loads(line))) + "\n")
            sys.stdout.flush()
    finally:
        nursery.close()


if __name__ == "__main__":
    main()
