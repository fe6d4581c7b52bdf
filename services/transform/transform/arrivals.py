"""How many things arrived at a fold, and how many of them it need not keep: counted apart from the fold itself."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transform.spec import Fold


@dataclass(frozen=True)
class Arrivals:
    """What a run added: deliveries, and how many of all that there are repeat another or were made void."""

    delivered: int
    repeated: int


def counted(fold: Fold, delivered: DataFrame, rows: DataFrame, standing: DataFrame) -> Arrivals:
    """What came beside what stands of `rows`, which are all that was typed and all that was kept before.

    A source row that typing lost is delivered and no row; one that folding lost is no repetition: either way the
    balance of the table does not come out.
    """
    counts = delivered.toDF("delivered").crossJoin(_count(rows, "rows")).crossJoin(distinct(fold, standing))
    found = counts.collect()[0]
    return Arrivals(found["delivered"] or 0, found["rows"] - found["distinct"])


def counted_again(fold: Fold, stored: DataFrame, standing: DataFrame) -> Arrivals:
    """The same when rows are computed anew: nothing came in, and what stands may be more or less than stood."""
    found = _count(stored, "rows").crossJoin(distinct(fold, standing)).collect()[0]
    return Arrivals(0, found["rows"] - found["distinct"])


def distinct(fold: Fold, standing: DataFrame) -> DataFrame:
    """How many things there are: those of one grain are one."""
    return _count(standing.select(*fold.grain).distinct(), "distinct")


def _count(rows: DataFrame, name: str) -> DataFrame:
    return rows.agg(F.count(F.lit(1)).alias(name))
