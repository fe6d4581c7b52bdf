"""What is left of the rows of bronze when their person is forgotten: the facts, under the source's id of the user.

One declaration for two users of it: erasure rewrites the rows that are there by it, and ingest writes by it what
replays and copies bring again. Lists say what is *kept*, so that a column or a field that a source adds later goes.
Pure functions on Arrow tables; one that changes nothing returns the very table it was given.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyarrow import compute

from shopsphere_kit.suppression import (
    CARD_TOKEN,
    EMAIL,
    LOYALTY_NUMBER,
    MARKETPLACE,
    PHONE,
    SHOP,
    Forgotten,
    Mark,
    mark_of,
)

pc: Any = compute  # its stubs refuse much that its kernels take

Array = Any  # pyarrow's stubs and its kernels disagree about which arrays there are
# What a field keeps: all of it, or those of its fields.
Kept = Mapping[str, "Kept | None"]
ERASED = "erased"


def _all(*names: str) -> dict[str, None]:
    return dict.fromkeys(names)


@dataclass(frozen=True)
class Columns:
    """Rows of a user of `source`, whose id is in `owner`; other columns than `keeps` and ingest's own become null."""

    source: str
    owner: str
    keeps: frozenset[str]

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that tell whose a row is."""
        return (self.owner,)


@dataclass(frozen=True)
class Document:
    """Rows with JSON in `column`; the user's id of `source` is at the path `owner`. Fields not in `keeps` go."""

    source: str
    column: str
    owner: tuple[str, ...]
    keeps: Kept

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that tell whose a row is."""
        return (self.column,)


USERS = Columns(SHOP, "user_id", frozenset({"user_id", "created_at", "updated_at", "closed_at"}))
_ORDER = ("order_id", "user_id", "store_id", "channel", "status", "currency", "total_amount", "returns_order_id")
ORDERS = Columns(SHOP, "user_id", frozenset((*_ORDER, "ordered_at", "updated_at")))
MARKETPLACE_ORDERS = Document(
    MARKETPLACE,
    "document",
    ("buyer", "buyer_id"),
    {
        **_all("_id", "order_number", "items", "store_id", "status", "placed_at", "updated_at"),
        "buyer": _all("buyer_id"),
        "payment": _all("method", "amount", "currency"),
    },
)
EVENTS = Document(
    SHOP,
    "value",
    ("user_id",),
    _all("event_id", "type", "occurred_at", "source", "sequence", "session_id", "user_id", "sku", "quantity")
    | _all("order_id"),
)
RULES: dict[str, Columns | Document] = {
    "bronze_postgres__users": USERS,
    "bronze_postgres__orders": ORDERS,
    "bronze_mongo__marketplace_orders": MARKETPLACE_ORDERS,
    "bronze_kafka__events": EVENTS,
}
# Of a topic bronze keeps poison too; what of it names somebody forgotten is as unreadable as a record in quarantine.
REJECTED = "_rejected"


def masked(table: str, rows: pa.Table, forgotten: Forgotten) -> pa.Table:
    """The rows of a bronze table without what is personal of those who were forgotten."""
    if not forgotten or not rows.num_rows:
        return rows
    rule = RULES.get(table)
    if isinstance(rule, Columns):
        rows = _without_columns(rows, rule, forgotten)
    elif isinstance(rule, Document):
        rows = without_fields(rows, rule, forgotten)
    return _without_poison(rows, forgotten) if REJECTED in rows.column_names else rows


def owned(rows: pa.Table, column: str, source: str, forgotten: Forgotten) -> Array:
    """Which rows have the id of somebody forgotten in a column."""
    ids = rows[column].combine_chunks()
    known = [value for value in pc.unique(ids).to_pylist() if _is(source, value, forgotten)]
    return pc.is_in(ids, value_set=pa.array(known, ids.type))


def _is(kind: str, value: object, forgotten: Forgotten) -> bool:
    mark = mark_of(kind, value)
    return mark is not None and mark in forgotten


def _without_columns(rows: pa.Table, rule: Columns, forgotten: Forgotten) -> pa.Table:
    if rule.owner not in rows.column_names:
        return rows
    theirs = owned(rows, rule.owner, rule.source, forgotten)
    gone = [name for name in rows.column_names if name not in rule.keeps and not name.startswith("_")]
    return nulled(rows, theirs, gone)


def nulled(rows: pa.Table, theirs: Array, columns: list[str]) -> pa.Table:
    """The rows with nulls in these columns where `theirs` says so."""
    if not pc.any(theirs).as_py():
        return rows
    for name in columns:
        values = rows[name].combine_chunks()
        if pc.any(pc.and_(theirs, values.is_valid())).as_py():
            place, empty = rows.schema.get_field_index(name), pa.scalar(None, values.type)
            rows = rows.set_column(place, rows.schema.field(name), pc.if_else(theirs, empty, values))
    return rows


def without_fields(rows: pa.Table, rule: Document, forgotten: Forgotten) -> pa.Table:
    """The rows with the JSON of forgotten people cut down to what is kept."""
    if rule.column not in rows.column_names:
        return rows
    return replaced(rows, rule.column, candidates(rows, rule, forgotten), lambda text: _cut(text, rule, forgotten))


def candidates(rows: pa.Table, rule: Document, forgotten: Forgotten) -> Array:
    """Which rows may be of somebody forgotten, found without parsing each."""
    texts = rows[rule.column].combine_chunks()
    key = f'"{rule.owner[-1]}"'
    found = pc.extract_regex(texts, key + r'\s*:\s*"?(?P<id>[^",}\s]+)')
    ids = pc.struct_field(found, "id")
    known = [value for value in pc.unique(ids).to_pylist() if value and _is(rule.source, _text(value), forgotten)]
    # An id that is written with escapes, or behind another field of the same name, is looked at in the JSON itself.
    odd = pc.or_(pc.greater(pc.count_substring(texts, key), 1), pc.match_substring(ids, "\\"))
    return pc.or_(pc.is_in(ids, value_set=pa.array(known, ids.type)), pc.fill_null(odd, False))


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def replaced(
    rows: pa.Table, column: str, where: Array, change: Callable[[str | bytes], str | bytes | None]
) -> pa.Table:
    """The rows with some values of a column changed; the same table when none came out different."""
    values = rows[column].combine_chunks()
    old = values.filter(where).to_pylist()
    new = [value if value is None else change(value) for value in old]
    if new == old:
        return rows
    place = rows.schema.get_field_index(column)
    changed = pc.replace_with_mask(values, pc.fill_null(where, False), pa.array(new, values.type))
    return rows.set_column(place, rows.schema.field(column), changed)


def _cut(text: str | bytes, rule: Document, forgotten: Forgotten) -> str | bytes:
    try:
        value = loads(text)
    except ValueError:
        return text  # no JSON: its stream rejected it, and poison is dealt with as such
    owner = value
    for step in rule.owner:
        owner = owner.get(step) if isinstance(owner, dict) else None
    if not _is(rule.source, owner if isinstance(owner, str) else str(owner), forgotten):
        return text
    cut = dumps(_kept(value, rule.keeps))
    return cut.encode() if isinstance(text, bytes) else cut


def _kept(value: Any, keeps: Kept | None) -> Any:
    if keeps is None or not isinstance(value, dict):
        return value if keeps is None else None
    return {name: _kept(inner, keeps[name]) if name in keeps else None for name, inner in value.items()}


# A number goes through as the text it is: as a float it could come out as another one.
_NUMBER = "\0number\0"


def loads(text: str | bytes) -> Any:
    """JSON with its fractions as marked text; raises ValueError. `dumps` writes them as they were."""
    try:
        return json.loads(text, parse_float=lambda digits: _NUMBER + digits)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def dumps(value: Any) -> str:
    """What `loads` read, as JSON."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub(r'"\\u0000number\\u0000([^"]*)"', r"\1", text)


def _without_poison(rows: pa.Table, forgotten: Forgotten) -> pa.Table:
    poison = pc.is_valid(rows[REJECTED].combine_chunks())
    if not pc.any(poison).as_py():
        return rows
    for column in ("key", "value"):
        rows = replaced(rows, column, poison, lambda content: None if mentions(content, forgotten) else content)
    return rows


_NAMING = re.compile(
    rb'"(user_id|buyer_id|source_user_id|email|phone|loyalty_number|card_token)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)'
)
# The same in BSON: the name, the length of the text in four bytes, the text.
_NAMING_BSON = re.compile(rb"\x02(buyer_id|email|phone|loyalty_number|card_token)\0.{3}\0([^\0]*)\0", re.DOTALL)
_ADDRESS = re.compile(rb"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_KINDS = {
    b"user_id": (SHOP,),
    b"buyer_id": (MARKETPLACE,),
    b"source_user_id": (SHOP, MARKETPLACE),
    b"email": (EMAIL,),
    b"phone": (PHONE,),
    b"loyalty_number": (LOYALTY_NUMBER,),
    b"card_token": (CARD_TOKEN,),
}


def marks_in(content: bytes) -> set[Mark]:
    """Everything in a record, readable or not, that names somebody."""
    named = [(name, raw) for pattern in (_NAMING, _NAMING_BSON) for name, raw in pattern.findall(content)]
    found = {mark_of(kind, _plain(raw)) for name, raw in named for kind in _KINDS[name]}
    found |= {mark_of(EMAIL, address.decode(errors="replace")) for address in _ADDRESS.findall(content)}
    return {mark for mark in found if mark is not None}


def _plain(raw: bytes) -> str:
    try:
        return str(json.loads(raw))
    except ValueError:
        return raw.decode(errors="replace")


def mentions(content: str | bytes | None, forgotten: Forgotten) -> bool:
    """Whether a record names somebody who was forgotten."""
    if not content or not forgotten:
        return False
    whole = content.encode(errors="surrogatepass") if isinstance(content, str) else content
    return any(mark in forgotten for mark in marks_in(whole))
