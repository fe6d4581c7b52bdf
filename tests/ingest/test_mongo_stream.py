"""The change stream around events too large to send, against a scripted server: the one at hand sends any size."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import pytest
from bson import Timestamp, encode
from bson.raw_bson import RawBSONDocument
from ingest.sources.mongo_stream import TOO_LARGE, EventStream
from pymongo.errors import OperationFailure

BATCH = 3


def a_token(number: int) -> dict[str, str]:
    return {"_data": f"{number:02}"}


def an_event(number: int, kind: str = "insert") -> dict[str, Any]:
    document = {"_id": number, "text": "…"}
    key = {"documentKey": {"_id": number}, "fullDocument": document} if kind == "insert" else {}
    return {"_id": a_token(number), "operationType": kind, "clusterTime": Timestamp(number, 0), **key}


@dataclass
class ScriptedCursor:
    """Gives the events of a batch, or refuses the whole batch when one in it is too large, as MongoDB does."""

    events: list[dict[str, Any]]
    large: set[int]
    size: int
    batch: list[dict[str, Any]] = field(default_factory=list)
    alive: bool = True

    @property
    def resume_token(self) -> None:
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.alive = False

    def try_next(self) -> RawBSONDocument | None:
        assert self.alive
        if not self.batch:
            self.batch, self.events = self.events[: self.size], self.events[self.size :]
        if any(event["clusterTime"].time in self.large for event in self.batch):
            self.alive = False
            raise OperationFailure("BSONObjectTooLarge", TOO_LARGE)
        if not self.batch:
            return None
        event = self.batch.pop(0)
        self.alive = event["operationType"] != "invalidate"
        return RawBSONDocument(encode(event))


@dataclass
class ScriptedCollection:
    events: Sequence[dict[str, Any]]
    large: set[int]
    batch_sizes: list[int | None] = field(default_factory=list)

    def watch(
        self,
        pipeline: Sequence[dict[str, Any]] = (),
        *,
        start_after: dict[str, str],
        batch_size: int | None,
        **_: object,
    ) -> ScriptedCursor:
        self.batch_sizes.append(batch_size)
        events = [event for event in self.events if event["_id"]["_data"] > start_after["_data"]]
        if pipeline:
            hidden = pipeline[0]["$project"]
            events = [{name: event[name] for name in event if name not in hidden} for event in events]
        return ScriptedCursor(events, set() if pipeline else self.large, batch_size or BATCH)


def found(collection: ScriptedCollection, events: int) -> list[tuple[int, bool, bool]]:
    """Number, whether it came whole, and whether its document did, of so many events."""
    stream = EventStream(collection, a_token(0))  # type: ignore[arg-type]
    seen: list[tuple[int, bool, bool]] = []
    while len(seen) < events:
        each = stream.next()
        assert each is not None
        seen.append((each.event["clusterTime"].time, each.whole, "fullDocument" in each.event))
    assert stream.next() is None
    assert stream.token == a_token(events)
    return seen


@pytest.mark.parametrize("large", [{1}, {2}, {3}, {2, 3}, {1, 7}, {3, 4, 5}])
def test_only_the_event_that_is_too_large_comes_without_its_document(large: set[int]) -> None:
    collection = ScriptedCollection([an_event(number) for number in range(1, 9)], large)
    assert found(collection, 8) == [(n, n not in large, n not in large) for n in range(1, 9)]


def test_after_a_large_event_the_stream_reads_whole_batches_again() -> None:
    collection = ScriptedCollection([an_event(number) for number in range(1, 9)], {2})
    found(collection, 8)
    assert collection.batch_sizes == [None, 1, 1, None]


def test_another_error_is_not_taken_for_a_large_event() -> None:
    class Refusing(ScriptedCollection):
        def watch(self, *_: object, **__: object) -> ScriptedCursor:
            raise OperationFailure("not authorized", 13)

    with pytest.raises(OperationFailure, match="not authorized"):
        EventStream(Refusing([], set()), a_token(0))  # type: ignore[arg-type]


def test_the_stream_goes_on_after_an_invalidation() -> None:
    events = [an_event(1), an_event(2, "drop"), an_event(3, "invalidate"), an_event(4)]
    assert [number for number, _, _ in found(ScriptedCollection(events, set()), 4)] == [1, 2, 3, 4]
