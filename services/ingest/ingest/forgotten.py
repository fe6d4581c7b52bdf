"""People who were erased stay so: what a source sends of them again goes to bronze without what is personal.

This is where rows of every source pass on their way into the lake: streams, copies, backfills, files and replays.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

import pyarrow as pa
from shopsphere_kit.forgetting import masked, mentions
from shopsphere_kit.suppressed_people import SuppressedPeople

from ingest.batch import Rejected


class Mask(Protocol):
    """Takes out what is personal of people who were erased."""

    def rows(self, table: str, rows: pa.Table) -> pa.Table:
        """Rows of a bronze table without it."""
        ...

    def records(self, rejected: Iterable[Rejected]) -> Iterator[Rejected]:
        """Rejected records without it."""
        ...


class NobodyForgotten:
    """The mask of a lake of which nobody was erased."""

    def rows(self, table: str, rows: pa.Table) -> pa.Table:  # noqa: ARG002 - as the Protocol says
        """See Mask."""
        return rows

    def records(self, rejected: Iterable[Rejected]) -> Iterator[Rejected]:
        """See Mask."""
        yield from rejected


class SuppressionMask:
    """Asks the lake who was erased; raises FailedPrecondition when the key to that is missing."""

    def __init__(self, people: SuppressedPeople) -> None:
        self._people = people

    def rows(self, table: str, rows: pa.Table) -> pa.Table:
        """See Mask."""
        return masked(table, rows, self._people.now())

    def records(self, rejected: Iterable[Rejected]) -> Iterator[Rejected]:
        """See Mask; a record that names such a person keeps its place and its reason."""
        forgotten = self._people.now()
        for record in rejected:
            if any(mentions(part, forgotten) for part in (record.value, record.key, record.headers, record.detail)):
                yield replace(record, detail="erased", value=None, key=None, headers="[]")
            else:
                yield record
