"""Quarantine rows: a record is there once, known by its source and its position, however often it is read again."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
from pyiceberg.expressions import And, BooleanExpression, GreaterThanOrEqual, In, LessThanOrEqual

from ingest.batch import Rejected
from ingest.tables import INGESTED_AT, QUARANTINE_SCHEMA


def numbered(rejected: Sequence[Rejected], seen: Counter[tuple[str, str]] | None = None) -> Iterator[Rejected]:
    """The records of one batch, told apart: equal rows of a table without a key have one position, so they get numbers.

    A batch that is read again has as many of them, in whatever order. `seen` goes on over the parts of a copy.
    """
    seen = Counter() if seen is None else seen
    for record in rejected:
        repeated = seen[record.source, record.position]
        seen[record.source, record.position] += 1
        yield replace(record, position=f"{record.position}/{repeated}") if repeated else record


def rows(rejected: Sequence[Rejected], now: datetime) -> pa.Table:
    """Rejected records as rows of the quarantine table."""
    columns = {name: [getattr(record, name) for record in rejected] for name in _RECORD_COLUMNS}
    columns |= {name: [now] * len(rejected) for name in ("seen_at", INGESTED_AT.name)}
    return pa.Table.from_pydict(columns, schema=QUARANTINE_SCHEMA)


_RECORD_COLUMNS = ("source", "position", "reason", "detail", "value", "key", "headers")


def known_positions(candidates: pa.Table) -> BooleanExpression:
    """A filter that finds every row of the table that could be one of the candidates."""
    places = [str(place) for place in candidates["position"].to_pylist()]
    least = GreaterThanOrEqual(term="position", value=min(places))
    most = LessThanOrEqual(term="position", value=max(places))
    return And(In(term="source", literals=set(candidates["source"].to_pylist())), And(least, most))


def unknown(candidates: pa.Table, present: pa.Table) -> pa.Table:
    """The candidates that are not present yet."""
    known = set(zip(present["source"].to_pylist(), present["position"].to_pylist(), strict=True))
    pairs = zip(candidates["source"].to_pylist(), candidates["position"].to_pylist(), strict=True)
    return candidates.filter(pa.array([pair not in known for pair in pairs], pa.bool_()))
