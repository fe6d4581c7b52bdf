"""What `run` is about to do, as text: which source goes into which bronze table, and from where on."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TextIO

from shopsphere_kit.errors import ShopSphereError, Unavailable
from shopsphere_kit.logging import get_logger

from ingest.position import (
    FilePosition,
    KafkaPosition,
    MongoPosition,
    Position,
    PostgresPosition,
    decode,
    format_lsn,
    mongo_row,
)
from ingest.sources.progress import Progress
from ingest.sources.streams import Stream
from ingest.text_table import text_table

# A source that has not answered by then is away for this table; its pump waits longer.
ANSWER_SECONDS = 5.0
_AWAY = "away"
_HEADING = ("source", "bronze table", "from", "through")

# Source, bronze table (empty when the source cannot tell), from where on, and through what.
Start = tuple[str, str, str, str]

_log = get_logger(__name__)


def tell(rows: Sequence[Start], stream: TextIO) -> None:
    """Write the table to a terminal; elsewhere, where every line is a JSON object, one line of the log per row."""
    if stream.isatty():
        stream.write("\n".join(text_table(_HEADING, rows)) + "\n")
        return
    for source, table, start, through in rows:
        _log.info("stream", source=source, table=table, start=start, through=through)


def start_table(sources: Sequence[Progress], recorded: Callable[[str], str | None]) -> list[Start]:
    """The rows; a source or a lake that is away is told in its place."""
    found = _asked(sources)
    rows: list[Start] = []
    for source in sources:
        streams = found.get(source.name)
        if streams is None:
            rows.append((source.name, "", _AWAY, ""))
        elif not streams:
            rows.append((source.name, "", "nothing is published yet", ""))
        else:
            rows.extend((stream.source, stream.table, _start(stream, recorded), stream.through) for stream in streams)
    return rows


def _asked(sources: Sequence[Progress]) -> Mapping[str, Sequence[Stream]]:
    pool = ThreadPoolExecutor(max_workers=max(1, len(sources)), thread_name_prefix="start table")
    asked = {source.name: pool.submit(_streams, source) for source in sources}
    done, _ = wait(asked.values(), timeout=ANSWER_SECONDS)
    pool.shutdown(wait=False)
    answers = {name: future.result() for name, future in asked.items() if future in done}
    return {name: streams for name, streams in answers.items() if streams is not None}


def _streams(source: Progress) -> Sequence[Stream] | None:
    try:
        source.mark()
        return source.streams()
    except ShopSphereError:
        return None


def _start(stream: Stream, recorded: Callable[[str], str | None]) -> str:
    try:
        text = recorded(stream.table)
        return brief(decode(text)) if text is not None else _first(stream)
    except Unavailable:
        return "the lake is away"
    except ShopSphereError as error:
        return error.reason


def _first(stream: Stream) -> str:
    return "the topic's beginning" if stream.source.startswith("kafka:") else "will be copied"


def brief(position: Position) -> str:
    """A position as a person reads it."""
    match position:
        case PostgresPosition(lsn):
            return format_lsn(lsn) + (", being copied" if position.copying else "")
        case FilePosition():
            return f"{position.files} files"
        case KafkaPosition(offsets):
            return " ".join(f"{partition}:{offsets[partition]}" for partition in sorted(offsets)) or "-"
        case MongoPosition(_, seconds, increment, index, copy):
            copying = f", copying {copy.index + 1}" if copy else ""
            return mongo_row(seconds, increment, index) + copying
