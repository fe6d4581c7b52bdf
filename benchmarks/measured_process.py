"""A process of which its benchmark is told what it costs: CPU-seconds and memory of it and all its children."""

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

# Often enough to see a peak of memory, seldom enough to cost less than a hundredth of a core.
_SAMPLE_SECONDS = 0.2
_STOP_SECONDS = 60.0
_LOG_TAIL = 3000


@dataclass(frozen=True)
class Cost:
    """User and system CPU-seconds, and the highest sum of resident bytes that was seen, of a process tree."""

    cpu_seconds: float
    peak_bytes: int


class MeasuredProcess:
    """A running child; `line` reads what it prints, and its log (standard error) is kept for a failure's message."""

    def __init__(self, argv: Sequence[str | Path], env: Mapping[str, str], log: Path, *, prints: bool) -> None:
        self._log = log
        with log.open("ab") as errors:
            # A pipe that nobody reads would stop it when it is full.
            output = subprocess.PIPE if prints else errors
            self._child = subprocess.Popen(argv, env=dict(env), stdout=output, stderr=errors, text=True)  # noqa: S603
        self._peak = 0
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="sampler", daemon=True)
        self._sampler.start()

    def line(self) -> str:
        """The next line that it prints; raises RuntimeError with the end of its log when it ends without one."""
        line = self.next_line()
        if line is None:
            self.wait()
            raise RuntimeError(f"{self._child.args!r} ended without an answer:\n{self.log_tail()}")
        return line

    def next_line(self) -> str | None:
        """The next line that it prints, None at the end."""
        assert self._child.stdout is not None, "started with prints=False"
        line: str = self._child.stdout.readline()
        return line.rstrip("\n") if line else None

    def check(self) -> None:
        """Raise RuntimeError with the end of its log when it is no longer running."""
        # Only looked at: the end is waited for in one place, which also takes the costs.
        if os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            self.wait()
            raise RuntimeError(f"{self._child.args!r} ended with {self._child.returncode}:\n{self.log_tail()}")

    def cpu_seconds(self) -> float:
        """CPU-seconds until now, of the process and its children."""
        total = 0.0
        for process in self._tree():
            with _if_it_lives():
                total += sum(process.cpu_times()[:4])  # user, system, and both of the children that have ended
        return total

    def wait(self) -> Cost:
        """Wait until it ends by itself; return what it cost."""
        _, status, usage = os.wait4(self._child.pid, 0)
        self._child.returncode = os.waitstatus_to_exitcode(status)
        self._ended.set()
        self._sampler.join()
        if self._child.stdout:
            self._child.stdout.close()
        return Cost(usage.ru_utime + usage.ru_stime, max(self._peak, usage.ru_maxrss * 1024))

    def stop(self) -> Cost:
        """End it with SIGTERM (SIGKILL when it stays); return what it cost."""
        self._child.terminate()
        killer = threading.Timer(_STOP_SECONDS, self._child.kill)
        killer.start()
        try:
            return self.wait()
        finally:
            killer.cancel()

    def log_tail(self) -> str:
        """The end of its log."""
        return self._log.read_text(errors="replace")[-_LOG_TAIL:]

    @property
    def running(self) -> bool:
        """Whether nobody has waited for its end yet."""
        return self._child.returncode is None

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs."""
        return self._child.returncode

    def _sample(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            resident = 0
            for process in self._tree():
                with _if_it_lives():
                    resident += process.memory_info().rss
            self._peak = max(self._peak, resident)

    def _tree(self) -> list[psutil.Process]:
        with _if_it_lives():
            root = psutil.Process(self._child.pid)
            return [root, *root.children(recursive=True)]
        return []


@contextmanager
def _if_it_lives() -> Iterator[None]:
    with suppress(psutil.NoSuchProcess):
        yield


@contextmanager
def measured_process(
    argv: Sequence[str | Path], env: Mapping[str, str], log: Path, *, prints: bool = False
) -> Iterator[MeasuredProcess]:
    """Run a child that has ended when the block is left; with `prints` its output must be read."""
    child = MeasuredProcess(argv, env, log, prints=prints)
    try:
        yield child
    finally:
        if child.running:
            child.stop()
