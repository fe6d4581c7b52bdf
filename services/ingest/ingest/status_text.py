"""The report of `status` for a terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ingest.errors import PositionLost
from ingest.position import decode
from ingest.start_table import brief
from ingest.text_table import text_table

_STREAMS = ("source", "bronze table", "position", "lag", "last commit", "rows", "files", "too many", "quarantined")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def status_text(report: Mapping[str, Any]) -> list[str]:
    """Streams, slots and quarantine, as tables."""
    return [*_streams(report), *_slots(report["slots"]), *_quarantine(report)]


def _streams(report: Mapping[str, Any]) -> Iterator[str]:
    quarantined = Counter[str]()
    for line in report["quarantine"]:
        quarantined[line["source"]] += line["records"]
    told = {line["table"] for line in report["streams"]}
    others = [{"source": "", "table": name} for name in report["tables"] if name not in told and name != "quarantine"]
    yield from text_table(
        _STREAMS, [_row(line, report["tables"], quarantined) for line in [*report["streams"], *others]]
    )
    for line in report["streams"]:
        if line.get("away"):
            yield f"{line['source']} is away: {' '.join(line['away'].split())}"


def _row(line: Mapping[str, Any], tables: Mapping[str, Any], quarantined: Mapping[str, int]) -> list[str]:
    table = tables.get(line["table"])
    source = line["source"]
    if table is None:
        state = "away" if line.get("away") else "not copied yet"
        return [source, line["table"] or "", state, _lag(line), "", "", "", "", _number(quarantined.get(source))]
    return [
        source,
        line["table"],
        _position(table["position"]),
        _lag(line),
        _age(table["age_seconds"]),
        _number(table["rows"]),
        _number(table["files"]),
        f"{table['files_beyond']} in {table['crowded_partitions']} of {table['partitions']} partitions",
        _number(quarantined.get(source)),
    ]


def _position(text: str | None) -> str:
    try:
        return brief(decode(text)) if text else ""
    except PositionLost:
        return "not a position"


def _lag(line: Mapping[str, Any]) -> str:
    told = []
    if line.get("lag_bytes") is not None:
        told.append(_size(line["lag_bytes"]))
    if line.get("lag_events") is not None:
        told.append(f"{_number(line['lag_events'])} events")
    if line.get("lag_seconds") is not None:
        told.append(_age(line["lag_seconds"]))
    return ", ".join(told)


def _slots(slots: Mapping[str, Any]) -> Iterator[str]:
    for name, slot in slots.items():
        yield ""
        if slot.get("away"):
            yield f"slot {name}: {slot['away']}"
            continue
        kept, limit = slot["retained_bytes"], slot["limit_bytes"]
        state = "read now" if slot["active"] else "read by nobody"
        alarm = "  ALARM" if slot["alarm"] else ""
        size = "all lost" if kept is None else f"the server keeps {_size(kept)} of log for it"
        yield f"slot {name}: {state}, {size}, limit {_size(limit)}{alarm}"


def _quarantine(report: Mapping[str, Any]) -> Iterator[str]:
    if report["quarantine"]:
        rows = [[line["source"], line["reason"], _number(line["records"])] for line in report["quarantine"]]
        yield from ["", *text_table(("in quarantine from", "reason", "records"), rows)]


def _number(count: int | None) -> str:
    return f"{count:,}" if count else "0"


def _age(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def _size(size: int) -> str:
    for unit, name in _SIZES:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} B"
