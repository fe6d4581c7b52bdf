"""The person who is to be forgotten: their users, and everything that is known to name them. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from shopsphere_kit.suppression import CARD_TOKEN, EMAIL, LOYALTY_NUMBER, MARKETPLACE, PHONE, SHOP, Mark, mark_of

# Columns and JSON fields with what names one person and nobody else, and the kind of mark that makes.
_NAMING = {
    "email": EMAIL,
    "emails": EMAIL,
    "phone": PHONE,
    "phones": PHONE,
    "loyalty_number": LOYALTY_NUMBER,
    "card_token": CARD_TOKEN,
    "street": "street",
    "name": "name",
}
_CONTACTS = frozenset({EMAIL, PHONE, LOYALTY_NUMBER, CARD_TOKEN})
_JSON_COLUMNS = frozenset({"document", "row", "_row"})
# A shorter text is found in the words of others.
CHARACTERS_MIN = 6
_COUNTRY_CODE_ONE = "+1"


@dataclass(frozen=True)
class Person:
    """One person, or several who are forgotten together. `values` are texts as they were written somewhere."""

    users: frozenset[Mark]
    customers: frozenset[str] = frozenset()
    values: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    not_sought: frozenset[str] = field(default=frozenset(), repr=False)
    """Texts, in lower case, that others have inside of theirs: to find them proves nothing."""

    def knowing(self, values: Iterable[tuple[str, str]]) -> "Person":
        """The person with more values known."""
        return replace(self, values=self.values | {(kind, text) for kind, text in values if text.strip()})

    def without(self, shared: Iterable[str]) -> "Person":
        """The person without values (in lower case) that others have as well: they are no less the others'."""
        theirs = frozenset(shared)
        return replace(self, values=frozenset(each for each in self.values if each[1].strip().lower() not in theirs))

    def without_texts(self, within: Iterable[str]) -> "Person":
        """The person whose texts (in lower case) are not looked for in bytes; who has such a value is theirs yet."""
        return replace(self, not_sought=self.not_sought | frozenset(within))

    def spellings_of(self, value: str) -> set[str]:
        """The person's values, in lower case, that say the same as a value of anybody, a phone in any spelling."""
        return {text.strip().lower() for kind, text in self.values if _say_the_same(kind, text, value)}

    @cached_property
    def forgotten(self) -> frozenset[Mark]:
        """Users and contacts as marks; this is a `Forgotten`."""
        return self.users | self.contacts

    @cached_property
    def contacts(self) -> frozenset[Mark]:
        """E-mail addresses, phones, loyalty numbers and cards."""
        marks = (mark_of(kind, text) for kind, text in self.values if kind in _CONTACTS)
        return frozenset(mark for mark in marks if mark is not None)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What to look for in bytes: values as they were written and in their normal spelling."""
        written = {text.strip() for _, text in self.values}
        normal = {mark.value for mark in self.contacts}
        national = {each.removeprefix(_COUNTRY_CODE_ONE) for each in normal if each.startswith(_COUNTRY_CODE_ONE)}
        sought = (text for text in written | normal | national if text.lower() not in self.not_sought)
        return tuple(sorted(text for text in sought if len(text) >= CHARACTERS_MIN))

    @cached_property
    def pattern(self) -> str:
        """A regular expression, for any case, that finds what may name the person in a record of any form."""
        ids = "|".join(sorted(re.escape(mark.value) for mark in self.users))
        # Between the name of a field and its value stand quotes in JSON and a length in BSON.
        named = [rf"(?:user_id|buyer_id)[^A-Za-z0-9_]{{1,12}}(?:{ids})"] if ids else []
        return "(?is)" + "|".join([*named, *map(_escaped, self.texts)])

    @cached_property
    def compiled(self) -> re.Pattern[bytes]:
        """The texts alone, as Python searches them."""
        return re.compile(
            b"(?i)" + b"|".join(re.escape(text.encode()) for text in self.texts) if self.texts else b"(?!)"
        )


def _say_the_same(kind: str, one: str, other: str) -> bool:
    if one.strip().lower() == other.strip().lower():
        return True
    mark = mark_of(kind, one) if kind in _CONTACTS else None
    return mark is not None and mark == mark_of(kind, other)


def _escaped(text: str) -> str:
    # In bytes of no known encoding RE2 takes each byte for a character.
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def user(text: str) -> Mark | None:
    """The user that `shop:12` or `marketplace:B-12` is; None for anything else."""
    source, _, number = text.partition(":")
    return mark_of(source, number) if source in (SHOP, MARKETPLACE) else None


def naming_values(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What in a row of the person names them: kinds and texts, from nested values and JSON too."""
    for name, value in row.items():
        yield from _values(name, value)
    first, last = row.get("first_name"), row.get("last_name")
    if isinstance(first, str) and isinstance(last, str):
        yield "name", f"{first} {last}"


def _values(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and name in _JSON_COLUMNS:
        yield from _of_json(value)
    elif isinstance(value, str) and name in _NAMING:
        yield _NAMING[name], value
    elif isinstance(value, dict):
        yield from naming_values(value)
    elif isinstance(value, list):
        for each in value:
            yield from _values(name, each)


def _of_json(text: str) -> Iterator[tuple[str, str]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict):
        yield from naming_values(value)
