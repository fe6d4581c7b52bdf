"""Records of people for the tests of identity, and what is known of a resolver's answer."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from transform.identity.identities import Identity
from transform.identity.records import Record, record

DAY_0 = datetime(2026, 1, 1, tzinfo=UTC)
ANN = {
    "first_name": "Margaret",
    "last_name": "Featherstone",
    "birth_date": "1980-02-29",
    "street": "12 Main Street",
    "city": "Troy",
    "postal_code": "12180",
    "state": "NY",
    "email": "margaret.f@shop.example",
    "phone": "(518) 555-0112",
}


def a_record(id_: str, day: int = 0, **values: Any) -> Record:
    """A record first seen on a day; an attribute has a value, several, or none."""
    written = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    return record(id_, DAY_0 + timedelta(days=day), written)


def ann(id_: str, day: int = 0, **different: Any) -> Record:
    """A record of one and the same person, with what differs in it."""
    return a_record(id_, day, **{**ANN, **different})


def bob(id_: str, day: int = 0) -> Record:
    """Somebody else."""
    person = {"first_name": "Robert", "last_name": "Okafor", "email": "bob@shop.example", "birth_date": "1971-02-03"}
    return a_record(id_, day, **person)


def clusters(identities: Iterable[Identity]) -> set[frozenset[str]]:
    """Who is one customer with whom."""
    members: dict[str, set[str]] = {}
    for identity in identities:
        members.setdefault(identity.customer_id, set()).add(identity.id)
    return {frozenset(ids) for ids in members.values()}


def _value(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=2)


# Few values, so that records are near each other in every way: namesakes, housemates, shared telephones, swapped names.
people: st.SearchStrategy[dict[str, list[str]]] = st.fixed_dictionaries(
    {},
    optional={
        "first_name": _value("william", "bill", "anna", "smith", "wilhelm"),
        "last_name": _value("smith", "smyth", "william", "jones"),
        "birth_date": _value("1980-02-03", "1980-03-02", "1991-11-30"),
        "street": _value("1 Main St", "2 Main St", "9 Elm Rd"),
        "city": _value("Troy", "Rome"),
        "postal_code": _value("12180", "12108"),
        "email": _value("bill@shop.example", "bil@shop.example"),
        "phone": _value("5185550112", "5185550113"),
        "loyalty_number": _value("L1", "L2"),
    },
)


@st.composite
def record_sets(draw: st.DrawFn, most: int = 14) -> list[Record]:
    """Records with different ids."""
    values = draw(st.lists(people, min_size=1, max_size=most))
    days = draw(st.lists(st.integers(0, 5), min_size=len(values), max_size=len(values)))
    return [a_record(f"r{number}", day, **known) for number, (known, day) in enumerate(zip(values, days, strict=True))]
