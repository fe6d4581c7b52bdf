"""A part of a source's table, chosen by a condition, as it is at one moment."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ingest.batch import Chunk


@dataclass(frozen=True)
class Range:
    """The rows of a range, operation `r`, with positions that sort as of the moment when they were read."""

    source: str
    chunks: Iterator[Chunk]


# Opens the range of a bronze table for a condition. The positions that earlier backfills ended with are taken. Raises
# InvalidArgument when there is no such table or condition, SourceUnavailable when the source is away.
RangeReader = Callable[[str, str, Iterable[str]], AbstractContextManager[Range]]
