"""What every table says about itself: name, grain, schema, personal columns, what it reads, and how it is built.

`build` is a pure function of the frames named in `reads`, in that order. Names are "bronze.<table>" for what ingest
wrote, "judged.<name>" for rows read from bronze with a verdict on each (see `contract.py`), "silver.<table>" and
"gold.<table>" for tables built earlier in the same run.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

STRING, BOOLEAN, INT, LONG = StringType(), BooleanType(), IntegerType(), LongType()
DATE, TIMESTAMP = DateType(), TimestampType()
MONEY = DecimalType(18, 2)  # cents; 16 digits before the point hold any sum of a retailer
UNIT_PRICE = DecimalType(18, 6)  # a price per unit is a quotient, so it has more digits than the money it came from


@dataclass(frozen=True)
class Reference:
    """Every value of `column` that is not null occurs in `target_column` of `target`."""

    column: str
    target: str
    target_column: str


@dataclass(frozen=True)
class Table:
    """A table of silver or gold, as its module declares it."""

    name: str
    grain: tuple[str, ...]
    schema: StructType
    personal: tuple[str, ...]
    reads: tuple[str, ...]
    build: Callable[..., DataFrame]
    partitioned_by: tuple[str, ...] = ()
    sorted_by: tuple[str, ...] = ()
    """What the rows of a file are ordered by, after its partition; readers skip row groups by it."""
    references: tuple[Reference, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that are never null."""
        return tuple(field.name for field in self.schema.fields if not field.nullable)

    @property
    def personal_leaves(self) -> tuple[str, ...]:
        """The personal columns as Iceberg names them in properties: an array's values are `<column>.element`."""
        return tuple(leaf for name in self.personal for leaf in _leaves(name, self.schema[name].dataType))


@dataclass(frozen=True)
class Judged:
    """Rows read from bronze, each clean or with the check that it fails; a table and the quarantine read it."""

    name: str
    table: str
    reads: tuple[str, ...]
    build: Callable[..., DataFrame]
    count_input: Callable[..., DataFrame]
    """One number: how many things came in. Written apart from `build`, so that it can contradict it."""
    row_per_input: bool = True
    """Whether each clean row is one row of the table; versions of a user stand for several changes each."""


def required(name: str, kind: DataType) -> StructField:
    """A column that is never null; checked before a release, not enforced by the storage."""
    return StructField(name, kind, nullable=False)


def optional(name: str, kind: DataType) -> StructField:
    """A column that may be null."""
    return StructField(name, kind, nullable=True)


def _leaves(name: str, kind: DataType) -> tuple[str, ...]:
    if isinstance(kind, ArrayType):
        return _leaves(f"{name}.element", kind.elementType)
    if isinstance(kind, StructType):
        return tuple(leaf for field in kind.fields for leaf in _leaves(f"{name}.{field.name}", field.dataType))
    return (name,)
