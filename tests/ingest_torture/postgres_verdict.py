"""Compares bronze, folded, with the tables of a PostgreSQL database as they are."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import psycopg2
from ingest.tables import CONTROL_COLUMNS, postgres_table
from ingest_torture import canonical, lake_verdict, values
from ingest_torture.fold import Change, Key, differences, fold, unchanged_names
from ingest_torture.shapes import Table
from ingest_torture.workload import renamed
from psycopg2.extensions import make_dsn
from shopsphere_kit.settings import LakeSettings

_FORMS = "-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1"
# What may send a row to quarantine. That a value was not sent is not among it: such rows are marked, not rejected.
_REASONS = {"value_out_of_range", "incompatible_schema"}
_COLUMNS = """
    select attname, format_type(atttypid, atttypmod) from pg_attribute
    where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum
"""


class Compared:
    """One table on both sides."""

    def __init__(self, dsn: str, lake: LakeSettings, table: Table) -> None:
        self._lake, self._table = lake, table
        self._renamed = renamed([table])[table.name]
        self._key = [column.name for column in table.key]
        with closing(psycopg2.connect(make_dsn(dsn, options=_FORMS))) as session, session.cursor() as cursor:
            cursor.execute(_COLUMNS, (table.name,))
            self._types: dict[str, str] = dict(cursor.fetchall())
            names = ", ".join(canonical.expression(name, declared) for name, declared in self._types.items())
            cursor.execute(f"select {names} from {table.name}")
            found = [dict(zip(self._types, row, strict=True)) for row in cursor.fetchall()]
        self.source = {self._key_of(row): self._values(row) for row in found}

    def problems(self, rejected: Sequence[Mapping[str, Any]]) -> list[str]:
        """Where the two differ, and rows in quarantine that have no business there."""
        name = postgres_table("public", self._table.name)
        bronze = lake_verdict.rows(self._lake, name)
        if bronze is None:
            return [f"{name} does not exist"]
        mine = [row for row in rejected if row["source"] == f"postgres:public.{self._table.name}"]
        changes = [*self._changes(canonical.bronze_rows(bronze)), *map(self._rejected, mine)]
        return [*self._uncalled(mine), *differences(fold(changes), self.source, self._table.name)]

    def _changes(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Change]:
        for row in rows:
            joined = canonical.joined(row, self._renamed)
            unsent = frozenset(self._renamed.get(name, name) for name in unchanged_names(row.get("_unchanged")))
            yield Change(row["_op"], row["_position"], self._key_of(joined), self._values(joined), unsent)

    def _rejected(self, row: Mapping[str, Any]) -> Change:
        content = json.loads(row["value"])
        copied = row["position"].startswith("snapshot/")
        key = self._key_of(content) if content.get("_op") != "t" else ()
        return Change(content["_op"], "" if copied else row["position"], key, {}, reason=row["reason"])

    def _key_of(self, row: Mapping[str, Any]) -> Key:
        return tuple(canonical.value(self._types[name], row[name]) for name in self._key)

    def _values(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: canonical.value(declared, row.get(name)) for name, declared in self._types.items()}

    def _uncalled(self, rejected: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        for row in rejected:
            where = f"{self._table.name}: {row['reason']} at {row['position']} ({row['detail']})"
            if row["reason"] not in _REASONS:
                yield f"{where}: not a reason to reject a row"
            elif row["reason"] == "incompatible_schema" and not self._table.incompatible:
                yield f"{where}: no column changed its type"
            elif row["reason"] == "value_out_of_range" and not self._beyond(json.loads(row["value"])):
                yield f"{where}: every value has a place in bronze"

    @staticmethod
    def _beyond(content: Mapping[str, Any]) -> bool:
        texts = [str(text) for name, text in content.items() if name not in CONTROL_COLUMNS and text is not None]
        return any(values.beyond_bronze(declared, text) for text in texts for declared in ("numeric(1,0)", "date"))


def problems(dsn: str, lake: LakeSettings, tables: Iterable[Table]) -> list[str]:
    """Everything that is not as the source has it, in words."""
    quarantine = lake_verdict.rows(lake, "quarantine")
    rejected = quarantine.to_pylist() if quarantine is not None else []
    return [trouble for table in tables for trouble in Compared(dsn, lake, table).problems(rejected)]
