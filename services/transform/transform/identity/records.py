"""A record: what one source knows of one person, every value in its one spelling."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from transform.identity.spelling import ATTRIBUTES, SPELLINGS


@dataclass(frozen=True)
class Record:
    """A person as one source knows it; an attribute has no, one or (over time) several values."""

    id: str
    seen_at: datetime
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By attribute the values in their one spelling, sorted, each once."""

    @property
    def age(self) -> tuple[datetime, str]:
        """Orders records from the oldest on; never equal for two of them."""
        return self.seen_at, self.id


def record(id: str, seen_at: datetime, written: Mapping[str, Iterable[str | None]]) -> Record:  # noqa: A002 - its name
    """The record with these values as somebody wrote them; KeyError for an attribute that is not known."""
    values = {attribute: _spelled(attribute, texts) for attribute, texts in written.items()}
    return Record(id, seen_at, {attribute: values[attribute] for attribute in ATTRIBUTES if values.get(attribute)})


def customer_id(oldest: str) -> str:
    """The id of the customer whose oldest record this is: `C` and 16 hex digits."""
    return "C" + hashlib.sha256(oldest.encode()).hexdigest()[:16]


def _spelled(attribute: str, texts: Iterable[str | None]) -> tuple[str, ...]:
    spell = SPELLINGS[attribute]
    return tuple(sorted({value for text in texts if text and (value := spell(text))}))
