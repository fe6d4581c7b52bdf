"""Starts a child that ends when its parent does, even when the parent is killed."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# A log that has grown beyond this at a start is set aside once, so that logs never fill the disk.
_LOG_BYTES_MAX = 50_000_000


async def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    output: Path | None = None,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    user: str | None = None,
) -> asyncio.subprocess.Process:
    """Start `argv` in a session of its own, with what it prints and logs appended to `log`, or the former to `output`.

    On Linux the kernel sends it `stop_signal` when this process dies. That is tied to the calling thread, so call it
    from one that lives as long as the child.
    """
    with _open_log(log) as errors, _open_log(output or log) as printed:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=printed,
            stderr=errors,
            env=dict(env),
            cwd=cwd,
            # A session of its own: Ctrl-C reaches the supervisor alone, which then stops everything in order.
            start_new_session=True,
            preexec_fn=_die_with_parent(stop_signal) if sys.platform == "linux" else None,
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )


def _open_log(log: Path) -> BinaryIO:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
        log.replace(log.with_suffix(".1.log"))
    return log.open("ab")


def _die_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    # Everything is looked up before the fork: the child of a threaded process should do as little as it can.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent, number, getppid, leave = os.getpid(), int(stop_signal), os.getppid, os._exit

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if getppid() != parent:  # The parent died before the call above took effect.
            leave(1)

    return arrange


def signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send a signal to everything in the child's session; does nothing when all are gone."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        # macOS answers EPERM for a group of zombies.
        return
