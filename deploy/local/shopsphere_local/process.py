"""What the supervisor needs to know about a process: how to start it, when it is ready, and how to stop it."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shopsphere_kit.errors import ShopSphereError

Probe = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class ProcessSpec:
    """A long-lived child process."""

    name: str
    argv: tuple[str, ...]
    log: Path
    ready: Probe
    """True once the process serves; False or an exception means not yet."""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    depends_on: tuple[str, ...] = ()
    prepare: Callable[[], None] | None = None
    """Blocking work before the first start, such as making an empty database; must be repeatable."""
    after_ready: Callable[[], None] | None = None
    """Blocking work once it serves, such as making topics; must be repeatable."""
    user: str | None = None
    """The system user to run as; None for the supervisor's own."""
    stop_signal: signal.Signals = signal.SIGTERM
    restart: bool = True
    final_exit_codes: frozenset[int] = frozenset()
    """Codes with which the process says that starting it again would do harm."""
    ready_seconds: float = 60.0
    # Longer than any process gives itself: ingest takes up to 30 s for its last commits.
    stop_seconds: float = 40.0


class ProcessFailed(ShopSphereError):
    """A process or job ended, or never became ready; the detail holds the last lines of its log."""

    default_reason = "process_failed"

    def __init__(self, name: str, problem: str, log: Path) -> None:
        super().__init__(f"{name} {problem}\n{tail(log)}\nfull log: {log}", field=name)


def tail(log: Path, lines: int = 25) -> str:
    """Return the last lines of a log file, indented."""
    if not log.exists():
        return "    (no log)"
    kept = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return "\n".join(f"    {line}" for line in kept)
