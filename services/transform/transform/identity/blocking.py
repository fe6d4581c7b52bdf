"""Which pairs are worth comparing: those that share an identifier, or two facts of different kinds.

A key is a hash of what is shared. A key with too many bearers proposes nobody: who shares only that is compared under a
narrower one. So the candidates are a function of the set of records.
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product
from typing import Final

from transform.identity.nicknames import formal_names
from transform.identity.phonetics import sound
from transform.identity.records import Record

# A wider block costs pairs with its square; narrower keys stand beside the wide ones. Tuned in `benchmarks/identity`.
BLOCK_MAX: Final = 100
_MASK: Final = (1 << 63) - 1
_MIX: Final = 0x9E3779B97F4A7C15
# A mailbox name shorter than this is too common to be tried at other domains.
_MAILBOX_NAME_MIN: Final = 5


def keys(record: Record) -> tuple[int, ...]:
    """The record's blocking keys, sorted, each once: 63-bit hashes."""
    facts = _Facts(record)
    return tuple(sorted({*facts.identifiers(), *facts.of_names(), *facts.of_dates(), *facts.of_streets()}))


class _Facts:
    """A record's facts as hashes, each with its kind."""

    def __init__(self, record: Record) -> None:
        self._values = record.values
        self.firsts = _hashes("name", {sound(form) for name in self._of("first_name") for form in _forms(name)})
        self.lasts = _hashes("name", {sound(part) for name in self._of("last_name") for part in _parts(name)})
        self.names = list(dict.fromkeys([*self.firsts, *self.lasts]))
        self.dates = _hashes("date", self._of("birth_date"))
        self.postal_codes = _hashes("postal", self._of("postal_code"))
        self.cities = _hashes("city", {sound(city) for city in self._of("city")})
        self.streets = _hashes("street", {core for street in self._of("street") for core in _cores(street)})

    def _of(self, attribute: str) -> tuple[str, ...]:
        return self._values.get(attribute, ())

    def identifiers(self) -> Iterator[int]:
        for attribute in ("loyalty_number", "email", "phone"):
            yield from _hashes(attribute, self._of(attribute))
        local = (email.partition("@")[0] for email in self._of("email"))
        yield from _hashes("mailbox", {name for name in local if len(name) >= _MAILBOX_NAME_MIN})

    def of_names(self) -> Iterator[int]:
        """Both names, alone and narrowed; each name with a date or a place."""
        both = [_both(*sorted(pair)) for pair in product(self.firsts, self.lasts)]
        yield from both
        years = _hashes("year", {date[:4] for date in self._of("birth_date")})
        states = _hashes("state", self._of("state"))
        yield from (_both(*pair) for pair in product(both, [*years, *states, *self.cities]))
        months = _hashes("month", {date[:6] for date in self._of("birth_date")})
        days = _hashes("day", {date[4:] for date in self._of("birth_date")})
        rest = [*self.dates, *months, *days, *self.postal_codes, *self.streets]
        yield from (_both(*pair) for pair in product(self.names, rest))

    def of_dates(self) -> Iterator[int]:
        yield from self.dates
        yield from (_both(*pair) for pair in product(self.dates, [*self.postal_codes, *self.streets, *self.cities]))

    def of_streets(self) -> Iterator[int]:
        yield from self.streets
        yield from (_both(*pair) for pair in product(self.streets, [*self.postal_codes, *self.cities]))


def _forms(name: str) -> set[str]:
    """A first name, its parts, and the names that they may stand for."""
    return {form for part in _parts(name) for form in formal_names(part)}


def _parts(name: str) -> set[str]:
    return {name, *(part for part in name.split() if len(part) > 1)}


def _cores(street: str) -> Iterator[str]:
    """Each house number with the longest word of the street: all that most spellings of an address have in common."""
    words = street.split()
    longest = max((word for word in words if not word[0].isdigit()), key=lambda word: (len(word), word), default="")
    numbers = [word for word in words if word[0].isdigit()]
    yield from (f"{number} {sound(longest)}" for number in numbers or [""])


def _hashes(kind: str, values: Iterable[str]) -> list[int]:
    return [_hash(kind, value) for value in values if value]


@lru_cache(maxsize=1_000_000)
def _hash(kind: str, value: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{kind}={value}".encode(), digest_size=8).digest()) & _MASK


def _both(one: int, other: int) -> int:
    mixed = one * _MIX + other
    return (mixed ^ (mixed >> 31)) * _MIX & _MASK
