"""Records in columns, as a population takes them in: from objects, or from an Arrow table as it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transform.identity import blocking
from transform.identity.arrays import Ints
from transform.identity.records import Record
from transform.identity.spelling import ATTRIBUTES

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Values:
    """An attribute of many records: `lengths[n]` values for record n, one after another: `texts[which]`."""

    texts: list[str]
    which: Ints
    lengths: Ints


@dataclass(frozen=True)
class Rows:
    """Many records; every id once."""

    ids: list[str]
    seen_at: Ints
    """Microseconds since 1970 in UTC."""
    values: dict[str, Values]
    keys: Ints
    """The blocking keys of one record after another, `key_counts` of each."""
    key_counts: Ints


def rows_of(records: Sequence[Record]) -> Rows:
    """Records in columns, with their blocking keys."""
    keys = [blocking.keys(record) for record in records]
    return Rows(
        ids=[record.id for record in records],
        seen_at=np.array([microseconds(record.seen_at) for record in records], dtype=np.int64),
        values={attribute: _values(record.values.get(attribute, ()) for record in records) for attribute in ATTRIBUTES},
        keys=np.array([key for each in keys for key in each], dtype=np.int64),
        key_counts=np.array([len(each) for each in keys], dtype=np.int64),
    )


def rows_of_table(table: pa.Table) -> Rows:
    """The rows of `arrow.RECORDS` in columns."""
    keys: Any = table["keys"].combine_chunks()
    return Rows(
        ids=[
            f"{source}:{user}"
            for source, user in zip(table["source"].to_pylist(), table["source_user_id"].to_pylist(), strict=True)
        ],
        seen_at=table["seen_at"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy(),
        values={attribute: _values_of_column(table[attribute].combine_chunks()) for attribute in ATTRIBUTES},
        keys=keys.flatten().to_numpy(),
        key_counts=_lengths(keys),
    )


def microseconds(moment: datetime) -> int:
    """Since 1970 in UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(microseconds_: int) -> datetime:
    """The time in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds_)


def _values(of_each: Iterable[tuple[str, ...]]) -> Values:
    every = list(of_each)
    texts = [text for each in every for text in each]
    return Values(texts, np.arange(len(texts)), np.array([len(each) for each in every], dtype=np.int64))


def _values_of_column(column: Any) -> Values:
    encoded = column.flatten().dictionary_encode()
    return Values(encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64), _lengths(column))


def _lengths(column: Any) -> Ints:
    lengths: Ints = pc.list_value_length(column).fill_null(0).to_numpy().astype(np.int64)
    return lengths
