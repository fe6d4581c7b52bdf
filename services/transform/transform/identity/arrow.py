"""The resolver between Arrow tables: what the lake stores of it, all at once or changed by what changed.

Three tables follow from the records of all source users: RECORDS (a row follows from one source user alone), LINKS
(pairs that are convincing) and IDENTITIES (a row for each source user). `update` gives the rows of LINKS and
IDENTITIES that a change of RECORDS changes; applied to what is stored they give exactly what `resolve` gives for the
new RECORDS.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from transform.identity.clusters import Tie
from transform.identity.identities import RESEMBLANCE, Identity
from transform.identity.records import Record
from transform.identity.resolver import LinkedIds, Resolver
from transform.identity.rows import rows_of, rows_of_table
from transform.identity.scoring import RULES
from transform.identity.spelling import ATTRIBUTES

_TIME: Final = pa.timestamp("us", tz="UTC")
_USER: Final[list[tuple[str, pa.DataType]]] = [("source", pa.string()), ("source_user_id", pa.string())]
_KEYS: Final[list[tuple[str, pa.DataType]]] = [("keys", pa.list_(pa.int64()))]
_VALUES: Final[list[tuple[str, pa.DataType]]] = [(name, pa.list_(pa.string())) for name in ATTRIBUTES]
_SEEN: Final[list[tuple[str, pa.DataType]]] = [("seen_at", _TIME)]
RECORDS: Final = pa.schema(_USER + _SEEN + _VALUES + _KEYS)
_PAIR: Final[list[tuple[str, pa.DataType]]] = [("record", pa.string()), ("other", pa.string())]
_TIE: Final[list[tuple[str, pa.DataType]]] = [("evidence", pa.string()), ("weight", pa.int32())]
LINKS: Final = pa.schema(_PAIR + _TIE)
"""`record` < `other`, as `source:source_user_id`; the weight in hundredths of a bit."""
IDENTITIES: Final = pa.schema(
    [
        *_USER,
        ("customer_id", pa.string()),
        ("evidence", pa.string()),
        ("linked_to", pa.string()),
        ("linked_at", _TIME),
        ("weight", pa.int32()),
        ("former_customer_ids", pa.list_(pa.string())),
        ("split_from", pa.string()),
    ]
)
USERS: Final = pa.schema(_USER)
_PAIRS: Final = pa.schema(_PAIR)


@dataclass(frozen=True)
class Changed:
    """What to do to the stored tables: replace or add rows by key, then delete those whose keys are listed."""

    links: pa.Table
    lost_links: pa.Table
    """Keys (record, other)."""
    identities: pa.Table
    lost_identities: pa.Table
    """Keys (source, source_user_id)."""


def records_table(records: Iterable[Record]) -> pa.Table:
    """RECORDS of records whose ids are `source:source_user_id`, with their blocking keys."""
    known = list(records)
    rows = rows_of(known)
    keys = pa.ListArray.from_arrays(pa.array([0, *rows.key_counts.cumsum()], pa.int32()), pa.array(rows.keys))
    sources, users = _split(rows.ids)
    values = [
        pa.array([record.values.get(name, ()) for record in known], RECORDS.field(name).type) for name in ATTRIBUTES
    ]
    return pa.table([sources, users, pa.array(rows.seen_at).cast(_TIME), *values, keys], schema=RECORDS)


def resolve(records: pa.Table) -> tuple[pa.Table, pa.Table]:
    """(LINKS, IDENTITIES) of RECORDS, sorted by key."""
    changes = Resolver().update_rows(rows_of_table(records))
    return _links_table(changes.links), _identities_table(changes.identities)


def identities(records: pa.Table, links: pa.Table) -> pa.Table:
    """IDENTITIES of RECORDS whose LINKS are known."""
    return _identities_table(resolver(records, links).tell())


def update(records: pa.Table, links: pa.Table, changed: pa.Table, removed: pa.Table) -> Changed:
    """What follows for LINKS and IDENTITIES when RECORDS change.

    `records` and `links` are RECORDS and LINKS as stored, before the change. `changed` holds the new rows (RECORDS)
    of source users that are new or different, `removed` the keys (source, source_user_id) of those that are no more;
    both may hold what changes nothing. The answer may hold identities that are stored as they are, never links.
    Comparing and clustering follow the change; reading `records` in is a pass over its columns.
    """
    known = resolver(records, links)
    ids = [f"{row['source']}:{row['source_user_id']}" for row in removed.select(USERS.names).to_pylist()]
    changes = known.update_rows(rows_of_table(changed), ids)
    lost_links = [pa.array([pair[side] for pair in changes.lost_links], pa.string()) for side in (0, 1)]
    return Changed(
        links=_links_table(changes.links),
        lost_links=pa.table(lost_links, schema=_PAIRS),
        identities=_identities_table(changes.identities),
        lost_identities=pa.table(list(_split(sorted(changes.lost_identities))), schema=USERS),
    )


def resolver(records: pa.Table, links: pa.Table) -> Resolver:
    """A resolver that knows these RECORDS and their LINKS."""
    resolver = Resolver()
    resolver.load(rows_of_table(records), _linked_ids(links))
    return resolver


def _linked_ids(links: pa.Table) -> LinkedIds:
    rules = {RESEMBLANCE: -1, **{rule: number for number, rule in enumerate(RULES)}}
    columns = (links[name].to_pylist() for name in LINKS.names)
    return {(one, other): Tie(weight, rules[evidence]) for one, other, evidence, weight in zip(*columns, strict=True)}


def _links_table(links: LinkedIds) -> pa.Table:
    rows = sorted((*pair, RULES[tie.rule] if tie.rule >= 0 else RESEMBLANCE, tie.weight) for pair, tie in links.items())
    return _table(rows, LINKS)


def _identities_table(told: Iterable[Identity]) -> pa.Table:
    rows = [
        (
            *one.id.split(":", 1), one.customer_id, one.evidence, one.linked_to, one.linked_at, one.weight,
            one.former_customer_ids, one.split_from,
        )
        for one in told
    ]  # fmt: skip
    return _table(rows, IDENTITIES)


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def _split(ids: list[str]) -> tuple["pa.Array[Any]", "pa.Array[Any]"]:
    """A source has no colon in its name; an id may."""
    parts = [id_.split(":", 1) for id_ in ids]
    return pa.array([part[0] for part in parts], pa.string()), pa.array([part[1] for part in parts], pa.string())
