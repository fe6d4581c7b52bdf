"""Schema changes in the middle of a stream: those that bronze follows, and the one that it cannot. Pure."""

import random
from collections.abc import Callable
from dataclasses import replace

from ingest_torture import values
from ingest_torture.shapes import Column, Table
from ingest_torture.values import Kind

# What a type may grow to while bronze keeps its column.
_WIDER: dict[str, Kind] = {
    "smallint": values.INTEGER,
    "integer": values.BIGINT,
    "numeric(12,3)": values.numeric(18, 3),
    "numeric(18,3)": values.numeric(30, 3),
    "varchar(20)": values.varchar(60),
    "varchar(60)": values.TEXT,
}
# Some tables meet the change that quarantine is for; most must not, or little would be left to fold.
_INCOMPATIBLE = 0.06


def change(table: Table, chance: random.Random) -> list[str]:
    """One schema change of the table, or nothing when the drawn one does not apply."""
    if chance.random() < _INCOMPATIBLE:
        return _incompatible(table)
    return chance.choice(_COMPATIBLE)(table, chance)


def _add(table: Table, chance: random.Random) -> list[str]:
    column = Column(f"c{table.made_columns}", chance.choice(values.KINDS))
    table.made_columns += 1
    table.columns.append(column)
    return [f"alter table {table.name} add column {column.definition}"]


def _drop(table: Table, chance: random.Random) -> list[str]:
    if len(table.columns) < 4:
        return []
    column = chance.choice(table.columns)
    table.columns.remove(column)
    return [f"alter table {table.name} drop column {column.name}"]


def _rename(table: Table, chance: random.Random) -> list[str]:
    place = chance.randrange(len(table.columns))
    old = table.columns[place]
    new = replace(old, name=f"c{table.made_columns}", before=(*old.before, old.name))
    table.made_columns += 1
    table.columns[place] = new
    return [f"alter table {table.name} rename column {old.name} to {new.name}"]


def _widen(table: Table, chance: random.Random) -> list[str]:
    places = [place for place, column in enumerate(table.columns) if column.kind.declared in _WIDER]
    if not places:
        return []
    place = chance.choice(places)
    column = table.columns[place]
    wider = _WIDER[column.kind.declared]
    table.columns[place] = replace(column, kind=wider)
    return [f"alter table {table.name} alter column {column.name} type {wider.declared}"]


def _relax(table: Table, chance: random.Random) -> list[str]:
    places = [place for place, column in enumerate(table.columns) if column.required]
    if not places:
        return []
    place = chance.choice(places)
    table.columns[place] = replace(table.columns[place], required=False)
    return [f"alter table {table.name} alter column {table.columns[place].name} drop not null"]


def _incompatible(table: Table) -> list[str]:
    for place, column in enumerate(table.columns):
        if column.kind is values.DIGITS:
            table.columns[place] = replace(column, kind=values.INTEGER)
            table.incompatible = True
            return [f"alter table {table.name} alter column {column.name} type integer using {column.name}::integer"]
    return []


_COMPATIBLE: tuple[Callable[[Table, random.Random], list[str]], ...] = (_add, _add, _drop, _rename, _widen, _relax)
