"""Tables of people in Parquet files, as records: which of their columns hold which known attribute."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

import pyarrow as pa
import pyarrow.parquet as pq
from shopsphere_kit.errors import InvalidArgument

from transform.identity.records import Record, record
from transform.identity.spelling import ATTRIBUTES

# Files say nothing of when somebody was first seen.
_UNKNOWN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
# What a map may call the column that names a record, and what such a column is called when the map does not say.
_IDS: Final = ("record_id", "id")
_KNOWN: Final = (*ATTRIBUTES, *_IDS)
Columns = Mapping[str, Sequence[str]]
"""By known attribute the columns that hold it, joined by a blank when there are several: street number and street."""


class BadPeopleFile(InvalidArgument):
    """A file of people, or the map of its columns, cannot be used."""

    default_reason: ClassVar[str] = "bad_people_file"


def read_columns(path: Path) -> dict[str, list[str]]:
    """The map in a JSON file: {"first_name": "given_name", "street": ["street_number", "address_1"], "id": "rec"}.

    A map from columns to attributes is read as well; an attribute that is null there is in no column.
    """
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadPeopleFile(f"columns {path}: {error.strerror}; name a file that can be read") from error
    except ValueError as error:
        raise BadPeopleFile(f"columns {path} is no JSON ({error}); write an object of attribute: column") from error
    if not isinstance(written, dict) or not written:
        raise BadPeopleFile(f"columns {path} is no object of attribute: column; known are {', '.join(ATTRIBUTES)}")
    found = {attribute: named for attribute, named in _by_attribute(written).items() if named is not None}
    return {attribute: _names(path, attribute, named) for attribute, named in found.items()}


def _by_attribute(written: dict[str, Any]) -> dict[str, Any]:
    """The map as it is, or turned round when it leads from columns to attributes."""
    known = [name for name in written.values() if isinstance(name, str) and name in _KNOWN]
    if len(known) < len(written) or all(name in _KNOWN for name in written):
        return written
    return {attribute: [column for column in written if written[column] == attribute] for attribute in known}


def _names(path: Path, attribute: str, named: Any) -> list[str]:
    if attribute not in _KNOWN:
        raise BadPeopleFile(f"columns {path}: {attribute!r} is no known attribute; known are {', '.join(_KNOWN)}")
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise BadPeopleFile(f"columns {path}: {attribute} is neither a column's name nor a list of names")
    return names


def read_people(path: Path, columns: Columns, id_column: str | None) -> tuple[list[Record], "pa.Array[Any]"]:
    """(records in the order of the file, their ids as the file has them).

    The id is in `id_column`, else where the map says, else in `record_id` or `id`, else it is the number of the row.
    Records are known to the resolver by their place in the order of what they say, so that neither the order of the
    rows nor their ids play a part in who is who.
    """
    table = _table(path)
    named = id_column or next((name for key in _IDS for name in columns.get(key, ())), None)
    people = {attribute: names for attribute, names in columns.items() if attribute not in _IDS}
    wanted = [name for names in people.values() for name in names] + ([named] if named else [])
    missing = sorted({name for name in wanted if name not in table.column_names})
    if missing:
        raise BadPeopleFile(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.column_names)}")
    ids = _ids(path, table, named or next((name for name in _IDS if name in table.column_names), None))
    said = [record("", _UNKNOWN_TIME, {n: [text] for n, text in row.items()}) for row in _written(table, people)]
    by_content = sorted(range(len(said)), key=lambda row: sorted(said[row].values.items()))
    place = {row: f"{number:012d}" for number, row in enumerate(by_content)}
    return [replace(one, id=place[row]) for row, one in enumerate(said)], ids


def _ids(path: Path, table: pa.Table, column: str | None) -> "pa.Array[Any]":
    if column is None:
        return pa.array(range(table.num_rows), pa.int64())
    ids = table[column].combine_chunks()
    try:
        is_unique = not ids.null_count and len(ids.unique()) == len(ids)
    except pa.ArrowNotImplementedError as error:
        raise BadPeopleFile(f"{path}: column {column} is of {ids.type}; name one of numbers or texts") from error
    if not is_unique:
        raise BadPeopleFile(
            f"{path}: column {column} has a null or the same id twice; each record needs its own, "
            "name its column with --id"
        )
    return ids


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
