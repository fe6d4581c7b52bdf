"""The letters of `stock-movements.dlq`, shown, and sent again once today's rules accept them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from shopsphere_kit.topics import STOCK_MOVEMENTS

from inventory import movement
from inventory.errors import MovementRejected
from inventory.topic_reader import TopicReader

# Enough to recognise a record by, little enough for a line.
SHOWN_BYTES = 120

# Topic, partition and offset of the record that a letter is about, as its headers tell them.
Origin = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that was no movement; `offset` is the letter's own, `origin` where the record stood first."""

    offset: int
    origin: Origin
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None

    @classmethod
    def of(cls, record: Any) -> "Letter":
        """The letter in a record of the dead-letter topic; what its headers lack is empty."""
        headers = {name: value.decode(errors="backslashreplace") for name, value in record.headers}
        origin = (headers.get("topic", ""), headers.get("partition", ""), headers.get("offset", ""))
        told = headers.get("reason", ""), headers.get("detail", "")
        return cls(record.offset, origin, *told, record.key, record.value)

    def as_line(self) -> dict[str, Any]:
        """What is shown of it; the first bytes as text in which whatever is not UTF-8 is escaped."""
        topic, partition, offset = self.origin
        shown = None if self.value is None else self.value[:SHOWN_BYTES].decode(errors="backslashreplace")
        return {
            "letter": self.offset,
            "topic": topic,
            "partition": partition,
            "offset": offset,
            "reason": self.reason,
            "detail": self.detail,
            "size": None if self.value is None else len(self.value),
            "first_bytes": shown,
        }


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters: those of one reason or of all, and how many at most."""

    reason: str | None = None
    limit: int | None = None


class Replay(Protocol):
    """Where letters go that are movements today."""

    async def send(self, letters: Sequence[Letter]) -> None:
        """Return when the topic has all of them."""
        ...


class KafkaReplay:
    """Sends letters to `stock-movements` with the key and value that they had."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(self, letters: Sequence[Letter]) -> None:
        """Produce all and wait for the broker's acknowledgements."""
        pending: list[Awaitable[object]] = [
            await self._producer.send(STOCK_MOVEMENTS.name, key=each.key, value=each.value) for each in letters
        ]
        for acknowledgement in pending:
            await acknowledgement


Show = Callable[[dict[str, Any]], None]


async def show(reader: TopicReader, selection: Selection, tell: Show) -> None:
    """Tell each letter, and what today's rules say of it: `today` is null for a movement."""
    async for letters in _selected(reader, selection):
        for letter in letters:
            tell(letter.as_line() | {"today": _fault(letter)})


async def replay(reader: TopicReader, selection: Selection, to: Replay | None, tell: Show) -> None:
    """Send what are movements today, and tell what became of each letter; with `to` None nothing is sent.

    One record may have two letters; the second is told as repeated. Sent is at least once: letters stay where they
    are, so each replay sends them anew, and whoever reads the topic counts them once, by event id.
    """
    seen: set[Origin] = set()
    async for letters in _selected(reader, selection):
        judged = [_judged(letter, seen) for letter in letters]
        if to:
            await to.send([letter for letter, _, outcome in judged if outcome == "sent"])
        for letter, fault, outcome in judged:
            told = "would_send" if outcome == "sent" and not to else outcome
            tell(letter.as_line() | {"today": fault, "outcome": told})


async def _selected(reader: TopicReader, selection: Selection) -> AsyncIterator[list[Letter]]:
    left = selection.limit
    async for chunk in reader.chunks(await reader.extent()):
        letters = [each for each in map(Letter.of, chunk) if selection.reason in (None, each.reason)][:left]
        yield letters
        if left is not None:
            left -= len(letters)
            if left == 0:
                return


def _judged(letter: Letter, seen: set[Origin]) -> tuple[Letter, str | None, str]:
    if fault := _fault(letter):
        return letter, fault, "still_fails"
    if letter.origin in seen:
        return letter, None, "repeated"
    if all(letter.origin):
        seen.add(letter.origin)
    return letter, None, "sent"


def _fault(letter: Letter) -> str | None:
    try:
        movement.decode(letter.value)
    except MovementRejected as error:
        return f"{error.reason}: {error.field or 'value'}: {error.detail}"
    return None
