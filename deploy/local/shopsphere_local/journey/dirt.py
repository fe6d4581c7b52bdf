"""The dirt of real feeds, at stated rates: duplicates, late records, records that are no events, unknown skus."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Final

from shopsphere_local.journey import rates
from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.dataset import day_start
from shopsphere_local.journey.messages import Message
from shopsphere_local.journey.stock import Movement, Shelf

_DAY_SECONDS: Final = 86_400
_REDELIVERY_SECONDS: Final = 3_600
_UNKNOWN_UNITS_MOST: Final = 9

# How a value is spoilt: cut off, not UTF-8, without its envelope, empty, not an object.
_SPOILT: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda value: value[: len(value) // 2],
    lambda value: b"\xff\xfe" + value,
    lambda value: value.replace(b'"occurred_at"', b'"when"'),
    lambda _value: b"",
    lambda value: b"[" + value[:40].hex().encode(),
)


class Delivery:
    """Hands a day's messages over as the sources would; days must be asked for in their order."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._late: defaultdict[int, list[Message]] = defaultdict(list)

    def day(self, number: int, messages: Iterable[Message]) -> list[Message]:
        """What reaches the topics on a day, in that order: its own records, yesterday's late ones, and the dirt."""
        delivered = self._late.pop(number, [])
        for message in messages:
            if message.can_be_late and self._chance.happens(rates.LATE, "late", message.identity):
                second = self._chance.pick(_DAY_SECONDS, "late by", message.identity)
                due = day_start(number + 1) + timedelta(seconds=second)
                self._late[number + 1].append(message._replace(due=due))
            else:
                delivered.append(message)
        with_dirt = [dirty for message in delivered for dirty in self._with_dirt(message)]
        return sorted(with_dirt, key=lambda message: message.due)

    def _with_dirt(self, message: Message) -> Iterator[Message]:
        """The message, for 1 % once more within the hour, and for 0.1 % a malformed one beside it."""
        yield message
        if self._chance.happens(rates.DUPLICATED, "duplicated", message.identity):
            seconds = self._chance.pick(_REDELIVERY_SECONDS, "again after", message.identity)
            yield message._replace(due=message.due + timedelta(seconds=seconds))
        if self._chance.happens(rates.MALFORMED, "malformed", message.identity):
            spoil = _SPOILT[self._chance.pick(len(_SPOILT), "spoilt", message.identity)]
            yield message._replace(value=spoil(message.value))


def with_unknown_skus(chance: Chance, movements: Iterable[Movement]) -> Iterator[Movement]:
    """The movements, and beside 0.05 % of the sales a count of a sku that no catalogue knows."""
    for movement in movements:
        yield movement
        if movement.type == "sale" and chance.happens(rates.UNKNOWN_SKU_MOVEMENTS, "unknown sku", *movement.about):
            units = chance.pick(_UNKNOWN_UNITS_MOST + 1, "unknown units", *movement.about)
            nobody = Shelf(f"UNKNOWN-{chance.number('unknown name', *movement.about):08x}", movement.shelf.location)
            about = ("unknown sku", *movement.about)
            yield Movement("count", movement.occurred_at, "stocktake", nobody, units, None, about)
