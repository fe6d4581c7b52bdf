"""Tables as the workload knows them: columns, key, and which keys are there now. Pure."""

import random
from dataclasses import dataclass, field, replace

from ingest_torture import values
from ingest_torture.values import Kind

# Keys are drawn from so many numbers, few enough that a deleted key comes again.
NUMBERS = 400
_KEYS: dict[str, tuple[Kind, ...]] = {
    "integer": (values.INTEGER,),
    "bigint": (values.BIGINT,),
    "text": (values.TEXT,),
    "uuid": (Kind("uuid", lambda chance: values.uuid_of(chance.randint(0, 9))),),
    "composite": (values.INTEGER, values.TEXT),
}


@dataclass(frozen=True)
class Column:
    """A column; `before` are the names it had, oldest first."""

    name: str
    kind: Kind
    required: bool = False
    external: bool = False
    before: tuple[str, ...] = ()

    @property
    def definition(self) -> str:
        """As it stands in CREATE TABLE."""
        storage = " storage external" if self.external else ""
        return f"{self.name} {self.kind.declared}{storage}{' not null' if self.required else ''}"


@dataclass
class Table:
    """A table and the numbers of the keys in it."""

    name: str
    key: tuple[Column, ...]
    columns: list[Column]
    identity: str
    live: set[int] = field(default_factory=set)
    made_columns: int = 0
    incompatible: bool = False

    def copy(self) -> "Table":
        """As it is now, to come back to after a rollback."""
        return replace(self, columns=list(self.columns), live=set(self.live))

    @property
    def creation(self) -> list[str]:
        """The statements that make it."""
        body = [column.definition for column in (*self.key, *self.columns)]
        key = f"primary key ({', '.join(column.name for column in self.key)})"
        made = [f"create table {self.name} ({', '.join([*body, key])})"]
        if self.identity == "full":
            made.append(f"alter table {self.name} replica identity full")
        return made

    def key_literals(self, number: int) -> tuple[str, ...]:
        """The key of that number, column by column."""
        return tuple(_key_literal(column.kind.declared, number) for column in self.key)

    def matching(self, number: int) -> str:
        """The condition that finds the row of that number."""
        pairs = zip(self.key, self.key_literals(number), strict=True)
        return " and ".join(f"{column.name} = {literal}" for column, literal in pairs)

    def row(self, chance: random.Random, number: int) -> str:
        """A row of that number as SQL."""
        return f"({', '.join([*self.key_literals(number), *(literal(column, chance) for column in self.columns)])})"

    def free(self, chance: random.Random, count: int) -> list[int]:
        """Numbers that no row has."""
        return chance.sample(sorted(set(range(1, NUMBERS + 1)) - self.live), min(count, NUMBERS - len(self.live)))

    def some(self, chance: random.Random, most: int) -> list[int]:
        """Numbers of rows that are there, at least one when there is any."""
        return chance.sample(sorted(self.live), min(len(self.live), chance.randint(1, most)))


def literal(column: Column, chance: random.Random) -> str:
    """A value for the column as SQL, null now and then where that is allowed."""
    if not column.required and chance.random() < 0.1:
        return "null"
    return column.kind.literal(chance)


def a_table(name: str, chance: random.Random) -> Table:
    """A random table."""
    kinds = _KEYS[chance.choice(sorted(_KEYS))]
    key = tuple(Column(f"key_{place}", kind, required=True) for place, kind in enumerate(kinds))
    chosen = chance.sample(values.KINDS, chance.randint(3, 9))
    columns = [Column(f"c{place}", kind, required=chance.random() < 0.2) for place, kind in enumerate(chosen)]
    columns.append(Column("large", values.LARGE_TEXT, external=True))
    columns.append(Column("digits", values.DIGITS))
    return Table(name, key, columns, chance.choice(("full", "default")), made_columns=len(columns))


def _key_literal(declared: str, number: int) -> str:
    if declared == "text":
        return values.quoted(f"ключ '{number}' \\{number}")
    if declared == "uuid":
        return values.uuid_of(number)
    # The sign and the distance to the type's limits are part of the test.
    return str(-number if number % 2 else 2**31 - 1 - number)
