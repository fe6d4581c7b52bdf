"""Watches a replication slot, also while its reader backs off: the alarm must come before the source's disk is full."""

import threading
from contextvars import copy_context
from dataclasses import dataclass

from shopsphere_kit.errors import ShopSphereError, Unavailable
from shopsphere_kit.logging import get_logger

from ingest import metrics
from ingest.sources.postgres_slot import Slot, SlotState

LOOK_SECONDS = 5.0

_log = get_logger(__name__)


@dataclass(frozen=True)
class SlotLimit:
    """How much log a server may keep for a slot before somebody must be called, bytes."""

    lag_bytes_max: int

    def bytes_of(self, state: SlotState) -> int:
        """The limit for a slot: half of what the server keeps at most, when that is less; there it drops the slot."""
        if state.keep_bytes_max is None:
            return self.lag_bytes_max
        return min(self.lag_bytes_max, state.keep_bytes_max // 2)

    def crossed(self, state: SlotState) -> bool:
        """Whether it is time; a slot that the server gave up is beyond every limit."""
        return state.retained_bytes is None or state.retained_bytes > self.bytes_of(state)


class SlotWatch:
    """A thread that looks every LOOK_SECONDS until told to stop."""

    def __init__(self, slot: Slot, limit: SlotLimit, stop: threading.Event) -> None:
        self._slot, self._limit, self._stop = slot, limit, stop
        self._alarm = self._told_of_server = False
        self._trouble: str | None = None
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name="slot watch", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def look(self) -> None:
        """Look once; a server that is away keeps the last figures, its pump tells of it."""
        try:
            state = self._slot.state()
        except Unavailable as error:
            _log.debug("slot not seen", slot=self._slot.name, detail=error.detail)
            return
        except ShopSphereError as error:
            if error.detail != self._trouble:
                _log.warning("slot cannot be seen", slot=self._slot.name, reason=error.reason, detail=error.detail)
            self._trouble = error.detail
            return
        self._trouble = None
        if state is not None:
            self._tell_of_server(state)
            self._judge(state)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(LOOK_SECONDS)
        self._slot.close()

    def _judge(self, state: SlotState) -> None:
        name, alarm = self._slot.name, self._limit.crossed(state)
        metrics.SLOT_LAG_BYTES.labels(name).set(state.lag_bytes or 0)
        metrics.SLOT_RETAINED_BYTES.labels(name).set(state.retained_bytes or 0)
        metrics.SLOT_LAG_ALARM.labels(name).set(int(alarm))
        figures = {"slot": name, "retained_bytes": state.retained_bytes, "limit_bytes": self._limit.bytes_of(state)}
        if alarm and not self._alarm:
            _log.warning("the server keeps too much log for the slot", **figures, wal_status=state.wal_status)
        elif self._alarm and not alarm:
            _log.info("the server keeps little log for the slot again", **figures)
        self._alarm = alarm

    def _tell_of_server(self, state: SlotState) -> None:
        if self._told_of_server or state.keep_bytes_max is None:
            return
        self._told_of_server = True
        if state.keep_bytes_max // 2 < self._limit.lag_bytes_max:
            _log.warning(
                "max_slot_wal_keep_size drops the slot before INGEST_POSTGRES_SLOT_LAG_BYTES_MAX would be told of; "
                "half of it is the limit now",
                slot=self._slot.name,
                keep_bytes_max=state.keep_bytes_max,
            )
