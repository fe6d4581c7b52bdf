"""What one pass over the rows that a run changes tells about them: how many, what is missing, what is there twice."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DecimalType

from transform.propagation import COPIES, NOW, WAS
from transform.spec import Stored

# Of these columns the sum before and after is told, where a table has them: what must be conserved down the line.
SUMMED = ("quantity", "total_amount")


@dataclass(frozen=True)
class Statistics:
    """Of the changed rows of a table: rows taken out and put in, nulls per required column, surplus copies, sums."""

    taken_out: int
    put_in: int
    nulls: Mapping[str, int]
    copies: int
    sums: Mapping[str, Any]
    """By column, what was put in less what was taken out."""

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.taken_out or self.put_in)

    @property
    def rows(self) -> int:
        """How many rows the table has more than before."""
        return self.put_in - self.taken_out


def statistics(table: Stored, changed: DataFrame) -> Statistics:
    """Look at what `propagation.compared` found, once."""
    was, now = F.col(WAS), F.col(NOW)
    summed = [name for name in SUMMED if name in table.schema.names]
    found = changed.agg(
        F.count_if(was.isNotNull()).alias("taken_out"),
        F.count_if(now.isNotNull()).alias("put_in"),
        F.count_if(F.col(COPIES) > 1).alias("copies"),
        *(F.count_if(now.isNotNull() & now[name].isNull()).alias(f"null {name}") for name in table.required),
        *((_sum(_wide(now[name])) - _sum(_wide(was[name]))).alias(f"sum {name}") for name in summed),
    ).collect()[0]
    return Statistics(
        found["taken_out"],
        found["put_in"],
        {name: found[f"null {name}"] for name in table.required},
        found["copies"],
        {name: found[f"sum {name}"] for name in summed},
    )


def statistics_of(table: Stored, rows: DataFrame) -> Statistics:
    """Look at all rows of a table, once: as if a run had put them in."""
    summed = [name for name in SUMMED if name in table.schema.names]
    per_grain = rows.groupBy(*table.grain).agg(
        F.count(F.lit(1)).alias("rows"),
        *(F.count_if(F.col(name).isNull()).alias(f"null {name}") for name in table.required if name not in table.grain),
        *(F.sum(_wide(F.col(name))).alias(f"sum {name}") for name in summed),
    )
    found = per_grain.agg(
        _sum(F.col("rows")).alias("rows"),
        F.count(F.lit(1)).alias("grains"),
        *(_nulls(name, table.grain).alias(f"null {name}") for name in table.required),
        *(_sum(F.col(f"sum {name}")).alias(f"sum {name}") for name in summed),
    ).collect()[0]
    return Statistics(
        0,
        found["rows"],
        {name: found[f"null {name}"] for name in table.required},
        found["rows"] - found["grains"],
        {name: found[f"sum {name}"] for name in summed},
    )


def _nulls(name: str, grain: tuple[str, ...]) -> Column:
    return _sum(F.when(F.col(name).isNull(), F.col("rows"))) if name in grain else _sum(F.col(f"null {name}"))


def _sum(column: Column) -> Column:
    return F.coalesce(F.sum(column), F.lit(0))


def _wide(column: Column) -> Column:
    # What a fold keeps is not judged: two quantities may be more than 64 bits hold, and a sum of longs then fails.
    return column.cast(DecimalType(28, 2))
