"""Who the person is: the users behind a customer, and the values that others have as well."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyarrow import compute
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import In
from pyiceberg.io import FileIO
from shopsphere_kit.errors import InvalidArgument, NotFound
from shopsphere_kit.suppression import Mark

from transform import bronze, release
from transform.erasure import data_file, references
from transform.erasure.person import Person, naming_values, user
from transform.erasure.rules import rule_for
from transform.spec import Stored

pc: Any = compute  # its stubs refuse much that its kernels take

_IDENTITIES = "silver.customer_identities"
# Where the people of all sources are: who else has a value is asked here, of what readers see now.
_EVERYBODY = (bronze.USERS, bronze.ORDERS, bronze.MARKETPLACE_ORDERS, "silver.users_scd", "silver.orders_unified")
_DOCUMENT = "document"
_VALUES = ("email", "phone", "loyalty_number", "card_token", "street")


def named(catalog: Catalog, customers: Sequence[str], users: Sequence[str]) -> Person:
    """The person of these customer ids and users ("shop:12"). Raises NotFound, InvalidArgument."""
    marks = set[Mark]()
    for text in users:
        mark = user(text)
        if mark is None:
            raise InvalidArgument(f"--user {text} is not shop:ID or marketplace:ID", field="user")
        marks.add(mark)
    for customer in customers:
        marks |= _users_of(catalog, customer)
    return Person(frozenset(marks), frozenset(customers) | frozenset(_customers_of(catalog, marks)))


def _users_of(catalog: Catalog, customer: str) -> set[Mark]:
    """The users of a customer in the newest release that knows it."""
    for snapshot in _identity_snapshots(catalog):
        rows = _identities(catalog, snapshot, In(term="customer_id", literals={customer}))
        if rows:
            return {Mark(row["source"], row["source_user_id"]) for row in rows}
    raise NotFound(
        f"no release knows a customer {customer}; name the users themselves: --user shop:12", field="customer"
    )


def _customers_of(catalog: Catalog, users: set[Mark]) -> Iterator[str]:
    """Every customer id that one of the users ever had; a table with them alone has nobody else in such rows."""
    ids = {mark.value for mark in users}
    for snapshot in _identity_snapshots(catalog):
        for row in _identities(catalog, snapshot, In(term="source_user_id", literals=ids)):
            if Mark(row["source"], row["source_user_id"]) in users:
                yield row["customer_id"]


def _identity_snapshots(catalog: Catalog) -> list[int]:
    pinned = [row.tables[_IDENTITIES] for row in release.published(catalog) if _IDENTITIES in row.tables]
    if not catalog.table_exists(_IDENTITIES):
        return []
    there = {snapshot.snapshot_id for snapshot in catalog.load_table(_IDENTITIES).snapshots()}
    return [snapshot for snapshot in dict.fromkeys(pinned) if snapshot in there]


def _identities(catalog: Catalog, snapshot: int, which: Any) -> list[dict[str, Any]]:
    columns = ("source", "source_user_id", "customer_id")
    scan = catalog.load_table(_IDENTITIES).scan(row_filter=which, selected_fields=columns, snapshot_id=snapshot)
    return list(scan.to_arrow().to_pylist())


@dataclass
class Others:
    """What other people have of a person's values and texts, in lower case."""

    same: set[str] = field(default_factory=set)
    """Values that somebody else has too: a household's phone, a family's street. They are no less theirs."""
    within: set[str] = field(default_factory=set)
    """Texts that stand inside a longer value of somebody else, as ann@shop.example does in joann@shop.example."""


def others_of(catalog: Catalog, who: Person, declared: dict[str, Stored]) -> Others:
    """What others have of the person, in what readers see now."""
    found = Others()
    for name in _EVERYBODY:
        try:
            table = catalog.load_table(name)
        except NoSuchTableError:
            continue
        metadata = references.load(table.io, table.metadata_location)
        columns = data_file.current_names(metadata)
        rule = rule_for(name, sorted(columns.values()), (), declared.get(name), who)
        names = references.named_by(references.current(metadata), references.Reader(table.io))
        for rows in _rows(table.io, names.data, columns, rule.reads if rule else ()) if rule else ():
            _look(rows.filter(pc.invert(rule.theirs(rows))) if rule else rows, who, found)
    found.within -= found.same
    return found


def _look(others: pa.Table, who: Person, found: Others) -> None:
    for value in _alike(others, who):
        found.same |= who.spellings_of(value)
        found.within |= {text.lower() for text in who.texts if text.lower() in value.lower()}


def _alike(others: pa.Table, who: Person) -> Iterator[str]:
    """The values in rows of others that have a text of the person in them."""
    for values in _spellings(others):
        alike = values.filter(pc.match_substring_regex(values.cast(pa.binary()), who.pattern))
        yield from pc.unique(alike).to_pylist()
    if _DOCUMENT in others.column_names:
        alike = others.filter(pc.match_substring_regex(others[_DOCUMENT].cast(pa.binary()), who.pattern))
        yield from (text for row in alike.to_pylist() for _, text in naming_values(row))


def _rows(io: FileIO, paths: Iterable[str], columns: dict[int, str], owners: Sequence[str]) -> Iterator[pa.Table]:
    for path in sorted(paths):
        yield from data_file.columns_of(io, path, columns, {*owners, *_VALUES, "first_name", "last_name", _DOCUMENT})


def _spellings(rows: pa.Table) -> Iterator[Any]:
    for name in _VALUES:
        if name in rows.column_names:
            yield rows[name]
    if {"first_name", "last_name"} <= set(rows.column_names):
        yield pc.binary_join_element_wise(rows["first_name"], rows["last_name"], " ")
