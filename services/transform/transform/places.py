"""In which files rows lie: what a scan or a delete has to be told so that Iceberg opens no others."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transform.propagation import WAS, within
from transform.spec import Fold, Stored, Table

# Of more values than these all files are looked at: they would not fit into a plan.
TOLD_MAX = 20_000


def located_by(table: Stored) -> str | None:
    """The column whose values tell in which files a scope of the table lies."""
    return table.located_by if isinstance(table, Fold | Table) else None


def values_of(column: DataFrame) -> list[object] | None:
    """The distinct values of a column; None when they are too many to tell one by one."""
    # By Arrow, in which a moment is one of UTC: in local time an hour of autumn would be there twice.
    rows = column.distinct().limit(TOLD_MAX + 1).toArrow()
    return rows.column(0).to_pylist() if rows.num_rows <= TOLD_MAX else None


def where_they_lie(table: Stored, stood: DataFrame) -> str:
    """SQL that holds of the stored rows that `compared` found to be there, and of few others."""
    located = located_by(table)
    if located is None:
        return "true"
    values = values_of(stood.select(F.col(f"{WAS}.{located}")))
    return within(f"stored.`{located}`", values) if values is not None else "true"
