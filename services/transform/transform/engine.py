"""One pass over all folds, judged frames and tables: rebuilds what changed inputs reach, writes what differs.

The same code makes a full run, in which everything is new, and an incremental one. Everything it writes goes to the
branch of the run, on top of the snapshots of the release it starts from; nobody sees it before it is published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from shopsphere_kit.errors import InvalidArgument

from transform import arrivals, bronze, gains
from transform.bronze_reading import bronze_rows
from transform.places import TOLD_MAX, located_by, values_of, where_they_lie
from transform.propagation import WAS, Change, compared, difference, reached, restricted, within
from transform.restatement import Restatement
from transform.spec import Difference, Fold, Input, Judged, Stored, Table, Update
from transform.statistics import Statistics, statistics, statistics_of
from transform.storage import Lake, check_schema
from transform.tables import JUDGED
from transform.tables.truncates import FOLD as TRUNCATES

# Of so many rows every task can hold the grain: some tens of bytes each.
_SENT_MAX = 200_000


@dataclass
class Engine:
    """The state of one run."""

    lake: Lake
    branch: str
    base: Mapping[str, int]
    """The snapshots to start from; none of them in a full run."""
    consumed: Mapping[str, int]
    """The snapshots of bronze that this run has read when it ends."""
    before: Mapping[str, int]
    """The snapshots of bronze that the base had read."""
    restatement: Restatement | None = None
    """A part to compute anew from bronze; nothing that came since is taken in."""
    made: dict[str, int] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    statistics: dict[str, Statistics] = field(default_factory=dict)
    arrived: dict[str, arrivals.Arrivals] = field(default_factory=dict)
    to_judge: dict[str, list[DataFrame]] = field(default_factory=dict)
    """What each judged frame was made of."""
    judged: dict[str, DataFrame] = field(default_factory=dict)
    restated: set[str] = field(default_factory=set)
    unaccounted: dict[str, int] = field(default_factory=dict)
    """By table, how many rows stand there more than the base, what was taken out and what was put in make."""
    _emptied_at: dict[str, str] = field(default_factory=dict)
    _emptied_now: set[str] = field(default_factory=set)
    _persisted: list[DataFrame] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether the run starts from nothing."""
        return not self.base

    def read(self, name: str) -> DataFrame:
        """A table as this run leaves it."""
        snapshot = self.made.get(name, self.base.get(name))
        if snapshot is None:
            raise ValueError(f"{name} is read before it is built")
        return self.lake.at_snapshot(name, snapshot)

    def read_base(self, name: str) -> DataFrame:
        """A table as this run found it."""
        return self.lake.at_snapshot(name, self.base[name])

    def put_in(self, name: str) -> DataFrame:
        """The rows that this run put into a table."""
        change = self.changes.get(name)
        return change.difference.after if change and change.difference else self.read(name)

    def inputs(self, judged: Judged, scopes: DataFrame) -> list[DataFrame]:
        """What there is to judge in some scopes."""
        return [self._input(given, judged.scope, scopes, self.read(given.name)) for given in judged.reads]

    def keep(self, frame: DataFrame) -> DataFrame:
        """The frame, computed at most once in this run."""
        if not self.is_full:
            # What is found in many files is not much of each: a task for every file costs more than what it does.
            frame = frame.coalesce(int(self.lake.spark.conf.get("spark.sql.shuffle.partitions") or 1))
        self._persisted.append(frame.persist())
        return frame

    def release_memory(self) -> None:
        """Forget what was kept."""
        while self._persisted:
            self._persisted.pop().unpersist()

    # Bronze

    def arrivals(self, name: str) -> DataFrame:
        """The rows of a bronze table that the base has not read, with the columns that transform knows."""
        if not self.has_arrivals(name):
            return self.lake.spark.createDataFrame([], bronze.SCHEMAS[name])
        return self._bronze(name, None if self.is_full else self.before.get(name))

    def _bronze(self, name: str, after: int | None) -> DataFrame:
        return bronze_rows(self.lake, name, after, self.consumed.get(name))

    def has_arrivals(self, name: str) -> bool:
        """Whether bronze gained anything in this table."""
        return name in self.consumed and (self.is_full or self.consumed[name] != self.before.get(name))

    # Folds

    def advance_fold(self, fold: Fold) -> None:
        """Fold what arrived into what is kept."""
        emptied_at, emptied_now = self._emptied(fold)
        if self.restatement is not None:
            self._restate_fold(self.restatement, fold, emptied_at)
        elif self.is_full or emptied_now or any(self.has_arrivals(name) for name in fold.reads):
            self._fold(fold, emptied_at, emptied_now)
        if fold is TRUNCATES:
            self._note_truncates()

    def _fold(self, fold: Fold, emptied_at: str | None, emptied_now: bool) -> None:
        sources = [self.arrivals(name) for name in fold.reads]
        is_counted = fold.count_arrivals is not None
        arrived = fold.arrive(*sources)
        rows = arrived = self.keep(arrived) if is_counted or not self.is_full else arrived
        if not self.is_full:
            stored = self.read_base(fold.name)
            kept = stored if emptied_now else self.of_scopes(stored, fold, arrived.select(*fold.scope))
            if kept is not None:
                kept = self.keep(kept) if is_counted else kept
                rows = arrived.unionByName(kept, allowMissingColumns=True)
        standing = fold.standing(rows, emptied_at)
        if self.is_full:
            self._replace(fold, fold.fold(standing))
        elif kept is not None:
            self._write_difference(fold, kept, fold.fold(standing))
        if fold.count_arrivals is not None:
            self.arrived[fold.name] = arrivals.counted(fold, fold.count_arrivals(*sources), rows, standing)

    def _restate_fold(self, restatement: Restatement, fold: Fold, emptied_at: str | None) -> None:
        sources = [self._bronze(name, None) for name in fold.reads]
        arrived = fold.arrive(*sources)
        found = restatement.scopes(fold, sources, arrived)
        scopes = self._local(found) if found is not None else None
        if scopes is None or scopes.isEmpty():
            if fold.name in restatement.keys:
                raise InvalidArgument(f"bronze has none of the keys of {fold.name} to restate", field="keys")
            return
        self.restated.add(fold.name)
        # All of bronze is read, for what else was ever said of a key cannot be told from what is kept of it.
        again = restricted(arrived, fold.scope, scopes, fold.scope)
        stored = restricted(self.read_base(fold.name), fold.scope, scopes, fold.scope)
        standing = fold.standing(again, emptied_at)
        self._write_difference(fold, stored, fold.fold(standing))
        if fold.count_arrivals is not None:
            self.arrived[fold.name] = arrivals.counted_again(fold, stored, standing)

    def _emptied(self, fold: Fold) -> tuple[str | None, bool]:
        """Where the source of the fold was last emptied, and whether this run is the first to know."""
        source = fold.emptied_with or ""
        return self._emptied_at.get(source), source in self._emptied_now

    def _note_truncates(self) -> None:
        self._emptied_at = {row["source_table"]: row["position"] for row in self.read(TRUNCATES.name).collect()}
        if (news := self.changes.get(TRUNCATES.name)) is not None:
            self._emptied_now = {row["source_table"] for row in news.rows.collect()}

    # Judged frames and tables

    def advance_judged(self, judged: Judged) -> None:
        """Judge anew what changed."""
        if self.is_full:
            frame = judged.build(*(self.read(given.name) for given in judged.reads))
            self.judged[judged.name] = frame if judged.fold and judged.row_per_input else self.keep(frame)
            return
        scopes = reached(judged, self.changes, self.read)
        if scopes is not None:
            keys = self._local(scopes)
            self.changes[judged.name] = Change(keys=keys)
            self.to_judge[judged.name] = [self.keep(frame) for frame in self.inputs(judged, keys)]
            self.judged[judged.name] = self.keep(judged.build(*self.to_judge[judged.name]))

    def judge(self, judged: Judged, scopes: DataFrame) -> DataFrame:
        """The rows of some scopes with their verdicts."""
        return judged.build(*self.inputs(judged, scopes))

    def advance_table(self, table: Table) -> None:
        """Rebuild the scopes that changes reach."""
        if self.is_full:
            frames = [self.judged.get(given.name) or self.read(given.name) for given in table.reads]
            self._replace(table, table.build(*frames))
        elif table.update is not None:
            self._update(table, table.update)
        else:
            self._rebuild(table)

    def _update(self, table: Table, update: Update) -> None:
        changed = {
            given.name: self.changes[given.name].difference for given in table.reads if given.name in self.changes
        }
        known = {name: difference for name, difference in changed.items() if difference is not None}
        if known:
            done = update(self.read_base, known)
            self._write_difference(table, done.before, done.after)

    def _rebuild(self, table: Table) -> None:
        scopes = reached(table, self.changes, self.read) if table.scope else None
        if scopes is None and (table.scope or not any(given.name in self.changes for given in table.reads)):
            return
        scopes = self._local(scopes) if scopes is not None else None
        inputs = {given: self._frame(table, given, scopes) for given in table.reads}
        new = table.build(*inputs.values())
        stored = self.read_base(table.name)
        if scopes is None:
            self._write_difference(table, stored, new)
            return
        # Rows of a scope that did not change may lie elsewhere than those that did.
        places = [frame for given, frame in inputs.items() if table.located and given.keys]
        old = self.of_scopes(stored, table, scopes, *places)
        if old is not None:
            self._write_difference(table, old, restricted(new, table.scope, scopes, table.scope))

    def _frame(self, table: Table, given: Input, scopes: DataFrame | None) -> DataFrame:
        judged = next((each for each in JUDGED if each.name == given.name), None)
        if judged is None:
            rows = self.read(given.name)
            if scopes is None or given.keys is None:
                return rows
            # Kept, since a table may look at its input more than once, and finding it may mean to read all of it.
            return self.keep(self._input(given, table.scope, scopes, rows))
        if scopes is None:
            return judged.build(*(self.read(inner.name) for inner in judged.reads))
        others = [other for other in table.reads if other.name in self.changes and other is not given]
        if given.keys != judged.scope or (judged.name in self.judged and not others):
            # What was judged anew is all that the reader looks at.
            return self.judged.get(judged.name) or judged.build(*(self.read(i.name).limit(0) for i in judged.reads))
        own = [F.col(name).alias(inner) for name, inner in zip(table.scope, judged.scope, strict=True)]
        return self.judge(judged, scopes.select(*own))

    def _input(self, given: Input, scope: Sequence[str], scopes: DataFrame, rows: DataFrame) -> DataFrame:
        if given.keys is None:
            return rows
        if given.pruned is not None:
            column, of_scope = given.pruned
            values = values_of(scopes.select(F.expr(of_scope).alias("value")))
            rows = rows.where(within(column, values)) if values is not None else rows
        return restricted(rows, given.keys, scopes, scope)

    # Writing

    def _local(self, scopes: DataFrame) -> DataFrame:
        """The scopes as plain rows, so that plans do not carry how they were found; many are kept in Spark."""
        found = self.keep(scopes)
        rows = found.limit(TOLD_MAX + 1).toArrow()
        return self.lake.spark.createDataFrame(rows) if rows.num_rows <= TOLD_MAX else found

    def of_scopes(self, stored: DataFrame, table: Stored, scopes: DataFrame, *more: DataFrame) -> DataFrame | None:
        """The stored rows of some scopes, which lie where these or `more` tell; None when there are no scopes."""
        located = located_by(table)
        values = values_of(reduce(DataFrame.union, (at.select(located) for at in (scopes, *more)))) if located else None
        if values is not None:
            if not values:
                return None
            stored = stored.where(within(f"`{located}`", values))
        return restricted(stored, table.scope, scopes, table.scope)

    def _replace(self, table: Stored, rows: DataFrame) -> None:
        self.lake.prepare(table, self.branch, None)
        self.made[table.name] = self.lake.replace(table, self.branch, rows.select(*table.schema.names))
        self.statistics[table.name] = statistics_of(table, self.read(table.name))

    def _write_difference(self, table: Stored, old: DataFrame, new: DataFrame) -> None:
        check_schema(new.schema, table)
        # Cut off from how it was found: Spark resolves the tables behind a view anew, and forgets their snapshots.
        changed = compared(old.select(*table.schema.names), new, table.grain).localCheckpoint()
        found = statistics(table, changed)
        if self.restatement is not None:
            # Whoever reads it is computed anew as well, whether or not this table differs.
            self.changes[table.name] = Change(Difference(old, new.select(*old.columns)))
        if not found.changes:
            return
        self.statistics[table.name] = found
        self.lake.prepare(table, self.branch, self.base[table.name])
        if found.taken_out:
            self._take_out(table, changed.where(F.col(WAS).isNotNull()), found.taken_out)
        if found.put_in:
            self.made[table.name] = self.lake.append(table, self.branch, difference(changed).after)
        written = self.lake.catalog.load_table(table.name)
        stood, stands = (gains.rows_at(written, of[table.name]) for of in (self.base, self.made))
        self.unaccounted[table.name] = stands - stood - found.rows
        self.changes.setdefault(table.name, Change(difference(changed)))

    def _take_out(self, table: Stored, stood: DataFrame, count: int) -> None:
        grains = stood.select(*table.grain)
        # Sent to the rows of the files that have them; otherwise all of these have to be sorted to meet them.
        grains = F.broadcast(grains) if count <= _SENT_MAX else grains
        self.made[table.name] = self.lake.take_out(table, self.branch, grains, where_they_lie(table, stood))
