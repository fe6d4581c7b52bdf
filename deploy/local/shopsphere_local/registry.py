"""The record of what runs, in the state folder: for `status`, `down`, and sweeping up after a killed supervisor.

A process is identified by its id and the time it was created, so that a reused id is never mistaken for ours.
"""

import fcntl
import json
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from shopsphere_kit.errors import Conflict
from shopsphere_kit.waiting import wait_until

_SWEEP_SECONDS = 20.0
# Process creation times are given in clock ticks of 10 ms; two reads of one process agree to far better than this.
_SAME_START_SECONDS = 0.5


@dataclass(frozen=True)
class Entry:
    """One process as recorded: `created` is its start in seconds since the epoch."""

    name: str
    pid: int
    created: float
    state: str
    restarts: int
    stop_signal: int
    log: str

    def process(self) -> psutil.Process | None:
        """Return the live process, or None when it is gone or its id belongs to another by now."""
        with suppress(psutil.Error):
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.created) < _SAME_START_SECONDS
            if same and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None


class Registry:
    """`processes.json` and the lock of one state folder's supervisor."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._file = run / "processes.json"

    def write(self, entries: Sequence[Entry]) -> None:
        """Replace the record in one step."""
        draft = self._file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps([asdict(entry) for entry in entries], indent=2), encoding="utf-8")
        draft.replace(self._file)

    def read(self) -> list[Entry]:
        """Return what was recorded last, in start order; empty when nothing was started."""
        if not self._file.exists():
            return []
        return [Entry(**row) for row in json.loads(self._file.read_text(encoding="utf-8"))]

    def supervisor(self) -> psutil.Process | None:
        """Return the live supervisor of this state folder, if there is one."""
        file = self._run / "supervisor.json"
        if not file.exists():
            return None
        return Entry(**json.loads(file.read_text(encoding="utf-8"))).process()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the one supervisor of this state folder; raises Conflict when another one is at work."""
        self._run.mkdir(parents=True, exist_ok=True)
        with (self._run / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Conflict(
                    "the stack of this state folder is already running; `shopsphere status` shows it and "
                    "`shopsphere down` stops it",
                    reason="already_running",
                ) from error
            self._announce()
            try:
                yield
            finally:
                (self._run / "supervisor.json").unlink(missing_ok=True)

    def sweep(self) -> list[str]:
        """Stop what a killed supervisor left behind, last started first; return the names."""
        left = [(entry, process) for entry in reversed(self.read()) if (process := entry.process())]
        for entry, process in left:
            with suppress(psutil.Error):
                process.send_signal(signal.Signals(entry.stop_signal))
        with suppress(TimeoutError):
            wait_until(
                lambda: not any(entry.process() for entry, _ in left), deadline_seconds=_SWEEP_SECONDS, what="their end"
            )
        for entry, process in left:
            if entry.process():
                with suppress(psutil.Error):
                    process.kill()
        self.write([])
        return [entry.name for entry, _ in left]

    def _announce(self) -> None:
        me = entry_of("supervisor", os.getpid(), signal.SIGTERM)
        (self._run / "supervisor.json").write_text(json.dumps(asdict(me)), encoding="utf-8")


def entry_of(
    name: str, pid: int, stop_signal: signal.Signals, *, state: str = "starting", restarts: int = 0, log: str = ""
) -> Entry:
    """Describe a live process of ours."""
    try:
        created = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        created = 0.0
    return Entry(name, pid, created, state, restarts, int(stop_signal), log)
