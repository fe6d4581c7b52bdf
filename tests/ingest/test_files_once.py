"""Files into bronze: every file once, whatever is killed when, and 200 days of a shop's sales."""

import csv
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from file_builders import TABLE, CrashError, Shop, a_shop, crashing_at
from ingest import bootstrap, sink
from ingest.__main__ import main
from ingest.errors import PositionLost, WriterFenced
from ingest.iceberg_tables import IcebergTables
from ingest.load_files import Choice, FileLoad, Request
from ingest.loaded_files import IcebergFileLedger
from ingest.position import FilePosition, decode, encode
from ingest.settings import Settings
from ingest_builders import environment
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until

RETAIL = Path(__file__).resolve().parents[3] / "shared/data/online_retail"


@pytest.fixture
def shop(lake_settings: LakeSettings, tmp_path: Path) -> Shop:
    return a_shop(lake_settings, tmp_path / "deliveries")


def test_a_run_again_loads_what_is_new_and_nothing_twice(shop: Shop) -> None:
    shop.write("a.csv", "id\n1\nbroken,line\n")
    shop.write("only_a_header.csv", "id\n")
    shop.write("nothing.csv", "")
    first = shop.load()
    assert (first.loaded, first.rows, first.quarantined) == (3, 1, 3)
    commits = shop.snapshots()
    again = shop.load()
    assert (again.loaded, again.known, again.rows, again.quarantined) == (0, 3, 0, 0)
    assert shop.snapshots() == commits
    shop.write("b.csv", "id\n2\n")
    assert shop.load().loaded == 1
    assert shop.column("id") == ["1", "2"]


def test_a_changed_file_waits_for_a_decision(shop: Shop) -> None:
    shop.write("a.csv", "id\n1\n")
    shop.load()
    shop.write("a.csv", "id\n1\n2\n")
    shop.write("b.csv", "id\n9\n")
    outcome = shop.load()
    assert (outcome.loaded, outcome.refused) == (1, 1)
    assert any("a.csv is in with other content" in line and "--changed load" in line for line in shop.told)
    assert shop.load(Request(TABLE, changed=Choice.SKIP)).skipped == 1
    assert shop.load(Request(TABLE, changed=Choice.LOAD)).rows == 2
    assert Counter(shop.column("id")) == Counter({"1": 2, "2": 1, "9": 1})
    assert len(set(shop.column("_position"))) == 4
    assert shop.load().known == 2


def test_a_renamed_file_waits_for_a_decision(shop: Shop) -> None:
    shop.write("old.csv", "id\n1\n")
    shop.load()
    shop.write("new.csv", "id\n1\n")
    assert shop.load().refused == 1
    assert any("new.csv has the content of old.csv" in line for line in shop.told)
    assert shop.load(Request(TABLE, renamed=Choice.LOAD)).loaded == 1
    assert shop.column("_source_file") == ["new.csv", "old.csv"]


@pytest.mark.parametrize("point", [sink.STAGED, sink.QUARANTINED, sink.COMMITTED])
@pytest.mark.parametrize("files_before", [0, 2])
def test_a_crash_between_any_two_steps_loses_and_repeats_nothing(shop: Shop, point: str, files_before: int) -> None:
    for number in range(4):
        shop.write(f"{number}.csv", f"id\n{number}\n{number}\nbroken,{number}\n")
    shop.write("2.csv", "id\n")
    with pytest.raises(CrashError):
        shop.load(fault=crashing_at(point, files_before))
    shop.load()
    assert shop.column("id") == ["0", "0", "1", "1", "3", "3"]
    assert Counter(reason for reason, _, _ in shop.quarantined()) == Counter(
        {"wrong_number_of_fields": 3, "no_rows": 1}
    )


def test_a_second_load_fences_the_first(shop: Shop) -> None:
    for number in range(3):
        shop.write(f"{number}.csv", f"id\n{number}\n")

    def overtaken(point: str) -> None:
        if point == sink.QUARANTINED and not overtaken_by:
            overtaken_by.append(shop.load())

    overtaken_by: list[object] = []
    with pytest.raises(
        WriterFenced,
        match=r"position (none|[0-9a-f]{12}), this writer started from (none|[0-9a-f]{12}): another ingest writes",
    ):
        shop.load(fault=overtaken)
    assert shop.column("id") == ["0", "1", "2"]


def test_a_killed_process_goes_on_with_the_next_file(shop: Shop) -> None:
    names = [f"{number:03d}" for number in range(50)]
    for name in names:
        shop.write(f"{name}.csv", f"id\n{name}\n{name}\n")
    tables = IcebergTables(open_catalog(shop.lake))

    def committed(count: int) -> bool:
        text = tables.position(TABLE)
        position = decode(text) if text else None
        return isinstance(position, FilePosition) and position.files >= count

    with shop.process() as killed:
        wait_until(lambda: committed(3), deadline_seconds=60, what="three files")
        killed.kill()
    with shop.process() as second:
        _, told = second.communicate(timeout=60)
    assert second.returncode == 0, told
    assert Counter(shop.column("id")) == dict.fromkeys(names, 2)


def test_of_two_at_once_the_one_that_was_overtaken_ends_with_code_4(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        shop.write(f"{name}.csv", f"id\n{name}\n")
    shop.load()
    shop.write("c.csv", "id\nc\n")
    other = Shop(shop.lake, shop.folder / "other")
    other.write("z.csv", "id\nz\n")

    def overtaken(_: Settings, request: Request, tell: Callable[[str], None]) -> FileLoad:
        """A load that is overtaken when its file is written and not committed yet."""

        def overtake(point: str) -> None:
            if point == sink.STAGED:
                other.load()

        catalog = open_catalog(shop.lake)
        slow = sink.IcebergSink(IcebergTables(catalog), SystemClock(), overtake)
        return FileLoad(slow, IcebergFileLedger(catalog), request, tell)

    monkeypatch.setattr(bootstrap, "file_load", overtaken)
    for name, value in environment(shop.lake).items():
        monkeypatch.setenv(name, value)
    assert main(["files", "--glob", str(shop.folder / "*.csv"), "--table", TABLE]) == 4
    assert "another ingest writes the same tables" in capsys.readouterr().err
    assert sorted(map(str, shop.column("id"))) == ["a", "b", "z"]


def test_the_files_are_known_when_snapshots_are_gone_and_data_files_are_mixed(shop: Shop) -> None:
    for number in range(3):
        shop.write(f"{number}.csv", f"id\n{number}\n")
    shop.load()
    table = open_catalog(shop.lake).load_table(f"bronze.{TABLE}")
    table.overwrite(table.scan().to_arrow())
    table.maintenance.expire_snapshots().older_than(datetime.now(UTC)).commit()
    assert len(table.inspect.files()) == 1
    found = IcebergFileLedger(open_catalog(shop.lake)).loaded(TABLE, f"files:{TABLE}")
    assert set(found.by_name) == {"0.csv", "1.csv", "2.csv"}
    assert shop.load().known == 3


def test_rows_that_were_removed_do_not_come_back_by_themselves(shop: Shop) -> None:
    shop.write("a.csv", "id\n1\n")
    shop.write("b.csv", "id\n2\n")
    shop.load()
    open_catalog(shop.lake).load_table(f"bronze.{TABLE}").delete("_source_file = 'a.csv'")
    with pytest.raises(PositionLost, match="--reload-removed"):
        shop.load()
    shop.pattern = "b*.csv"
    assert shop.load(Request(TABLE, reload_removed=True)).known == 1


def test_a_position_stays_short_and_tells_every_sequence_apart() -> None:
    one = FilePosition().after("a.csv", "1").after("b.csv", "2")
    other = FilePosition().after("b.csv", "2").after("a.csv", "1")
    assert encode(one) != encode(other)
    assert decode(encode(one)) == one
    many = FilePosition()
    for number in range(1_000):
        many = many.after(f"{number}.csv", "f" * 64)
    assert len(encode(many)) < 200


@pytest.mark.skipif(not RETAIL.is_dir(), reason="the online retail files are not beside the repository")
def test_two_hundred_days_of_online_retail_are_loaded_as_they_came(lake_settings: LakeSettings) -> None:
    shop = Shop(lake_settings, RETAIL)
    outcome = shop.load()
    expected: Counter[tuple[str, ...]] = Counter()
    per_file: Counter[str] = Counter()
    for path in sorted(RETAIL.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as stream:
            columns, *days = csv.reader(stream)
            expected.update((path.name, *row) for row in days)
            per_file[path.name] = len(days)
    table = open_catalog(lake_settings).load_table(f"bronze.{TABLE}").scan().to_arrow()
    found = list(zip(*(table[name].to_pylist() for name in ("_source_file", *columns)), strict=True))
    assert (outcome.loaded, outcome.quarantined, len(per_file)) == (200, 0, 200)
    assert Counter(table["_source_file"].to_pylist()) == per_file
    assert Counter(found) == expected
    assert max(expected.values()) > 1
    assert shop.snapshots() == 200
    again = shop.load()
    assert (again.loaded, again.known, again.rows) == (0, 200, 0)
    assert shop.snapshots() == 200


def test_a_table_whose_column_had_its_old_name_is_loaded_into_as_before(shop: Shop) -> None:
    shop.write("a.csv", "id\n1\n")
    shop.load()
    with open_catalog(shop.lake).load_table(f"bronze.{TABLE}").update_schema() as update:
        update.rename_column("_source_file", "_file")
    shop.write("b.csv", "id\n2\n")
    outcome = shop.load()
    assert outcome.loaded == 1
    assert Counter(shop.column("_source_file")) == {"a.csv": 1, "b.csv": 1}
