"""What every table says about itself: name, grain, scope, schema, personal columns, what it reads, how it is built.

There are three kinds. A *fold* keeps what is needed of bronze, by key; folding what is kept with what arrives gives
the same as folding everything at once. A *judged* frame is rows of folds with a verdict on each (see `contract.py`);
it is not stored. A *table* is a pure function of frames, and local: the rows of a scope follow from the input rows of
that scope. So a run rebuilds the scopes that a change reaches, and nothing else; a full run is one that reaches all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
class Difference:
    """What a run did to a table, as whole rows: those it took out, and those it put in. A changed row is in both."""

    before: DataFrame
    after: DataFrame

    @property
    def rows(self) -> DataFrame:
        """All of them."""
        return self.before.unionByName(self.after)


Read = Callable[[str], DataFrame]
# From what changed in an input that is looked up, and the tables as they are now: the scopes of the reader concerned.
Reach = Callable[[Difference, Read], DataFrame]
# From the tables as the release has them, and what changed in the inputs: what that changes in the table.
Update = Callable[[Read, Mapping[str, Difference]], Difference]


@dataclass(frozen=True)
class Input:
    """A frame that a table reads. `keys` are the reader's scope, as SQL over the columns of this input.

    A change in it concerns the scopes that it names, or as `reach` says. Without keys the input is looked up as a
    whole, and a change in it concerns whom `reach` says; without that: nobody.
    `pruned` names a column of the input, and what it must equal as SQL over the reader's scope: files outside the
    range of those values are not opened.
    """

    name: str
    keys: tuple[str, ...] | None = None
    reach: Reach | None = None
    pruned: tuple[str, str] | None = None


def scoped(name: str, *keys: str, reach: Reach | None = None, pruned: tuple[str, str] | None = None) -> Input:
    """An input whose rows belong to the reader's scopes by these expressions; `reach` when not each change matters."""
    return Input(name, keys, reach, pruned)


def looked_up(name: str, reach: Reach | None = None) -> Input:
    """An input that the reader joins as a whole."""
    return Input(name, None, reach)


@dataclass(frozen=True)
class Stored:
    """What a fold and a table have in common: they lie in the lake."""

    name: str
    grain: tuple[str, ...]
    schema: StructType
    personal: tuple[str, ...]
    scope: tuple[str, ...]
    """The columns by which it is local; without any, a change rebuilds all of it (and writes what differs)."""
    partitioned_by: tuple[str, ...] = field(default=(), kw_only=True)
    sorted_by: tuple[str, ...] = field(default=(), kw_only=True)
    """What the rows of a file are ordered by, after its partition; readers skip row groups by it."""

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that are never null."""
        return tuple(field.name for field in self.schema.fields if not field.nullable)

    @property
    def personal_leaves(self) -> tuple[str, ...]:
        """The personal columns as Iceberg names them in properties: an array's values are `<column>.element`."""
        return tuple(leaf for name in self.personal for leaf in _leaves(name, self.schema[name].dataType))


@dataclass(frozen=True)
class Fold(Stored):
    """What is kept of bronze. `arrive` types rows one by one; `fold` keeps those that count, at most one per grain."""

    reads: tuple[str, ...]
    arrive: Callable[..., DataFrame]
    fold: Callable[[DataFrame], DataFrame]
    emptied_with: str | None = None
    """The bronze table whose truncates make what was kept void."""
    void: Callable[[DataFrame, str], DataFrame] | None = None
    """From rows and the position of the last truncate to the rows that stand."""
    count_arrivals: Callable[..., DataFrame] | None = None
    """One number: how many things came in. Written apart from `arrive`, so that it can contradict it."""

    @property
    def located_by(self) -> str:
        """The column whose values tell in which files a scope lies."""
        return self.scope[0]

    def standing(self, rows: DataFrame, emptied_at: str | None) -> DataFrame:
        """The rows that are left of these when the source was last emptied at a position."""
        return self.void(rows, emptied_at) if self.void is not None and emptied_at is not None else rows


@dataclass(frozen=True)
class Table(Stored):
    """A table of silver or gold, as its module declares it."""

    reads: tuple[Input, ...]
    build: Callable[..., DataFrame]
    references: tuple[Reference, ...] = ()
    update: Update | None = None
    """Of a table whose rows depend on each other, and that has no scopes: what `build` would change."""
    located: str | None = None
    """A column outside of the scope that tells in which files a scope lies; every input has it under this name."""

    @property
    def located_by(self) -> str | None:
        """The column whose values tell in which files a scope lies."""
        return self.located or (self.scope[0] if self.scope else None)


@dataclass(frozen=True)
class Judged:
    """Rows of folds, each clean or with the check that it fails; a table and the quarantine read it."""

    name: str
    table: str
    scope: tuple[str, ...]
    key: str
    """The scope as one text, in SQL: the key under which the quarantine has a rejected row."""
    reads: tuple[Input, ...]
    build: Callable[..., DataFrame]
    count_input: Callable[..., DataFrame]
    """One number: how many things there are to judge. Written apart from `build`, so that it can contradict it."""
    fold: str | None = None
    """The fold whose arrivals are the input, when each row that arrives is a thing to judge."""
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
