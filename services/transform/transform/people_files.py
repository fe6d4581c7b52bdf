"""Tables of people in Parquet files, as records: which of their columns hold which known attribute."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

import pyarrow as pa
import pyarrow.parquet as pq
from shopsphere_kit.errors import InvalidArgument

from transform.identity.records import Record, record
from transform.identity.spelling import ATTRIBUTES

# Files say nothing of when somebody was first seen; the record whose id sorts first is the oldest then.
_FIRST_ROW: Final = datetime(1970, 1, 1, tzinfo=UTC)
Columns = Mapping[str, Sequence[str]]
"""By known attribute the columns that hold it, joined by a blank when there are several: street number and street."""


class BadPeopleFile(InvalidArgument):
    """A file of people, or the map of its columns, cannot be used."""

    default_reason: ClassVar[str] = "bad_people_file"


def read_columns(path: Path) -> dict[str, list[str]]:
    """The map in a JSON file: {"first_name": "given_name", "street": ["street_number", "address_1"]}."""
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadPeopleFile(f"columns {path}: {error.strerror}; name a file that can be read") from error
    except ValueError as error:
        raise BadPeopleFile(f"columns {path} is no JSON ({error}); write an object of attribute: column") from error
    if not isinstance(written, dict) or not written:
        raise BadPeopleFile(f"columns {path} is no object of attribute: column; known are {', '.join(ATTRIBUTES)}")
    return {attribute: _names(path, attribute, named) for attribute, named in written.items()}


def _names(path: Path, attribute: str, named: Any) -> list[str]:
    if attribute not in ATTRIBUTES:
        raise BadPeopleFile(f"columns {path}: {attribute!r} is no known attribute; known are {', '.join(ATTRIBUTES)}")
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise BadPeopleFile(f"columns {path}: {attribute} is neither a column's name nor a list of names")
    return names


def read_people(path: Path, columns: Columns, id_column: str | None) -> tuple[list[Record], "pa.Array[Any]"]:
    """(records in the order of the file, their ids as the file has them); without an id column the row's number."""
    table = _table(path)
    wanted = [name for names in columns.values() for name in names] + ([id_column] if id_column else [])
    missing = sorted({name for name in wanted if name not in table.column_names})
    if missing:
        raise BadPeopleFile(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.column_names)}")
    ids = table[id_column].combine_chunks() if id_column else pa.array(range(table.num_rows), pa.int64())
    if ids.null_count or len(ids.unique()) < len(ids):
        raise BadPeopleFile(f"{path}: column {id_column} has a null or the same id twice; each record needs its own")
    records = [
        record(str(id_), _FIRST_ROW, {name: [text] for name, text in values.items()})
        for id_, values in zip(ids.to_pylist(), _written(table, columns), strict=True)
    ]
    return records, ids


def _table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise BadPeopleFile(f"input {path} cannot be read as Parquet: {error}") from error


def _written(table: pa.Table, columns: Columns) -> Iterator[dict[str, str | None]]:
    """Each row's known attributes as text."""
    of = {name: [_text(value) for value in table[name].to_pylist()] for names in columns.values() for name in names}
    for row in range(table.num_rows):
        yield {
            attribute: " ".join(text for name in names if (text := of[name][row])) or None
            for attribute, names in columns.items()
        }


def _text(value: object) -> str | None:
    """A date as ISO 8601, a whole number without a point (a nullable column of integers may have become floats)."""
    match value:
        case None:
            return None
        case datetime() | date():
            return value.isoformat()
        case float() if value != value:
            return None
        case float() if value.is_integer():
            return str(int(value))
        case _:
            text = str(value).strip()
            return None if text.lower() in {"nan", "none", "null", "nat"} else text
