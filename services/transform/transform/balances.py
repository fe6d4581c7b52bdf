"""What a run has to count so that nothing is lost or doubled: what it judged, beside what the base has of the same."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transform.checks import QUARANTINE, is_tallied
from transform.engine import Engine
from transform.propagation import restricted
from transform.spec import Input, Judged, Stored
from transform.tables import FOLDS, JUDGED, TABLES


def all_judged(engine: Engine) -> dict[str, tuple[DataFrame, DataFrame]]:
    """Every judged frame of a full run, with the count of its input."""
    return {
        each.name: (engine.judged[each.name], each.count_input(*(engine.read(given.name) for given in each.reads)))
        for each in JUDGED
        if is_tallied(each)
    }


def judged_again(engine: Engine) -> dict[str, tuple[DataFrame, DataFrame]]:
    """What the run judged anew, each with the count of its input."""
    return {
        each.name: (engine.judged[each.name], each.count_input(*engine.to_judge[each.name]))
        for each, _ in _again(engine)
    }


def judged_before(engine: Engine) -> dict[str, tuple[DataFrame, DataFrame | None, DataFrame]]:
    """Of the same scopes what the base has: the count of its input, its rows of the table, its quarantined rows.

    They are counted where they lie, not judged again. Rows of a table that stand for several things are not told.
    """
    return {
        each.name: (
            each.count_input(*_inputs_before(engine, each, keys)),
            _base_rows(engine, each.table, each.scope, keys) if each.row_per_input else None,
            _base_rows(engine, QUARANTINE, (f"'{each.table}'", each.key), keys),
        )
        for each, keys in _again(engine)
    }


def _inputs_before(engine: Engine, judged: Judged, keys: DataFrame) -> list[DataFrame]:
    """What there was to judge: what there is now, with what the run did to it undone."""
    return [
        _undone(engine, given, now, judged, keys)
        for given, now in zip(judged.reads, engine.to_judge[judged.name], strict=True)
    ]


def _undone(engine: Engine, given: Input, now: DataFrame, judged: Judged, keys: DataFrame) -> DataFrame:
    change = engine.changes.get(given.name)
    if change is None or change.difference is None or given.keys is None:
        return now
    grain = [*_stored(given.name).grain]
    before = restricted(change.difference.before, given.keys, keys, judged.scope)
    return now.join(change.difference.after, grain, "left_anti").unionByName(before)


def _again(engine: Engine) -> list[tuple[Judged, DataFrame]]:
    keys = {name: change.keys for name, change in engine.changes.items() if change.keys is not None}
    return [(each, keys[each.name]) for each in JUDGED if is_tallied(each) and each.name in keys]


def _base_rows(engine: Engine, name: str, of_scope: Sequence[str], scopes: DataFrame) -> DataFrame:
    table, stored = _stored(name), engine.read_base(name)
    named = [F.expr(key).alias(column) for key, column in zip(of_scope, table.scope, strict=True)]
    rows = engine.of_scopes(stored, table, scopes.select(*named))
    return stored.limit(0) if rows is None else rows


def _stored(name: str) -> Stored:
    return next(stored for stored in (*FOLDS, *TABLES) if stored.name == name)
