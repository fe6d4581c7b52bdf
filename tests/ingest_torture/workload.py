"""What a seed makes of a database: transactions over random tables, with schema changes among them. Pure."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ingest_torture import chance as chances
from ingest_torture import schema_changes, values
from ingest_torture.shapes import Table, a_table, literal

# Rows of a large transaction: more than one batch of the runs that read it, few enough for two hundred seeds.
LARGE = (2_000, 5_000)


@dataclass(frozen=True)
class Transaction:
    """Statements in one transaction, and whether it is committed."""

    statements: tuple[str, ...]
    committed: bool = True


@dataclass
class Workload:
    """The random story of one database, told transaction by transaction; `tables` are as the story has left them."""

    seed: int
    tables: dict[str, Table] = field(default_factory=dict)
    made_tables: int = 0

    def __post_init__(self) -> None:
        self._chance = chances.stream(self.seed, "workload")

    def beginning(self) -> Iterator[Transaction]:
        """What is there before anything reads: types, a few tables, a few rows."""
        moods = ", ".join(map(values.quoted, values.MOODS))
        yield Transaction((f"create type mood as enum ({moods})",))
        for _ in range(self._chance.randint(2, 4)):
            yield Transaction(tuple(self._create()))
        for table in self.tables.values():
            yield Transaction(tuple(_insert(table, self._chance, self._chance.randint(0, 120))))

    def story(self, transactions: int) -> Iterator[Transaction]:
        """That many transactions; one of them is large."""
        large = self._chance.randrange(transactions)
        for number in range(transactions):
            yield self._large() if number == large else self._transaction()

    def _transaction(self) -> Transaction:
        before = {name: table.copy() for name, table in self.tables.items()}
        made_before = self.made_tables
        statements: list[str] = []
        for _ in range(self._chance.choice((1, 1, 2, 3, 6))):
            statements.extend(self._part())
        committed = self._chance.random() < 0.9
        if not committed:
            self.tables, self.made_tables = before, made_before
        return Transaction(tuple(statements), committed)

    def _part(self) -> list[str]:
        drawn = self._chance.random()
        if drawn < 0.08:
            return self._undone()
        if drawn < 0.16:
            return schema_changes.change(self._any(), self._chance)
        if drawn < 0.18 and self.made_tables < 7:
            return self._create()
        return self._change()

    def _change(self) -> list[str]:
        kinds = list(_CHANGES)
        (change,) = self._chance.choices(kinds, weights=[_CHANGES[kind] for kind in kinds])
        return list(change(self._any(), self._chance))

    def _undone(self) -> list[str]:
        before = {name: table.copy() for name, table in self.tables.items()}
        inside = [statement for _ in range(self._chance.randint(1, 3)) for statement in self._change()]
        self.tables = before
        return ["savepoint here", *inside, "rollback to savepoint here"]

    def _create(self) -> list[str]:
        self.made_tables += 1
        table = a_table(f"t{self.made_tables}", self._chance)
        self.tables[table.name] = table
        return [*table.creation, *_insert(table, self._chance, self._chance.randint(0, 30))]

    def _large(self) -> Transaction:
        # Most of its rows are updates: rewriting the same keys again and again makes any number of changes.
        table, count = self._any(), self._chance.randint(*LARGE)
        statements = list(_insert(table, self._chance, 200))
        while count > 0 and table.live:
            column = self._chance.choice([column for column in table.columns if not column.external])
            value = literal(column, self._chance)
            statements.append(f"update {table.name} set {column.name} = {value}")
            count -= len(table.live)
        return Transaction((*statements, *self._change()))

    def _any(self) -> Table:
        return self.tables[self._chance.choice(sorted(self.tables))]


def _insert(table: Table, chance: random.Random, count: int | None = None) -> Iterator[str]:
    numbers = table.free(chance, chance.randint(1, 8) if count is None else count)
    table.live.update(numbers)
    if numbers:
        rows = ", ".join(table.row(chance, number) for number in numbers)
        yield f"insert into {table.name} values {rows}"


def _update(table: Table, chance: random.Random) -> Iterator[str]:
    for number in table.some(chance, 5):
        chosen = chance.sample(table.columns, min(len(table.columns), chance.randint(1, 3)))
        sets = ", ".join(f"{column.name} = {literal(column, chance)}" for column in chosen)
        yield f"update {table.name} set {sets} where {table.matching(number)}"


def _touch(table: Table, chance: random.Random) -> Iterator[str]:
    # Nothing changes, and it is a change all the same.
    for number in table.some(chance, 3):
        name = chance.choice(table.columns).name
        yield f"update {table.name} set {name} = {name} where {table.matching(number)}"


def _delete(table: Table, chance: random.Random) -> Iterator[str]:
    for number in table.some(chance, 4):
        table.live.discard(number)
        yield f"delete from {table.name} where {table.matching(number)}"


def _rekey(table: Table, chance: random.Random) -> Iterator[str]:
    free = table.free(chance, 1)
    for number in table.some(chance, 1) if free else []:
        sets = [f"{c.name} = {text}" for c, text in zip(table.key, table.key_literals(free[0]), strict=True)]
        yield f"update {table.name} set {', '.join(sets)} where {table.matching(number)}"
        table.live.discard(number)
        table.live.add(free[0])


def _truncate(table: Table, chance: random.Random) -> Iterator[str]:
    table.live.clear()
    yield f"truncate {table.name}"


_CHANGES: dict[Callable[[Table, random.Random], Iterator[str]], float] = {
    _insert: 5,
    _update: 6,
    _touch: 1,
    _delete: 2,
    _rekey: 1,
    _truncate: 0.15,
}


def renamed(tables: Sequence[Table]) -> dict[str, dict[str, str]]:
    """By table: each name that a column had, and the name it has now."""
    return {table.name: {old: column.name for column in table.columns for old in column.before} for table in tables}
