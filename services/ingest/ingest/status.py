"""What `status` says: the bronze tables, and how far each stream into them is behind its source."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from shopsphere_kit.clock import Clock
from shopsphere_kit.errors import ShopSphereError, Unavailable

from ingest.iceberg_repair import IcebergRepair
from ingest.iceberg_tables import IcebergTables
from ingest.report import positions
from ingest.slot_watch import SlotLimit
from ingest.sources.postgres_slot import Slot
from ingest.sources.progress import Progress
from ingest.sources.source import Positions
from ingest.sources.streams import Lag, Stream

Described = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class _Answer:
    """What one source said; `away` is why it said nothing."""

    behind: Sequence[str] = ()
    streams: Sequence[Stream] = ()
    lag: Lag = field(default_factory=Lag)
    away: str | None = None


def status(
    tables: IcebergTables,
    sources: Sequence[Progress],
    repair: IcebergRepair,
    slots: Mapping[str, tuple[Slot, SlotLimit]],
    clock: Clock,
) -> dict[str, Any]:
    """Tables, what each source has that they lack, streams with their lag, slots, and quarantine by source and reason.

    A source that is away is told of; raises Unavailable when the lake is.
    """
    described: Described = tables.describe()
    answers = _side_by_side(sources, lambda source: _ask(source, positions(tables)))
    now = clock.now()
    quarantine = [
        {"source": source, "reason": reason, "records": count}
        for (source, reason), count in sorted(repair.counts().items())
    ]
    return {
        "at": now,
        "tables": {
            name: {**table, "age_seconds": _age(table["committed_at"], now)} for name, table in described.items()
        },
        "behind": {
            name: [f"away: {answer.away}"] if answer.away else list(answer.behind) for name, answer in answers.items()
        },
        "streams": [line for name, answer in answers.items() for line in _lines(name, answer, described, now)],
        "slots": {name: _slot(slot, limit) for name, (slot, limit) in slots.items()},
        "quarantine": quarantine,
    }


def _side_by_side(sources: Sequence[Progress], ask: Callable[[Progress], _Answer]) -> dict[str, _Answer]:
    # Each may take until its connection is given up.
    with ThreadPoolExecutor(max(1, len(sources))) as pool:
        return dict(zip([source.name for source in sources], pool.map(ask, sources), strict=True))


def _ask(source: Progress, look: Positions) -> _Answer:
    try:
        source.mark()
        return _Answer(source.behind(look), source.streams(), source.lag(look))
    except ShopSphereError as error:
        return _Answer(away=error.detail)


def _lines(name: str, answer: _Answer, described: Described, now: datetime) -> list[dict[str, Any]]:
    if answer.away:
        return [{"source": name, "table": None, "away": answer.away}]
    lag = answer.lag
    since = lag.since or _newest(described, answer.streams)
    # Whatever is missing came after what is there, so this is an upper bound where the source itself cannot tell.
    seconds = lag.seconds if lag.seconds is not None else _age(since, now)
    found = {"lag_bytes": lag.bytes, "lag_events": lag.events, "lag_seconds": seconds}
    return [
        {
            "source": stream.source,
            "table": stream.table,
            "through": stream.through,
            "position": described.get(stream.table, {}).get("position"),
            **found,
        }
        for stream in answer.streams
    ]


def _newest(described: Described, streams: Sequence[Stream]) -> datetime | None:
    moments = [described.get(stream.table, {}).get("newest_row_at") for stream in streams]
    return max((moment for moment in moments if moment is not None), default=None)


def _age(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else round(max(0.0, (now - moment).total_seconds()), 3)


def _slot(slot: Slot, limit: SlotLimit) -> dict[str, Any]:
    try:
        with closing(slot):
            state = slot.state()
    except Unavailable as error:
        return {"away": error.detail}
    if state is None:
        return {"away": "the slot does not exist yet"}
    return {**asdict(state), "limit_bytes": limit.bytes_of(state), "alarm": limit.crossed(state)}
