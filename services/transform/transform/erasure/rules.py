"""Which rows of a table are the person's, and what is left of them: from what the tables say of themselves.

Bronze: the one declaration in the kit (`shopsphere_kit.forgetting`). Silver and gold: the personal columns of a table's
declaration become null (or empty, where null is not allowed) in rows whose source user or customer is the person.
Text that holds a whole record (a quarantined row, say) goes when the record names the person. A table that nobody
declared is searched in all of its texts, and the texts found are made null. No rule removes a row.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa
from pyarrow import compute
from shopsphere_kit import forgetting
from shopsphere_kit.lake import BRONZE
from shopsphere_kit.suppression import SHOP, USERS, Forgotten

from transform.erasure.person import Person, naming_values
from transform.spec import Stored

pc: Any = compute  # its stubs refuse much that its kernels take

Rows = pa.Table
Array = Any  # pyarrow's stubs and its kernels disagree about which arrays there are
# Tables that hold no row of a person, by their contract: what they are about are things, orders' lines, or releases.
_NOBODYS = frozenset(
    {
        *(f"{BRONZE}.bronze_postgres__{name}" for name in ("products", "stores", "order_items")),
        *("gold.releases", "silver.suppressions", "gold.erasures"),
    }
)
_QUARANTINE = (f"{BRONZE}.quarantine", ("value", "key", "headers", "detail"))
# Personal columns that hold a record as text, rather than a value.
_RECORDS = frozenset({"row", "_row", "value"})
_DOCUMENT = forgetting.MARKETPLACE_ORDERS.column


@dataclass(frozen=True)
class Rule:
    """How a table is dealt with. `reads` are the columns that tell whose a row is, `alters` those that may change."""

    reads: tuple[str, ...]
    alters: tuple[str, ...]
    theirs: Callable[[Rows], Array]
    """Which rows may be the person's, from the columns `reads` (those of them that a file has)."""
    change: Callable[[Rows], Rows]
    """The rows without the person; the very same table when nothing changes."""
    is_structured: bool
    """Whether the rows found this way are the person's own, so that what they say names the person."""

    def values(self, rows: Rows) -> Iterator[tuple[str, str]]:
        """What names the person in rows of all columns."""
        if self.is_structured:
            for row in rows.filter(self.theirs(rows)).to_pylist():
                yield from naming_values(row)


def rule_for(
    name: str, columns: Sequence[str], texts: Sequence[str], declared: Stored | None, who: Person
) -> Rule | None:
    """The rule of a table with these columns, `texts` among them text or bytes; None when no row can be a person's."""
    if name in _NOBODYS:
        return None
    if name == _QUARANTINE[0]:
        return _records(_QUARANTINE[1], who)
    namespace, _, short = name.partition(".")
    if namespace == BRONZE and (short in forgetting.RULES or forgetting.REJECTED in columns):
        return _bronze(short, columns, who)
    if declared is not None:
        return _declared(declared, columns, who) if declared.personal else None
    return _records(tuple(texts), who) if texts else None


def _bronze(short: str, columns: Sequence[str], who: Person) -> Rule:
    rule = forgetting.RULES.get(short)
    own = rule.reads if rule else ()
    reads = (*own, *(name for name in (forgetting.REJECTED,) if name in columns))
    if isinstance(rule, forgetting.Columns):
        alters = tuple(name for name in columns if name not in rule.keeps and not name.startswith("_"))
    else:
        alters = tuple(name for name in {*own, "key", "value"} if name in columns)

    def theirs(rows: Rows) -> Array:
        found = [_none(rows)]
        if isinstance(rule, forgetting.Columns) and rule.owner in rows.column_names:
            found.append(forgetting.owned(rows, rule.owner, rule.source, who.forgotten))
        elif isinstance(rule, forgetting.Document) and rule.column in rows.column_names:
            found.append(forgetting.candidates(rows, rule, who.forgotten))
        if forgetting.REJECTED in rows.column_names:
            found.append(pc.is_valid(rows[forgetting.REJECTED].combine_chunks()))
        return reduce(pc.or_, found)

    def change(rows: Rows) -> Rows:
        rows = forgetting.masked(short, rows, who.forgotten)
        if forgetting.REJECTED not in rows.column_names:
            return rows
        poison = pc.is_valid(rows[forgetting.REJECTED].combine_chunks())
        return _without_texts(rows, ("key", "value"), who, poison)

    return Rule(reads, alters, theirs, change, is_structured=rule is not None and "value" not in own)


def _none(rows: Rows) -> Array:
    return pa.array([False]).take(pa.array([0] * rows.num_rows, pa.int64()))


def _declared(table: Stored, columns: Sequence[str], who: Person) -> Rule | None:
    personal = tuple(name for name in table.personal if name in columns)
    texts = tuple(name for name in personal if name in _RECORDS)
    owners = _owners(columns)
    if not owners and not texts and _DOCUMENT not in personal:
        return _records(personal, who)
    reads = (*owners, *texts) if owners else personal

    def theirs(rows: Rows) -> Array:
        found = [_owned(rows, owners, who) if owners and set(owners) <= set(rows.column_names) else _none(rows)]
        found += [_may_name(rows, name, who) for name in texts if name in rows.column_names]
        if not owners and _DOCUMENT in rows.column_names:
            found.append(forgetting.candidates(rows, forgetting.MARKETPLACE_ORDERS, who.forgotten))
        return reduce(pc.or_, found)

    def change(rows: Rows) -> Rows:
        if owners and set(owners) <= set(rows.column_names):
            mine = _owned(rows, owners, who)
            for name in personal:
                if name in rows.column_names and name != _DOCUMENT:
                    rows = _emptied(rows, mine, table, name)
        if _DOCUMENT in personal:
            rows = forgetting.without_fields(rows, forgetting.MARKETPLACE_ORDERS, who.forgotten)
        return _without_texts(rows, texts, who)

    return Rule(reads, personal, theirs, change, is_structured=bool(owners) or _DOCUMENT in personal)


def _owners(columns: Sequence[str]) -> tuple[str, ...]:
    for owners in (("source", "source_user_id"), ("source_users",), ("user_id",), ("customer_id",)):
        if set(owners) <= set(columns):
            return owners
    return ()


def _owned(rows: Rows, owners: tuple[str, ...], who: Person) -> Array:
    match owners:
        case ("source", "source_user_id"):
            return _of_users(rows["source"].combine_chunks(), rows["source_user_id"].combine_chunks(), who.users)
        case ("source_users",):
            lists: Array = rows["source_users"].combine_chunks()
            users = lists.flatten()
            mine = _of_users(users.field("source"), users.field("source_user_id"), who.users)
            parents = pc.list_parent_indices(lists).filter(mine)
            return pc.is_in(pa.array(range(len(lists)), pa.int64()), value_set=parents.cast(pa.int64()))
        case ("user_id",):
            return forgetting.owned(rows, "user_id", SHOP, who.users)
    ids = rows["customer_id"].combine_chunks()
    return pc.is_in(ids, value_set=pa.array(sorted(who.customers), ids.type))


def _of_users(sources: Array, ids: Array, users: Forgotten) -> Array:
    table = pa.table({"source": sources, "id": ids})
    of_each = [pc.and_(pc.equal(sources, kind), forgetting.owned(table, "id", kind, users)) for kind in USERS]
    return pc.fill_null(reduce(pc.or_, of_each), False)


def _emptied(rows: Rows, mine: Array, table: Stored, name: str) -> Rows:
    if table.schema[name].nullable:
        return forgetting.nulled(rows, mine, [name])
    values = rows[name].combine_chunks()
    if not pc.any(pc.and_(mine, pc.not_equal(pc.list_value_length(values), 0))).as_py():
        return rows
    # A list that must be there is an empty one; Arrow has no kernel that picks lists, so they are taken by place.
    both = pa.concat_arrays([values, pa.array([[]], values.type)])
    places = pc.if_else(mine, len(values), pa.array(range(len(values)), pa.int64()))
    return rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), both.take(places))


def _records(columns: tuple[str, ...], who: Person) -> Rule:
    """The rule of text that holds whole records: one that names the person becomes null."""

    def theirs(rows: Rows) -> Array:
        found = [_may_name(rows, name, who) for name in columns if name in rows.column_names]
        return reduce(pc.or_, found, _none(rows))

    return Rule(columns, columns, theirs, lambda rows: _without_texts(rows, columns, who), is_structured=False)


def _may_name(rows: Rows, column: str, who: Person) -> Array:
    texts = rows[column].combine_chunks()
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        return pc.fill_null(pc.match_substring_regex(texts, who.pattern), False)
    binary = pa.large_binary() if pa.types.is_large_string(texts.type) else pa.binary()
    return pc.fill_null(pc.match_substring_regex(texts.cast(binary), who.pattern), False)


def _without_texts(rows: Rows, columns: Sequence[str], who: Person, among: Array | None = None) -> Rows:
    for name in columns:
        if name in rows.column_names:
            where = _may_name(rows, name, who)
            where = where if among is None else pc.and_(where, among)
            rows = forgetting.replaced(rows, name, where, lambda content: None if names(content, who) else content)
    return rows


def names(content: str | bytes, who: Person) -> bool:
    """Whether a record names the person, by a user's id or by any of the texts."""
    whole = content.encode(errors="surrogatepass") if isinstance(content, str) else content
    return who.compiled.search(whole) is not None or forgetting.mentions(content, who.forgotten)
