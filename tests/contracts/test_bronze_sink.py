"""What every bronze sink promises, on the one in memory and on real Iceberg tables."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from ingest.batch import Batch, Chunk
from ingest.errors import WriterFenced
from ingest.iceberg_tables import IcebergTables
from ingest.position import KafkaPosition
from ingest.sink import COMMITTED, QUARANTINED, STAGED, BronzeSink, Fault, IcebergSink, InMemorySink, append
from ingest.tables import QUARANTINE
from ingest_builders import LETTERS, TABLE, a_batch, a_chunk, a_rejected, bronze
from pyiceberg.catalog import Catalog
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings

CLOCK = ManualClock(datetime(2024, 5, 17, tzinfo=UTC))


@dataclass
class Lake:
    """A sink's world: makes sinks over the same tables, and shows what is in them."""

    sink: Callable[[Fault], BronzeSink]
    rows: Callable[[], list[str]]
    quarantined: Callable[[], list[str]]


def in_memory(_: LakeSettings) -> Lake:
    store = InMemorySink(CLOCK)

    def sink(fault: Fault) -> BronzeSink:
        store.fault = fault
        return store

    return Lake(
        sink,
        lambda: [str(row["letter"]) for row in store.rows.get(TABLE, [])],
        lambda: [bad.position for bad in store.quarantined],
    )


def iceberg(settings: LakeSettings) -> Lake:
    catalog = open_catalog(settings)

    def quarantined() -> list[str]:
        if not catalog.table_exists("bronze.quarantine"):
            return []
        return [str(row["position"]) for row in bronze(settings, QUARANTINE)]

    return Lake(
        lambda fault: IcebergSink(IcebergTables(open_catalog(settings)), CLOCK, fault),
        lambda: [str(row["letter"]) for row in bronze(settings, TABLE)],
        quarantined,
    )


@pytest.fixture(params=[in_memory, iceberg])
def lake(request: pytest.FixtureRequest, lake_settings: LakeSettings) -> Lake:
    made: Lake = request.param(lake_settings)
    return made


def no_fault(_: str) -> None:
    pass


def test_a_new_table_has_no_position(lake: Lake) -> None:
    sink = lake.sink(no_fault)
    assert sink.position(TABLE) is None
    sink.ensure(TABLE, LETTERS)
    assert sink.position(TABLE) is None


def test_rows_and_position_come_together(lake: Lake) -> None:
    sink = lake.sink(no_fault)
    appended = append(sink, a_batch("ab", [a_rejected("7")]), expected=None, position="two")
    assert (appended.rows, appended.rejected) == (2, {"not_json": 1})
    assert sink.position(TABLE) == "two"
    assert (lake.rows(), lake.quarantined()) == (["a", "b"], ["7"])


def test_a_position_may_move_without_rows(lake: Lake) -> None:
    sink = lake.sink(no_fault)
    append(sink, a_batch(""), expected=None, position="zero")
    assert lake.sink(no_fault).position(TABLE) == "zero"
    assert lake.rows() == []


def test_a_writer_that_started_elsewhere_is_refused(lake: Lake) -> None:
    sink = lake.sink(no_fault)
    append(sink, a_batch("a"), expected=None, position="one")
    for stale in (None, "another"):
        with pytest.raises(WriterFenced, match=TABLE):
            append(sink, a_batch("b"), expected=stale, position="two")
    assert lake.rows() == ["a"]
    assert sink.position(TABLE) == "one"


def test_a_record_is_in_quarantine_once_however_often_it_comes(lake: Lake) -> None:
    sink = lake.sink(no_fault)
    append(sink, a_batch("", [a_rejected("1"), a_rejected("2")]), expected=None, position="one")
    again = [a_rejected("2"), a_rejected("3"), a_rejected("2", source="other")]
    assert append(sink, a_batch("", again), expected="one", position="two").rejected == {"not_json": 2}
    assert sorted(lake.quarantined()) == ["1", "2", "2", "3"]


def test_equal_rows_of_one_batch_stay_as_many_when_they_come_again(lake: Lake) -> None:
    sink = lake.sink(no_fault)
    twins = [a_rejected("snapshot/f00d"), a_rejected("1"), a_rejected("snapshot/f00d")]
    assert append(sink, a_batch("", twins), expected=None, position="one").rejected == {"not_json": 3}
    assert append(sink, a_batch("", twins[::-1]), expected="one", position="two").rejected == {}
    assert sorted(lake.quarantined()) == ["1", "snapshot/f00d", "snapshot/f00d/1"]


def test_copied_rows_of_an_impossible_type_are_in_quarantine_once(lake: Lake) -> None:
    sink = lake.sink(no_fault)
    append(sink, a_batch("a"), expected=None, position="one")
    for index, position in enumerate(("two", "three")):
        rows = a_chunk("b", first=index).rows.set_column(0, "letter", pa.array([[1, 2]]))
        rows = rows.set_column(1, "_op", pa.array(["r"]))
        batch = Batch(TABLE, "scripted", [Chunk(rows)], KafkaPosition())
        append(sink, batch, expected=sink.position(TABLE), position=position)
    (place,) = lake.quarantined()
    assert place.startswith("snapshot/")


@pytest.mark.parametrize(("moment", "landed"), [(STAGED, False), (QUARANTINED, False), (COMMITTED, True)])
def test_an_append_that_breaks_off_is_all_or_nothing(lake: Lake, moment: str, landed: bool) -> None:
    def stop(reached: str) -> None:
        if reached == moment:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        append(lake.sink(stop), a_batch("ab", [a_rejected("7")]), expected=None, position="two")
    sink = lake.sink(no_fault)
    assert (sink.position(TABLE) == "two", lake.rows() == ["a", "b"]) == (landed, landed)
    if not landed:
        append(sink, a_batch("ab", [a_rejected("7")]), expected=None, position="two")
    assert (lake.rows(), lake.quarantined()) == (["a", "b"], ["7"])


def test_new_columns_join_and_old_rows_have_none(lake: Lake) -> None:
    sink = lake.sink(no_fault)
    append(sink, a_batch("a"), expected=None, position="one")
    wider = a_chunk("b", first=1).rows.append_column("colour", pa.array(["red"]))
    append(sink, Batch(TABLE, "scripted", [Chunk(wider)], KafkaPosition()), expected="one", position="two")
    assert lake.rows() == ["a", "b"]


def test_a_column_of_an_impossible_type_sends_its_rows_to_quarantine(lake: Lake) -> None:
    sink = lake.sink(no_fault)
    append(sink, a_batch("a"), expected=None, position="one")
    broken = a_chunk("b", first=1).rows.set_column(0, "letter", pa.array([[1, 2]]))
    batch = Batch(TABLE, "scripted", [Chunk(broken)], KafkaPosition())
    appended = append(sink, batch, expected="one", position="two")
    assert (appended.rows, appended.rejected) == (0, {"incompatible_schema": 1})
    assert (lake.rows(), sink.position(TABLE)) == (["a"], "two")


class LosingCatalog:
    """A catalog whose next commits take effect or not, and whose answer is lost either way."""

    def __init__(self, catalog: Catalog, faults: list[str]) -> None:
        self._catalog = catalog
        self._faults = faults

    def __getattr__(self, name: str) -> object:
        return getattr(self._catalog, name)

    def commit_table(self, *arguments: object) -> object:
        fault = self._faults.pop(0) if self._faults else "none"
        if fault == "before":
            raise OSError("connection lost before the commit")
        answer = self._catalog.commit_table(*arguments)  # type: ignore[arg-type]
        if fault == "after":
            raise OSError("connection lost after the commit")
        return answer


@pytest.mark.parametrize("faults", [["before"], ["after"], ["before", "before", "after"]])
def test_a_commit_whose_answer_was_lost_is_not_repeated(lake_settings: LakeSettings, faults: list[str]) -> None:
    IcebergTables(open_catalog(lake_settings)).ensure(TABLE, LETTERS)
    catalog = LosingCatalog(open_catalog(lake_settings), faults)
    sink = IcebergSink(IcebergTables(catalog), CLOCK)  # type: ignore[arg-type]
    append(sink, a_batch("ab"), expected=None, position="two")
    assert [row["letter"] for row in bronze(lake_settings, TABLE)] == ["a", "b"]
    assert faults == []


def test_a_snapshot_of_maintenance_neither_hides_the_position_nor_fences(lake_settings: LakeSettings) -> None:
    catalog = open_catalog(lake_settings)
    sink = IcebergSink(IcebergTables(catalog), CLOCK)
    append(sink, a_batch("a"), expected=None, position="one")
    table = catalog.load_table(f"bronze.{TABLE}")
    table.append(table.scan().to_arrow().slice(0, 0))
    assert sink.position(TABLE) == "one"
    append(sink, a_batch("b"), expected="one", position="two")
    assert sorted(str(row["letter"]) for row in bronze(lake_settings, TABLE)) == ["a", "b"]


def test_the_position_outlives_its_snapshot(lake_settings: LakeSettings) -> None:
    catalog = open_catalog(lake_settings)
    sink = IcebergSink(IcebergTables(catalog), CLOCK)
    append(sink, a_batch("a"), expected=None, position="one")
    table = catalog.load_table(f"bronze.{TABLE}")
    first = table.current_snapshot()
    assert first is not None
    table.append(table.scan().to_arrow().slice(0, 0))
    table.maintenance.expire_snapshots().by_id(first.snapshot_id).commit()
    assert sink.position(TABLE) == "one"


def test_two_threads_that_make_one_table_both_have_it(lake_settings: LakeSettings) -> None:
    tables = IcebergTables(open_catalog(lake_settings))
    for number in range(5):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _, name=f"made_{number}": tables.ensure(name, LETTERS), range(4)))
        assert tables.position(f"made_{number}") is None
