"""Invented populations for measuring identity resolution: households of people, and several faulty records of each.

Names and places are Faker's lists; what is wrong in the records follows a `Profile`. All profiles were looked at while
the model was tuned. A generator made with the same seed gives the same population.
"""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from faker.providers.address.en_GB import Provider as BritishPlaces
from faker.providers.address.en_US import Provider as AmericanPlaces
from faker.providers.person.en_GB import Provider as British
from faker.providers.person.en_US import Provider as American
from transform.identity.nicknames import short_forms

KEYBOARD: Final = {"a": "qs", "e": "wr", "i": "uo", "o": "ip", "n": "bm", "r": "et", "s": "ad", "t": "ry", "l": "k"}
_DOMAINS: Final = ("example.com", "mail.example", "gmail.com")
Row = dict[str, str | None]


@dataclass(frozen=True)
class Profile:
    """How often what is wrong, per record unless said otherwise."""

    name: str
    british: bool = False
    names: tuple[int, int] | None = None
    """Sizes of the pools of first and last names; None: Faker's lists with their weights."""
    towns: int = 400
    streets: int = 500
    records: tuple[int, int] = (1, 4)
    singles: float = 0.35
    """Households of one; the others have two to five people of mostly one surname."""
    twins: float = 0.03
    juniors: float = 0.05
    """Households in which a son bears his father's name."""
    household_phone: float = 0.5
    email: float = 0.6
    phone: float = 0.6
    loyalty: float = 0.0
    second_email: float = 0.3
    no_birth_date: float = 0.3
    no_address: float = 0.05
    no_name: float = 0.01
    typo: float = 0.06
    """Per attribute."""
    nickname: float = 0.12
    initial: float = 0.02
    swapped: float = 0.03
    moved: float = 0.12
    married: float = 0.02
    date_slip: float = 0.03
    date_wrong: float = 0.01


SHOP: Final = Profile("shop")
HEAVY: Final = Profile(
    "heavy", no_birth_date=0.5, nickname=0.25, swapped=0.08, moved=0.3, typo=0.1, email=0.45, phone=0.5, juniors=0.02
)
REGISTER: Final = Profile(
    "register", british=True, email=0.0, phone=0.0, no_birth_date=0.12, records=(1, 6), typo=0.12, singles=0.25,
    moved=0.15, towns=150, streets=200, date_slip=0.06, date_wrong=0.03,
)  # fmt: skip
SMALL_POOLS: Final = Profile(
    "small pools", names=(60, 100), towns=25, streets=60, no_birth_date=0.35, nickname=0.2, swapped=0.06, moved=0.2,
    email=0.55, phone=0.55, second_email=0.2, singles=0.6,
)  # fmt: skip
LONERS: Final = Profile(
    "loners", singles=1.0, no_birth_date=0.4, nickname=0.2, swapped=0.1, moved=0.25, typo=0.12, email=0.5, phone=0.5,
    twins=0, juniors=0, records=(1, 5), date_wrong=0.05,
)  # fmt: skip
PROFILES: Final = (SHOP, HEAVY, REGISTER, SMALL_POOLS, LONERS)


@dataclass
class Person:
    """Somebody as they truly are."""

    number: int
    first_name: str
    last_name: str
    birth_date: date
    address: Row
    phones: list[str]
    emails: list[str]
    loyalty_number: str
    former: list[Row] = field(default_factory=list)
    maiden_name: str | None = None


class Generator:
    """Makes people and their records."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self.profile, self.random = profile, random.Random(seed)  # noqa: S311 - a seeded population is no secret
        people, places = (British, BritishPlaces) if profile.british else (American, AmericanPlaces)
        self._firsts = [_pool(people.first_names_male), _pool(people.first_names_female)]
        self._lasts, self._suffixes = _pool(people.last_names), list(places.street_suffixes)
        if profile.names:
            self._firsts = [(self._firsts[sex][0][: profile.names[0] // 2], None) for sex in (0, 1)]
            self._lasts = (self._lasts[0][: profile.names[1]], None)
        self._streets = [
            f"{self._pick(self._lasts)} {self.random.choice(self._suffixes)}" for _ in range(profile.streets)
        ]
        self._towns = [self._town(number) for number in range(profile.towns)]
        self._made = 0

    def population(self, records: int) -> tuple[list[Row], dict[str, str]]:
        """(records with an `id`, the person of each id), at least so many, shuffled."""
        rows: list[Row] = []
        truth: dict[str, str] = {}
        while len(rows) < records:
            for person in self._household():
                for nth in range(self.random.randint(*self.profile.records)):
                    row = self._record(person, first=nth == 0)
                    row["id"] = f"r{len(rows)}"
                    truth[f"r{len(rows)}"] = str(person.number)
                    rows.append(row)
        self.random.shuffle(rows)
        return rows, truth

    def _chance(self, rate: float) -> bool:
        return self.random.random() < rate

    def _pick(self, pool: tuple[list[str], list[float] | None]) -> str:
        return self.random.choices(pool[0], pool[1])[0]

    def _town(self, number: int) -> Row:
        name = f"{self._pick(self._lasts)}{self.random.choice(['ville', 'ton', ' City', 'burgh', 'port', 'field'])}"
        return {"city": name, "postal_code": f"{10_000 + number * 37:05d}", "state": f"S{number % 20}"}

    def _address(self) -> Row:
        town = self._towns[min(int(self.random.expovariate(3 / len(self._towns))), len(self._towns) - 1)]
        return {"street": f"{self.random.randint(1, 400)} {self.random.choice(self._streets)}", **town}

    def _number(self) -> str:
        return f"({self.random.randint(201, 989)}) {self.random.randint(200, 999)}-{self.random.randint(0, 9999):04d}"

    def _household(self) -> list[Person]:
        address, phone, surname = self._address(), self._number(), self._pick(self._lasts)
        shares = self._chance(self.profile.household_phone)
        size = 1 if self._chance(self.profile.singles) else self.random.randint(2, 5)
        members = []
        for place in range(size):
            born = date(1935, 1, 1) + timedelta(days=self.random.randint(0, 25_000))
            last = surname if place == 0 or self._chance(0.85) else self._pick(self._lasts)
            members.append(self._person(last, born, address, [phone] if shares else [self._number()], place % 2))
        if size > 2 and self._chance(self.profile.twins):
            members[2].birth_date = members[1].birth_date
        if size > 1 and self._chance(self.profile.juniors):
            members[-1].first_name, members[-1].last_name = members[0].first_name, members[0].last_name
            members[-1].birth_date = members[0].birth_date + timedelta(days=self.random.randint(8_000, 13_000))
        return members

    def _person(self, last: str, born: date, address: Row, phones: list[str], sex: int) -> Person:
        self._made += 1
        first = self._pick(self._firsts[sex])
        forms = (f"{first}.{last}", f"{first[0]}{last}", f"{last}{first}", f"{first}{self.random.randint(1, 99)}")
        names = [f"{form}{self.random.choice(['', '', str(born.year)])}" for form in self.random.sample(forms, 2)]
        emails = [f"{name}@{self.random.choice(_DOMAINS)}" for name in names]
        person = Person(self._made, first, last, born, address, phones, emails, f"L{self._made:07d}")
        if self._chance(self.profile.moved * 1.5):
            person.former.append(self._address())
        if sex == 1 and self._chance(self.profile.married * 2):
            person.maiden_name = self._pick(self._lasts)
        return person

    def _record(self, person: Person, *, first: bool) -> Row:
        profile = self.profile
        moved = person.former and self._chance(0.5)
        address = person.former[0] if moved else person.address
        row: Row = {
            "first_name": self._first_name(person),
            "last_name": person.maiden_name if person.maiden_name and self._chance(0.4) else person.last_name,
            "birth_date": None if self._chance(profile.no_birth_date) else self._date(person.birth_date),
            **(dict.fromkeys(address) if self._chance(profile.no_address) else address),
            "email": self._email(person) if self._chance(profile.email) else None,
            "phone": person.phones[0] if self._chance(profile.phone) else None,
            "loyalty_number": person.loyalty_number if self._chance(profile.loyalty) else None,
        }
        if self._chance(profile.swapped):
            row["first_name"], row["last_name"] = row["last_name"], row["first_name"]
        if self._chance(profile.no_name):
            row["first_name"] = None
        for name in ("first_name", "last_name", "street", "city", "postal_code", "email"):
            value = row[name]
            if value and not first and self._chance(profile.typo):
                row[name] = self._typo(value)
        return row

    def _first_name(self, person: Person) -> str:
        if self._chance(self.profile.initial):
            return person.first_name[0]
        short = short_forms(person.first_name.lower())
        if short and self._chance(self.profile.nickname * 2):
            return self.random.choice(sorted(short)).title()
        return person.first_name

    def _email(self, person: Person) -> str:
        email = person.emails[1 if self._chance(self.profile.second_email) else 0]
        return email.upper() if self._chance(0.1) else email

    def _date(self, born: date) -> str:
        if self._chance(self.profile.date_wrong):
            return str(born + timedelta(days=self.random.randint(-9000, 9000)))
        text = str(born)
        if self._chance(self.profile.date_slip):
            if self._chance(0.5) and born.day <= 12:
                return f"{born.year}-{born.day:02d}-{born.month:02d}"
            at = self.random.choice([2, 3, 6, 9])
            return text[:at] + str(self.random.randint(0, 9)) + text[at + 1 :]
        return text

    def _typo(self, text: str) -> str:
        """Two letters exchanged, one left out, doubled, or hit beside."""
        at = self.random.randrange(max(len(text) - 1, 1))
        match self.random.randrange(4):
            case 0:
                return text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]
            case 1:
                return text[:at] + text[at + 1 :] or text
            case 2:
                return text[:at] + text[at] + text[at:]
            case _:
                return text[:at] + self.random.choice(KEYBOARD.get(text[at].lower(), "aeinst")) + text[at + 1 :]


def _pool(names: object) -> tuple[list[str], list[float] | None]:
    if isinstance(names, dict):
        return list(names), list(names.values())
    return list(dict.fromkeys(names)), None  # type: ignore[call-overload]
