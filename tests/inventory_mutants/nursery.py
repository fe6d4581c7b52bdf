"""A process that has imported what the suite needs but not the service, and forks a child per mutant: a second saved.

Orders are lines of JSON on standard input, answers on standard output. A child runs pytest with the mutated copy of the
package in front of the path, up to the first test that fails.
"""

import json
import os
import sys
import traceback
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

# What the service and its tests import, and what takes long; never the service itself, nor a plugin of pytest.
_IMPORTED_BEFORE = (
    *("faust", "aiokafka", "confluent_kafka", "fastapi", "httpx", "msgspec", "redis.asyncio", "pydantic_settings"),
    *("grpc", "google.protobuf.json_format", "shopsphere_kit.stream", "shopsphere_kit.auth", "shopsphere_kit.serving"),
    *("shopsphere_local.catalogue", "shopsphere_local.supervisor", "hypothesis.stateful", "prometheus_client"),
    *("shopsphere_kit.lake", "pyarrow", "strictyaml"),
)
# Plugins that take long to load and that no test here needs.
_WITHOUT = [word for name in ("cacheprovider", "faker", "anyio") for word in ("-p", f"no:{name}")]
# A few tests take seconds; one that a mutant holds up has not passed.
_TEST_SECONDS_MAX = 60


class FirstFailure:
    """Remembers the first test that failed, and why; gives the tests a Redis that runs already."""

    def __init__(self, redis_url: str) -> None:
        self.told: dict[str, str] = {}
        self._redis_url = redis_url

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Come after the plugin whose fixture is replaced."""
        session.config.pluginmanager.register(running_redis(self._redis_url))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for each step of each test."""
        if report.failed and not self.told:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.told = {"test": report.nodeid, "message": crash.message if crash else str(report.longrepr)}


def running_redis(url: str) -> ModuleType:
    """A plugin with the fixture of a Redis, without its start."""

    @pytest.fixture(scope="session")
    def redis_url() -> str:
        return url

    plugin = ModuleType("running_redis")
    plugin.__dict__["redis_url"] = redis_url
    return plugin


def _become(order: dict[str, Any]) -> None:
    try:
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.path.insert(0, order["folder"])
        os.environ["PYTHONPATH"] = order["folder"]
        sys.dont_write_bytecode, sys.pycache_prefix = False, order["bytecode"]
        first = FirstFailure(order["redis_url"])
        ways = ["-x", "-q", *_WITHOUT, f"--timeout={_TEST_SECONDS_MAX}"]
        # Modules that were imported before are not those whose asserts are rewritten, and a test that fails may leave
        # a connection open.
        ways += ["--hypothesis-profile=mutants", *_warnings("ignore:Module already imported")]
        ways += _warnings("ignore::pytest.PytestUnraisableExceptionWarning")
        code = pytest.main([*ways, *order["arguments"]], plugins=[first])
        Path(order["answer"]).write_text(json.dumps({"code": int(code), **first.told}))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def _warnings(*filters: str) -> list[str]:
    return [word for each in filters for word in ("-W", each)]


def main() -> None:
    """Obey until the input ends."""
    warnings.filterwarnings("ignore")
    for name in _IMPORTED_BEFORE:
        import_module(name)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become(json.loads(line))
        os.waitpid(pid, 0)
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
