"""Children that run ingest, started through the nursery or as the plain command, and what their logs say."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psutil
from ingest_torture.faults import Faults
from shopsphere_kit.waiting import wait_until

_TESTS = Path(__file__).parents[1]
# Everything here happens within a second or two on an idle machine; a busy one gets two minutes.
PATIENCE_SECONDS = 120.0
NO_FAULTS = Faults()


class Process(Protocol):
    """As much of a child process as is needed here."""

    pid: int

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        ...

    def wait(self) -> int:
        """The exit code, once it has ended."""
        ...


class Forked:
    """A child of the nursery."""

    def __init__(self, nursery: "NurseryProcess", pid: int) -> None:
        self._nursery, self.pid = nursery, pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """See Process."""
        return self._ask(poll=True)

    def wait(self) -> int:
        """See Process."""
        wait_until(lambda: self.poll() is not None, deadline_seconds=PATIENCE_SECONDS, what="the end of a child")
        assert self._code is not None
        return self._code

    def _ask(self, *, poll: bool) -> int | None:
        if self._code is None:
            self._code = self._nursery.ask({"wait": self.pid, "poll": poll})["code"]
        return self._code


class Child:
    """One run of ingest and its log."""

    def __init__(self, process: Process, log: Path) -> None:
        self._process, self._log = process, log

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    @property
    def stopped(self) -> bool:
        """Whether it hangs in SIGSTOP."""
        return bool(psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED)

    @property
    def lines(self) -> list[str]:
        """The lines of its log so far."""
        return self._log.read_text(errors="replace").splitlines() if self._log.exists() else []

    @property
    def tail(self) -> str:
        """The end of its log, for messages."""
        return "\n".join(self.lines)[-3000:]

    def says(self, text: str) -> bool:
        """Whether the log has a line with that text."""
        return any(text in line for line in self.lines)

    def wait_until(self, condition: Any, what: str) -> None:
        """Wait for something, unless the child ends first."""
        try:
            wait_until(lambda: not self.alive or condition(), deadline_seconds=PATIENCE_SECONDS, what=what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.tail}") from error
        assert self.alive, f"ended with {self._process.poll()} while waiting for {what}:\n{self.tail}"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self._process.pid, number)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait()

    def terminate(self) -> int:
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """Kill -9, and wait until it is gone; nothing happens to one that has ended."""
        if self.alive:
            self.signal(signal.SIGKILL)
            self.wait()


class NurseryProcess:
    """The forking parent, as a child of this process."""

    def __init__(self) -> None:
        environment = {"PYTHONPATH": str(_TESTS), "PATH": os.environ.get("PATH", "")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ingest_torture.nursery"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Give an order; returns the answer."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def start(self, environment: Mapping[str, str], log: Path, faults: Faults = NO_FAULTS) -> Child:
        """Fork a child that runs ingest."""
        order = {"environment": dict(environment), "log": str(log), "faults": faults.as_dict()}
        return Child(Forked(self, self.ask({"start": order})["pid"]), log)

    def close(self) -> None:
        """End it, and with it every child that is left."""
        self._process.communicate()


@contextmanager
def nursery() -> Iterator[NurseryProcess]:
    """A nursery for as long as it is needed."""
    made = NurseryProcess()
    try:
        yield made
    finally:
        made.close()


def plain(environment: Mapping[str, str], log: Path) -> Child:
    """The command as an operator types it."""
    with log.open("ab") as output:
        command = [sys.executable, "-m", "ingest", "run"]
        return Child(subprocess.Popen(command, env=dict(environment), stdout=output, stderr=output), log)
