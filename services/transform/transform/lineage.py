"""Where a column comes from, down to bronze, and what comes from it: found in the plans of the table functions.

The functions are called with empty frames of the declared schemas, so no data is read, and what they really do is what
is told: it cannot go stale. `plans.py` says what *direct* and *indirect* mean.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from transform import bronze, plans
from transform.declared import MADE_FROM
from transform.errors import UnknownColumn
from transform.plans import Columns, Sources
from transform.spec import Fold, Judged, Table
from transform.tables import FOLDS, JUDGED, TABLES
from transform.tables.truncates import FOLD as TRUNCATES


@dataclass(frozen=True)
class Definition:
    """How a table is made; the only place that asks the specifications what they read."""

    name: str
    reads: tuple[str, ...]
    build: Callable[..., DataFrame]
    voided_by: Columns = frozenset()
    """Columns that decide what of it stands, outside of what it reads."""


def definitions() -> list[Definition]:
    """All that is built, in the order of building."""
    built: tuple[Judged | Table, ...] = (*JUDGED, *TABLES)
    return [
        *(Definition(fold.name, fold.reads, _folding(fold), _voided_by(fold)) for fold in FOLDS),
        *(Definition(each.name, tuple(given.name for given in each.reads), each.build) for each in built),
    ]


def _folding(fold: Fold) -> Callable[..., DataFrame]:
    return lambda *frames: fold.fold(fold.arrive(*frames))


def _voided_by(fold: Fold) -> Columns:
    # What the source said before its last truncate is void, which the engine knows and not the fold.
    return frozenset({f"{TRUNCATES.name}.{name}" for name in TRUNCATES.schema.names} if fold.emptied_with else ())


@dataclass(frozen=True)
class TableLineage:
    """What the columns of one table depend on, one step back; `rows` counts for each of them, indirectly."""

    columns: Mapping[str, Sources]
    rows: Columns


@dataclass(frozen=True)
class Origin:
    """The columns of bronze behind one column."""

    direct: Columns
    indirect: Columns

    @property
    def all(self) -> Columns:
        """Both kinds."""
        return self.direct | self.indirect


class Lineage:
    """The columns of all tables, each one step back, and from there to bronze."""

    def __init__(self, tables: Mapping[str, TableLineage]) -> None:
        self.tables = tables

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every column, as "gold.fact_order.total_amount"."""
        of_bronze = (f"{table}.{column}" for table, schema in bronze.SCHEMAS.items() for column in schema.names)
        built = (f"{table}.{column}" for table, found in self.tables.items() for column in found.columns)
        return (*of_bronze, *built)

    def named(self, text: str) -> str:
        """The column that is meant; the beginning may be left out where that is clear. Raises UnknownColumn."""
        found = [name for name in self.names if name == text] or [
            name for name in self.names if name.endswith((f".{text}", f"__{text}"))
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise UnknownColumn(f"{text} may be {', '.join(found)}; name one of them", field="column")
        raise UnknownColumn(f"there is no column {text}; {self._near(text)}", field="column")

    def _near(self, text: str) -> str:
        table = text.rpartition(".")[0]
        columns = [name for name in self.names if name.rpartition(".")[0] == table]
        if columns:
            return f"columns of {table}: {', '.join(name.rpartition('.')[2] for name in columns)}"
        return f"name it as gold.fact_order.total_amount; tables: {', '.join(sorted({*bronze.SCHEMAS, *self.tables}))}"

    def step(self, column: str) -> Sources:
        """What a column depends on, one step back; nothing for one of bronze."""
        table, _, name = column.rpartition(".")
        found = self.tables.get(table)
        if found is None:
            # What ingest rejected is taken out before any table is built.
            rejected = f"{table}.{bronze.REJECTED}"
            counts = name == "*" and bronze.REJECTED in bronze.SCHEMAS[table].names
            return Sources(indirect=frozenset({rejected} if counts else ()))
        if name == "*":
            return Sources(indirect=found.rows)
        return found.columns[name].given(found.rows)

    def origin(self, column: str) -> Origin:
        """The columns of bronze behind a column."""
        direct = self._reached([column], lambda sources: sources.direct)
        everything = self._reached([column], lambda sources: sources.all)
        return Origin(direct, everything - direct)

    def _reached(self, start: Iterable[str], back: Callable[[Sources], Columns]) -> Columns:
        waiting, seen = list(start), set(start)
        while waiting:
            fresh = back(self.step(waiting.pop())) - seen
            seen |= fresh
            waiting += fresh
        return frozenset(name for name in seen if name.rpartition(".")[0] in bronze.SCHEMAS and not name.endswith(".*"))

    def downstream(self, column: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The columns of silver and gold that come from a column: directly, and only indirectly."""
        built = [name for name in self.names if name.startswith(("silver.", "gold.")) and name != column]
        direct = self._dependents(column, lambda sources: sources.direct)
        everything = self._dependents(column, lambda sources: sources.all)
        return (
            tuple(name for name in built if name in direct),
            tuple(name for name in built if name in everything - direct),
        )

    def _dependents(self, column: str, back: Callable[[Sources], Columns]) -> set[str]:
        reached = {column}
        # Tables stand in the order of building, so one pass over them is enough.
        for table, found in self.tables.items():
            reached |= {f"{table}.*"} if back(self.step(f"{table}.*")) & reached else set()
            reached |= {f"{table}.{name}" for name in found.columns if back(self.step(f"{table}.{name}")) & reached}
        return reached


def derive(spark: SparkSession) -> Lineage:
    """The lineage of every table, by calling its function on empty frames. Raises UnknownPlan."""
    made: dict[str, StructType] = dict(bronze.SCHEMAS)
    found = {}
    for definition in definitions():
        frames = [_empty(spark, name, made[name]) for name in definition.reads]
        built = definition.build(*frames)
        made[definition.name] = built.schema
        flow = plans.flow(_analyzed(built), plans.Inputs({_alias(n): n for n in definition.reads}, MADE_FROM))
        found[definition.name] = TableLineage(
            {column.name: column.sources for column in flow.columns}, flow.rows | definition.voided_by
        )
    return Lineage(found)


def _empty(spark: SparkSession, table: str, schema: StructType) -> DataFrame:
    return spark.createDataFrame([], schema).alias(_alias(table))


def _alias(table: str) -> str:
    return "input " + table


def _analyzed(frame: DataFrame) -> list[dict[str, Any]]:
    # PySpark has no public way to a plan's expressions.
    plan: Any = frame._jdf.queryExecution().analyzed()  # noqa: SLF001
    nodes: list[dict[str, Any]] = json.loads(plan.toJSON())
    return nodes
