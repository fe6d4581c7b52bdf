"""The invented people behind the households: names, contacts and addresses by Faker, each seeded by its household.

Every household of the year is a customer from the start. E-mail domains (RFC 2606) and telephone numbers (555-0100 to
555-0199) are reserved for fiction and unique per household, so that no two households are one by accident.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final

from faker import Faker

from shopsphere_local.journey import rates
from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.dataset import DAYS_IN_DATASET, Dataset, day_start

_DOMAINS: Final = ("example.com", "example.org", "example.net")
# Accounts were opened in December 2016; changes are made between 08:00 and 20:00.
_SIGN_UP_START: Final = day_start(-31)
_SIGN_UP_SECONDS: Final = 31 * 86_400
_AWAKE_SECOND: Final = 8 * 3600
_AWAKE_SECONDS: Final = 12 * 3600
_AGES: Final = {
    "19-24": (19, 24),
    "25-34": (25, 34),
    "35-44": (35, 44),
    "45-54": (45, 54),
    "55-64": (55, 64),
    "65+": (65, 89),
}
_ADULT: Final = (19, 89)
# Area codes in use, with a hundred fictional numbers each: enough for every household's first and second number.
_AREA_CODES: Final = (
    *range(501, 511),
    *range(512, 521),
    *range(601, 611),
    *range(612, 621),
    *range(701, 710),
    *range(712, 721),
)


@dataclass(frozen=True, slots=True)
class Profile:
    """One version of a customer: the columns of `users`; the demographics are the data's own."""

    user_id: int
    loyalty_number: str
    first_name: str
    last_name: str
    email: str
    phone: str
    street: str
    city: str
    postal_code: str
    state: str
    birth_date: date
    age_band: str | None
    income_band: str | None
    home_ownership: str | None
    marital_status: str | None
    household_size: str | None
    household_composition: str | None
    kids_count: str | None
    marketing_consent: bool
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None


def phone_number(rank: int) -> str:
    """The fictional number with this rank, as the shop writes it; every rank below 5,000 has its own."""
    area, line = divmod(rank, 100)
    return f"({_AREA_CODES[area]}) 555-01{line:02d}"


class People:
    """All customers and what happens to their accounts, for the whole year, whatever part of it is replayed."""

    def __init__(self, chance: Chance, dataset: Dataset) -> None:
        self._chance = chance
        self._faker = Faker("en_US", use_weighting=False)
        self.households = dataset.households()
        self._rank = {household: rank for rank, household in enumerate(self.households)}
        self._demographics = dataset.demographics()
        self._unknown: tuple[str | None, ...] = (None,) * 7

    def closed_at(self, household_id: int) -> datetime | None:
        """When the account is closed, or None if it lives through the year."""
        if not self._chance.happens(rates.ACCOUNTS_CLOSED, "account closed", household_id):
            return None
        return self._moment("account closed on", household_id)

    @cached_property
    def closures(self) -> dict[int, list[tuple[datetime, int]]]:
        """By day number: (time, household) of every account that is closed."""
        found: dict[int, list[tuple[datetime, int]]] = {}
        for household in self.households:
            closed_at = self.closed_at(household)
            if closed_at is not None:
                found.setdefault((closed_at - day_start(0)).days, []).append((closed_at, household))
        return found

    @cached_property
    def versions(self) -> dict[int, list[Profile]]:
        """Every household's profiles of the year, oldest first; a closed account changes no more."""
        return {household: self._history(household) for household in self.households}

    @cached_property
    def changes(self) -> dict[int, list[Profile]]:
        """By day number: the versions that begin on that day."""
        found: dict[int, list[Profile]] = {}
        for versions in self.versions.values():
            for profile in versions[1:]:
                found.setdefault((profile.updated_at - day_start(0)).days, []).append(profile)
        return found

    def profile_at(self, household_id: int, moment: datetime) -> Profile:
        """The version that was valid at a moment."""
        versions = self.versions[household_id]
        return next((p for p in reversed(versions) if p.updated_at <= moment), versions[0])

    def _history(self, household_id: int) -> list[Profile]:
        """The first profile and what changed later, in the order of time."""
        closed_at = self.closed_at(household_id)
        moments = ((self._moment(kind, household_id), kind) for kind in self._kinds(household_id))
        profiles = [self._first(household_id)]
        for at, kind in sorted(moments):
            if closed_at is None or at < closed_at:
                profiles.append(self._changed(profiles[-1], kind, at))
        return profiles

    def _kinds(self, household_id: int) -> list[str]:
        """What changes in this household's year: each kind at most once."""
        yearly = {"address": rates.ADDRESS_CHANGES, "email": rates.EMAIL_CHANGES, "phone": rates.PHONE_CHANGES}
        return [kind for kind, rate in yearly.items() if self._chance.happens(rate, kind, household_id)]

    def _moment(self, what: str, household_id: int) -> datetime:
        """A day of the year and a waking second of it."""
        day = self._chance.pick(DAYS_IN_DATASET, what, "day", household_id)
        second = _AWAKE_SECOND + self._chance.pick(_AWAKE_SECONDS, what, "second", household_id)
        return day_start(day) + timedelta(seconds=second)

    def _first(self, household_id: int) -> Profile:
        """The profile a household signed up with in December 2016."""
        self._faker.seed_instance(self._chance.number("person", household_id))
        first_name, last_name = self._faker.first_name(), self._faker.last_name()
        second = self._chance.pick(_SIGN_UP_SECONDS, "signed up", household_id)
        created_at = _SIGN_UP_START + timedelta(seconds=second)
        demographics = self._demographics.get(household_id, self._unknown)
        age, income, home, marital, size, composition, kids = demographics
        return Profile(
            user_id=household_id,
            loyalty_number=f"L{self._chance.pick(900_000, 'loyalty', household_id) + 100_000}{household_id:05d}",
            first_name=first_name,
            last_name=last_name,
            email=self._email(first_name, last_name, household_id, 0),
            phone=phone_number(self._rank[household_id]),
            street=self._faker.street_address(),
            city=self._faker.city(),
            postal_code=self._faker.postcode(),
            state=self._faker.state_abbr(include_territories=False),
            birth_date=self._birth_date(household_id, age),
            age_band=age,
            income_band=income,
            home_ownership=home,
            marital_status=marital,
            household_size=size,
            household_composition=composition,
            kids_count=kids,
            marketing_consent=self._chance.happens(rates.MARKETING_CONSENT, "consent", household_id),
            created_at=created_at,
            updated_at=created_at,
        )

    def _changed(self, profile: Profile, kind: str, at: datetime) -> Profile:
        """The next version: a new address, e-mail or telephone number."""
        household_id = profile.user_id
        if kind == "email":
            email = self._email(profile.first_name, profile.last_name, household_id, 1)
            return replace(profile, email=email, updated_at=at)
        if kind == "phone":
            phone = phone_number(len(self.households) + self._rank[household_id])
            return replace(profile, phone=phone, updated_at=at)
        self._faker.seed_instance(self._chance.number("moved", household_id))
        street, city, postal_code = self._faker.street_address(), self._faker.city(), self._faker.postcode()
        return replace(profile, street=street, city=city, postal_code=postal_code, updated_at=at)

    def _email(self, first_name: str, last_name: str, household_id: int, nth: int) -> str:
        """A person's nth address; the household's number in it keeps it unique."""
        first, last = first_name.lower().replace(" ", ""), last_name.lower().replace(" ", "")
        domain = _DOMAINS[(self._chance.pick(len(_DOMAINS), "domain", household_id) + nth) % len(_DOMAINS)]
        return f"{first}.{last}{household_id}@{domain}"

    def _birth_date(self, household_id: int, age_band: str | None) -> date:
        """A birthday within the data's age band on 1 January 2017, or of any adult when the data has none."""
        youngest, oldest = _AGES.get(age_band or "", _ADULT)
        years = youngest + self._chance.pick(oldest - youngest + 1, "age", household_id)
        born = date(2017 - years - 1, 1, 2) + timedelta(days=self._chance.pick(364, "birthday", household_id))
        return min(born, date(2017 - youngest, 1, 1))
