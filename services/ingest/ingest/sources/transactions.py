"""Replication messages gathered into transactions, and transactions into batches by table. Pure.

The server sends a transaction once it is committed, whole and in one piece. So one that is larger than memory may leave
in parts: they are kept where nobody sees them until its last part comes with a position.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ingest import pgoutput
from ingest.batch import Batch, Chunk
from ingest.changes import Described, Log, Truncated, chunks, truncate_chunk
from ingest.errors import UndecodableMessage, UnusableIdentity
from ingest.pgoutput import Begin, Commit, Message, Relation, Truncate
from ingest.position import PostgresPosition, Span
from ingest.row_messages import KINDS
from ingest.tables import postgres_table

# Everything is after it.
START = PostgresPosition(0)
# Nothing is: a table that is copied just now takes no changes from the stream.
NEVER = PostgresPosition(2**63 - 1)


@dataclass
class _Part:
    """Changes of one table under one description of its columns."""

    described: Described
    log: Log = field(default_factory=Log)
    truncates: list[Truncated] = field(default_factory=list)

    def take(self, later: "_Part") -> None:
        """Add what came after."""
        self.log.extend(later.log)
        self.truncates += later.truncates


@dataclass
class _Table:
    """What waits of one table: of whole transactions, and of the one in progress; and what it skips.

    `due` says that parts of a transaction that is whole now have left already, so that its position must follow.
    """

    name: str
    key: Sequence[str]
    source: str = ""
    published: bool = True
    position: PostgresPosition = START
    done: list[_Part] = field(default_factory=list)
    open: list[_Part] = field(default_factory=list)
    transaction: int = 0
    parted: bool = False
    due: bool = False

    def part(self, described: Described) -> _Part:
        """Where the next change of the transaction in progress goes."""
        if not self.open or self.open[-1].described is not described:
            self.open.append(_Part(described))
        return self.open[-1]

    def complete(self) -> None:
        """The transaction in progress is whole."""
        for part in self.open:
            if self.done and self.done[-1].described is part.described:
                self.done[-1].take(part)
            else:
                self.done.append(part)
        self.open, self.due, self.parted = [], self.due or self.parted, False

    def whole(self, end_lsn: int) -> Batch:
        """All that whole transactions brought, ending at the last of them."""
        spans, parts = self.position.spans, self.done
        self.position = PostgresPosition(end_lsn, spans if spans and end_lsn <= spans[-1].lsn else ())
        self.done, self.due = [], False
        return Batch(self.name, self.source, _chunks(parts, spans), self.position)

    def begun(self) -> Batch:
        """What has come of the transaction in progress."""
        parts, self.open, self.parted = self.open, [], True
        return Batch(self.name, self.source, _chunks(parts, self.position.spans), None)


class Transactions:
    """Takes messages one by one; `take` gives what they brought since the last `take`."""

    def __init__(
        self,
        primary_keys: Mapping[str, Sequence[str]],
        on_stranger: Callable[[Relation], None] = lambda _: None,
    ) -> None:
        """Take the primary key columns of each bronze table, and who is told of a relation of another table or key.

        `on_stranger` calls `adopt` or `rekey`, or raises.
        """
        self._tables = {name: _Table(name, key) for name, key in primary_keys.items()}
        self._on_stranger = on_stranger
        self._followed: dict[bytes, tuple[_Table, Described]] = {}
        self._begun: Begin | None = None
        self._touched: list[_Table] = []
        self._number = self._transaction = self._beats = 0
        self._open_rows = self.open_bytes = 0
        self.waiting_rows = self.waiting_bytes = 0
        self.end_lsn = 0

    @property
    def in_progress(self) -> bool:
        """Whether a transaction has begun and its commit has not come yet."""
        return self._begun is not None

    def start_at(self, table: str, position: PostgresPosition, source: str = "") -> None:
        """The table already has what that position says; `source` is what quarantine calls it."""
        self._tables[table].position, self._tables[table].source = position, source

    def is_published(self, table: str) -> bool:
        """Whether the bronze table's source is still published."""
        return table in self._tables and self._tables[table].published

    def adopt(self, table: str, position: PostgresPosition) -> None:
        """Follow one more bronze table, whose primary key nobody knows."""
        self._tables[table] = _Table(table, (), published=False, position=position)

    def rekey(self, table: str, primary_key: Sequence[str]) -> None:
        """The table has another primary key, or its columns other names."""
        self._tables[table].key = primary_key

    def has(self, table: str) -> bool:
        """Whether the bronze table is one of those that are followed."""
        return table in self._tables

    def accept(self, payload: bytes) -> None:
        """Take the next message of the stream."""
        if payload and payload[0] in KINDS:
            self._row(payload)
        else:
            self._control(pgoutput.decode(payload))

    def beat(self, lsn: int) -> Batch | None:
        """Nothing up to there concerned a followed table: the position of one of them says so; None without any."""
        followed = [table for table in self._tables.values() if table.position is not NEVER and table.published]
        # In turns, so that it stands in others too when the table that has it leaves the publication.
        self._beats += 1
        return followed[self._beats % len(followed)].whole(lsn) if followed else None

    def take(self, *, parts: bool = False) -> list[Batch]:
        """What whole transactions brought, by table, all up to the same; with `parts` what has come of the next too."""
        tables = self._tables.values()
        batches = [table.whole(self.end_lsn) for table in tables if table.done or table.due]
        if parts:
            batches += [table.begun() for table in tables if table.open]
            self._open_rows = self.open_bytes = 0
        self.waiting_rows, self.waiting_bytes = self._open_rows, self.open_bytes
        return batches

    def _row(self, payload: bytes) -> None:
        begun, number = self._begun, self._number
        if begun is None:
            raise UndecodableMessage("a change outside of a transaction")
        self._number = number + 1
        table, described = self._of(payload[1:5])
        if begun.final_lsn < table.position.lsn:
            return
        self._touch(table)
        table.part(described).log.add(payload, number, begun.final_lsn, begun.committed_at)
        self._count(1, len(payload))

    def _truncate(self, message: Truncate) -> None:
        if self._begun is None:
            raise UndecodableMessage("a truncate outside of a transaction")
        number, self._number = self._number, self._number + 1
        for oid in message.oids:
            table, described = self._of(oid.to_bytes(4, "big"))
            if self._begun.final_lsn >= table.position.lsn:
                self._touch(table)
                truncated = (self._begun.final_lsn, number, self._begun.committed_at)
                table.part(described).truncates.append(truncated)
                self._count(1, 0)

    def _control(self, message: Message) -> None:
        match message:
            case Begin():
                self._begun, self._number = message, 0
                self._transaction += 1
            case Commit():
                self._commit(message)
            case Relation():
                self._describe(message)
            case Truncate():
                self._truncate(message)
            case _:
                pass

    def _commit(self, commit: Commit) -> None:
        for table in self._touched:
            table.complete()
        self._begun, self._touched = None, []
        self._open_rows = self.open_bytes = 0
        self.end_lsn = commit.end_lsn

    def _describe(self, relation: Relation) -> None:
        name = postgres_table(relation.namespace, relation.name)
        names = [column.name for column in relation.columns]
        if name not in self._tables or not set(self._tables[name].key).issubset(names):
            self._on_stranger(relation)
        table = self._tables[name]
        _refuse_other_identity(relation, table.key)
        table.source = f"postgres:{relation.namespace}.{relation.name}"
        key = tuple(names.index(name) for name in table.key if name in names)
        described = Described(table.source, relation.columns, key)
        oid = relation.oid.to_bytes(4, "big")
        if oid not in self._followed or self._followed[oid] != (table, described):
            self._followed[oid] = (table, described)

    def _of(self, oid: bytes) -> tuple[_Table, Described]:
        try:
            return self._followed[oid]
        except KeyError:
            number = int.from_bytes(oid, "big")
            raise UndecodableMessage(f"a change of the relation {number}, which was not described before") from None

    def _touch(self, table: _Table) -> None:
        if table.transaction != self._transaction:
            table.transaction = self._transaction
            self._touched.append(table)

    def _count(self, rows: int, size: int) -> None:
        self.waiting_rows += rows
        self.waiting_bytes += size
        self._open_rows += rows
        self.open_bytes += size


def _refuse_other_identity(relation: Relation, key: Sequence[str]) -> None:
    identity = {column.name for column in relation.columns if column.in_replica_identity}
    if relation.replica_identity == "i" and not identity.issuperset(key):
        table = f"{relation.namespace}.{relation.name}"
        raise UnusableIdentity(
            f"{table} has REPLICA IDENTITY USING INDEX without its primary key; "
            f"run ALTER TABLE {table} REPLICA IDENTITY FULL",
            field=relation.name,
        )


def _chunks(parts: Sequence[_Part], spans: Sequence[Span]) -> Iterator[Chunk]:
    for part in parts:
        yield from chunks(part.described, part.log, spans)
        yield from (truncate_chunk(part.described, truncated) for truncated in part.truncates)
