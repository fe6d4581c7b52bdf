"""Whether MongoDB's tables are behind, against a server that looks through its log in pieces."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import pytest
from bson import Timestamp
from ingest.errors import SourceUnavailable
from ingest.position import MongoPosition, Position
from ingest.sources import progress
from ingest.sources.progress import MongoProgress

Answer = int | dict[str, Any]


def a_token(seconds: int) -> dict[str, str]:
    return {"_data": f"82{seconds:08X}{0:08X}"}


def recorded(seconds: int) -> Callable[[str], Position]:
    return lambda _: MongoPosition(a_token(seconds), seconds, 0)


@dataclass
class ScriptedStream:
    """Answers in order: an event, or how far (seconds) an empty answer has looked; then nothing new."""

    answers: list[Answer]
    resume_token: dict[str, str] | None

    def try_next(self) -> dict[str, Any] | None:
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, int):
            self.resume_token = a_token(answer)
        return answer if isinstance(answer, dict) else None


class ScriptedMongo:
    """As much of a client as MongoProgress needs; `now` is its operation time, seconds."""

    def __init__(self, now: int, answers: list[Answer]) -> None:
        self._now, self._answers = now, answers
        self.started_after: list[dict[str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getitem__(self, _: str) -> "ScriptedMongo":
        return self

    def command(self, _: str) -> dict[str, Any]:
        return {"operationTime": Timestamp(self._now, 0)}

    @contextmanager
    def watch(self, *_: object, start_after: dict[str, str] | None = None, **__: object) -> Iterator[ScriptedStream]:
        # MongoDB starts a new stream one tick after the last operation.
        self.started_after += [start_after] if start_after else []
        yield ScriptedStream(self._answers if start_after else [], start_after or a_token(self._now + 1))


def a_progress(server: ScriptedMongo) -> MongoProgress:
    made = MongoProgress("marketplace", "orders", lambda: server)  # type: ignore[arg-type,return-value]
    made.mark()
    return made


def test_empty_answers_are_not_the_end() -> None:
    event = {"clusterTime": Timestamp(99, 0)}
    late = a_progress(ScriptedMongo(100, [10, 20, 30, 40, 50, event]))
    assert late.behind(recorded(5)) == ["events since 5.0"]


def test_a_stream_that_has_looked_up_to_the_mark_has_nothing_more() -> None:
    assert a_progress(ScriptedMongo(100, [50, 99, 100])).behind(recorded(5)) == []


def test_an_event_after_the_mark_shows_that_nothing_was_before() -> None:
    assert a_progress(ScriptedMongo(100, [50, {"clusterTime": Timestamp(101, 0)}])).behind(recorded(5)) == []


def test_a_long_look_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "MONGO_LOOK_SECONDS", 0.01)
    server = ScriptedMongo(100, [20, 30])
    looking = a_progress(server)
    assert looking.behind(recorded(5)) == ["the log from 5.0 on is not looked through yet"]
    looking.behind(recorded(5))
    looking.behind(recorded(6))
    assert server.started_after == [a_token(5), a_token(30), a_token(6)]


def test_a_server_without_tokens_is_named() -> None:
    class Standalone(ScriptedMongo):
        @contextmanager
        def watch(self, *_: object, **__: object) -> Iterator[ScriptedStream]:
            yield ScriptedStream([], None)

    with pytest.raises(SourceUnavailable, match="replica set"):
        a_progress(Standalone(100, []))
