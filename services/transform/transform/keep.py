"""Runs again and again in one process: Spark is up and warm when bronze gains something, and idle looks start none."""

import signal
import sys
import threading
from collections.abc import Callable, Mapping

from shopsphere_kit.errors import ShopSphereError
from shopsphere_kit.logging import get_logger

from transform import bronze
from transform.errors import Superseded
from transform.storage import Lake

log = get_logger(__name__)
Heads = Mapping[str, int | None]


def heads(lake: Lake) -> Heads:
    """The snapshot that every bronze table is at; PyIceberg alone answers."""
    return {name: lake.current_snapshot(name) for name in bronze.SCHEMAS}


def run_every(seconds: float, run: Callable[[], None], look: Callable[[], Heads], stopping: threading.Event) -> None:
    """Run at once, then whenever a look finds bronze elsewhere than before the last run; returns when told to stop.

    A run in hand ends first. One that was refused is told on standard error and tried again when bronze has moved, one
    that was superseded at the next look. Anything else ends the process: a new one has a Spark that works.
    """
    seen: Heads | None = None
    while not stopping.is_set():
        found = look()
        if found != seen:
            seen = found if _is_settled(run) else None
        stopping.wait(seconds)
    log.info("stopped")


def until_sigterm() -> threading.Event:
    """An event that SIGTERM sets from now on."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    return stopping


def _is_settled(run: Callable[[], None]) -> bool:
    try:
        run()
    except ShopSphereError as error:
        sys.stderr.write(f"{error.reason}: {error.detail}\n")
        sys.stderr.flush()
        return not isinstance(error, Superseded)
    return True
