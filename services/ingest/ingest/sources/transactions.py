"""Replication messages gathered into transactions, and complete transactions into batches by table. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ingest.batch import Batch
from ingest.errors import UndecodableMessage
from ingest.pgoutput import Begin, Column, Commit, Delete, Insert, Message, Relation, Row, Truncate, Update
from ingest.position import PostgresPosition, postgres_row
from ingest.rows import Change, changes_chunk, complete
from ingest.tables import postgres_table


@dataclass
class _Segment:
    """Changes of one table under one description of its columns."""

    columns: tuple[Column, ...]
    changes: list[Change] = field(default_factory=list)


@dataclass
class _Waiting:
    source: str
    segments: list[_Segment] = field(default_factory=list)


class Transactions:
    """Takes messages one by one; `take` gives what complete transactions brought since the last `take`."""

    def __init__(self, primary_keys: Mapping[str, Sequence[str]]) -> None:
        """Take the primary key columns of each bronze table."""
        self._primary_keys = dict(primary_keys)
        self._relations: dict[int, Relation] = {}
        self._skip_before: dict[str, int] = {}
        self._begun: Begin | None = None
        self._changes: list[tuple[Relation, Change]] = []
        self._waiting: dict[str, _Waiting] = {}
        self.waiting_rows = 0
        self.end_lsn = 0

    @property
    def in_progress(self) -> bool:
        """Whether a transaction has begun and its commit has not come yet."""
        return self._begun is not None

    def skip_before(self, table: str, lsn: int) -> None:
        """The table already has every transaction whose commit record starts before this LSN."""
        self._skip_before[table] = lsn

    def adopt(self, relation: Relation) -> str:
        """Take changes of a relation that is not published any more; returns its bronze table."""
        self._primary_keys[_bronze(relation)] = ()
        return _bronze(relation)

    def knows(self, relation: Relation) -> bool:
        """Whether the relation's table was published when reading began, or adopted since."""
        return self.has(_bronze(relation))

    def has(self, table: str) -> bool:
        """Whether the bronze table is one of those that are followed."""
        return table in self._primary_keys

    def accept(self, message: Message) -> None:
        """Take the next message of the stream."""
        match message:
            case Begin():
                self._begun, self._changes = message, []
            case Commit():
                self._commit(message)
            case Relation():
                self._relations[message.oid] = message
            case Insert(oid, new):
                self._add(oid, "c", new)
            case Update():
                self._update(message)
            case Delete(oid, old):
                self._add(oid, "d", old)
            case Truncate(oids):
                for oid in oids:
                    self._add(oid, "t", (None,) * len(self._relation(oid).columns))
            case _:
                pass

    def take(self) -> list[Batch]:
        """Batches of the tables that changed; all of them end at the same transaction."""
        position = PostgresPosition(self.end_lsn)
        batches = [
            Batch(
                table,
                waiting.source,
                [changes_chunk(part.columns, part.changes, waiting.source) for part in waiting.segments],
                position,
            )
            for table, waiting in self._waiting.items()
        ]
        self._waiting, self.waiting_rows = {}, 0
        return batches

    def _update(self, update: Update) -> None:
        oid, old = update.oid, update.old
        relation = self._relation(oid)
        new = complete(update.new, old if update.old_is_whole else None)
        if old is not None and self._key(relation, old) != self._key(relation, new):
            # Another key is another row: the one that was there is gone.
            self._add(oid, "d", old)
            self._add(oid, "c", new)
        else:
            self._add(oid, "u", new)

    def _key(self, relation: Relation, row: Row) -> Row:
        names = self._primary_keys.get(_bronze(relation), ())
        return tuple(value for column, value in zip(relation.columns, row, strict=True) if column.name in names)

    def _add(self, oid: int, op: str, values: Row) -> None:
        if self._begun is None:
            raise UndecodableMessage("a change outside of a transaction")
        place = postgres_row(self._begun.final_lsn, len(self._changes))
        self._changes.append((self._relation(oid), Change(op, place, self._begun.committed_at, values)))

    def _relation(self, oid: int) -> Relation:
        try:
            return self._relations[oid]
        except KeyError:
            raise UndecodableMessage(f"a change of the relation {oid}, which was not described before") from None

    def _commit(self, commit: Commit) -> None:
        for relation, change in self._changes:
            if commit.commit_lsn >= self._skip_before.get(_bronze(relation), 0):
                self._keep(relation, change)
        self._begun, self._changes = None, []
        self.end_lsn = commit.end_lsn

    def _keep(self, relation: Relation, change: Change) -> None:
        source = f"postgres:{relation.namespace}.{relation.name}"
        segments = self._waiting.setdefault(_bronze(relation), _Waiting(source)).segments
        if not segments or segments[-1].columns != relation.columns:
            segments.append(_Segment(relation.columns))
        segments[-1].changes.append(change)
        self.waiting_rows += 1


def _bronze(relation: Relation) -> str:
    return postgres_table(relation.namespace, relation.name)
