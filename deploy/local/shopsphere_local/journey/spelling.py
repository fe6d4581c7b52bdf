"""The same person on the marketplace: how a buyer's details differ from the shop's.

A buyer's habit is fixed by a hash of the household: 40 % type the same e-mail in another case, 30 % use a second e-mail
but the same telephone, 15 % a second e-mail and their loyalty number, and 15 % a mistyped e-mail and nothing else that
links them exactly. The name is written in one of four ways, apart from that habit.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.people import Profile

_ACCENTS: Final = str.maketrans("aeiouc", "áéíóúç")
_STREET_WORDS: Final = (("Street", "St."), ("Avenue", "Ave"), ("Road", "Rd"), ("Suite", "#"), ("Apt.", "#"))


class Habit(IntEnum):
    """Which of a buyer's details a link to the shop's customer can rest on; the value is the upper bound in percent."""

    SAME_EMAIL = 40
    SAME_PHONE = 70
    LOYALTY_NUMBER = 85
    NOTHING_EXACT = 100


@dataclass(frozen=True, slots=True)
class Buyer:
    """The buyer part of a marketplace order."""

    buyer_id: str
    name: str
    email: str
    phone: str | None
    loyalty_number: str | None
    street: str
    city: str
    postal_code: str
    state: str


def habit_of(chance: Chance, household_id: int) -> Habit:
    """The habit a household keeps for the whole year."""
    point = chance.pick(100, "habit", household_id)
    return next(habit for habit in Habit if point < habit)


def spell(chance: Chance, profile: Profile) -> Buyer:
    """The person as the marketplace knows them."""
    habit = habit_of(chance, profile.user_id)
    return Buyer(
        buyer_id=f"B-{profile.user_id}",
        name=_name(chance, profile),
        email=_email(chance, profile, habit),
        phone=_phone(chance, profile) if habit in {Habit.SAME_EMAIL, Habit.SAME_PHONE} else None,
        loyalty_number=profile.loyalty_number if habit is Habit.LOYALTY_NUMBER else None,
        street=_street(profile.street),
        city=profile.city.upper() if chance.pick(4, "city", profile.user_id) == 0 else profile.city,
        postal_code=profile.postal_code,
        state=profile.state,
    )


def _name(chance: Chance, profile: Profile) -> str:
    """As it is, in capitals, with an accent, or with two letters exchanged."""
    name = f"{profile.first_name} {profile.last_name}"
    match chance.pick(10, "name", profile.user_id):
        case 0 | 1:
            return name.upper()
        case 2:
            return profile.first_name.translate(_ACCENTS) + " " + profile.last_name
        case 3:
            return f"{profile.first_name} {_swapped(profile.last_name, 2)}"
        case _:
            return name


def _email(chance: Chance, profile: Profile, habit: Habit) -> str:
    """The shop's e-mail in another case, a second one, or a mistyped one."""
    local, _, domain = profile.email.partition("@")
    if habit is Habit.SAME_EMAIL:
        written = (local.title(), local.upper(), local)[chance.pick(3, "case", profile.user_id)]
        return f"{written}@{domain.title()}"
    if habit is Habit.NOTHING_EXACT:
        return f"{_swapped(local, 1)}@{domain}"
    return f"{profile.last_name.lower()}.{profile.first_name[0].lower()}.{profile.user_id}@{domain}"


def _phone(chance: Chance, profile: Profile) -> str:
    """The same number in one of the usual American ways."""
    digits = "".join(c for c in profile.phone if c.isdigit())
    ways = (
        f"+1{digits}",
        f"{digits[:3]}-{digits[3:6]}-{digits[6:]}",
        f"1 {digits[:3]} {digits[3:6]} {digits[6:]}",
        f"{digits[:3]}.{digits[3:6]}.{digits[6:]}",
    )
    return ways[chance.pick(len(ways), "phone", profile.user_id)]


def _street(street: str) -> str:
    """The street with its words abbreviated."""
    for word, short in _STREET_WORDS:
        street = street.replace(word, short)
    return street


def _swapped(text: str, at: int) -> str:
    """The text with two neighbouring letters exchanged; the first pair that differs from position `at` on."""
    for i in range(at, len(text) - 1):
        if text[i] != text[i + 1] and text[i].isalpha() and text[i + 1].isalpha():
            return text[:i] + text[i + 1] + text[i] + text[i + 2 :]
    return text + text[-1]
