"""What a caller without the scope for personal data sees: one rule per field.

Consent, key figures and the timeline carry nothing that names the person, and are shown to whoever may read profiles.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from customer360.profile import Household, Person, Profile, SourceAccount

# The scope that lifts the mask.
PERSONAL_SCOPE = "customer360.personal.read"
# Three dots whatever was hidden, so that the length of a value tells nothing.
DOTS = "•••"
# United States ZIP codes: the first three digits name a region of several towns.
POSTAL_PREFIX = 3
# Enough to recognise one's own number on the phone, too little to call it.
PHONE_SUFFIX = 2


def initial(value: str) -> str:
    """ "Maria" → "M."; an empty name stays hidden."""
    return f"{value.strip()[0].upper()}." if value.strip() else DOTS


def masked_email(value: str) -> str:
    """ "maria@example.com" → "m•••@•••.com"."""
    local, at, domain = value.partition("@")
    if not at or not local:
        return DOTS
    return f"{local[0]}{DOTS}@{DOTS}.{domain.rpartition('.')[2]}"


def masked_phone(value: str) -> str:
    """ "+12065550142" → "•••42"."""
    return DOTS + value[-PHONE_SUFFIX:] if len(value) > PHONE_SUFFIX * 2 else DOTS


def masked_postal_code(value: str) -> str:
    """ "98101" → "981•••"."""
    return value[:POSTAL_PREFIX] + DOTS if len(value) > POSTAL_PREFIX else DOTS


def hidden(_value: str) -> str:
    """Nothing of the value is left."""
    return DOTS


def shown(value: str) -> str:
    """Coarse enough to show to every caller who may read profiles."""
    return value


Rule = Callable[[str], str]

RULES: Mapping[str, Rule] = {
    "first_name": initial,
    "last_name": initial,
    "email": masked_email,
    "phone": masked_phone,
    "street": hidden,
    "city": hidden,
    "postal_code": masked_postal_code,
    "state": shown,
    "loyalty_number": hidden,
    "emails": masked_email,
    "phones": masked_phone,
    "age_band": hidden,
    "income_band": hidden,
    "household_size": hidden,
    "source": shown,
    "source_user_id": hidden,
}
# Fields that are no text and are left out when masked.
OMITTED = frozenset({"birth_date"})
Record = TypeVar("Record", Person, Household, SourceAccount)


def masked(profile: Profile) -> Profile:
    """The profile with every personal field under its rule; what was absent stays absent."""
    return replace(
        profile,
        person=masked_record(profile.person),
        household=masked_record(profile.household),
        accounts=tuple(masked_record(account) for account in profile.accounts),
    )


def masked_record(record: Record) -> Record:
    """The record with every field under its rule."""
    changes: dict[str, Any] = {}
    for field in fields(record):
        hide = field.name in OMITTED
        changes[field.name] = None if hide else _apply(RULES[field.name], getattr(record, field.name))
    return replace(record, **changes)


def _apply(rule: Rule, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(map(rule, value)) if isinstance(value, tuple) else rule(value)
