"""The initial copy of PostgreSQL's tables: killed and gone on with, beside a stream, in the order of any key."""

from collections import Counter
from collections.abc import Callable
from threading import Event

import pytest
from ingest import bootstrap
from ingest.errors import SourceUnavailable
from ingest.position import PostgresPosition, decode
from ingest.pump import Pump
from ingest.settings import Settings
from ingest.sources import copy_thread, postgres_copy
from ingest_builders import bronze, bronze_tables, drain, execute, folded, query
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until

pytestmark = pytest.mark.servers
ROWS = 3_000


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_thread, "BLOCK_BYTES", 2_000)
    monkeypatch.setattr(postgres_copy, "PART_BYTES", 8_000)


def a_pump(settings: Settings) -> Pump:
    return bootstrap.pumps(settings, Event())[0]


def recorded(lake: LakeSettings, table: str) -> PostgresPosition | None:
    text = bronze_tables(lake).position(f"bronze_postgres__{table}")
    if text is None:
        return None
    position = decode(text)
    assert isinstance(position, PostgresPosition)
    return position


def copy_some(pump: Pump, lake: LakeSettings, table: str) -> None:
    """Copy some parts of the table and break off, as a kill does."""
    before = recorded(lake, table)
    pump.open()
    wait_until(
        lambda: bool(pump.step() and (at := recorded(lake, table)) and at.copying and at != before),
        deadline_seconds=30,
        what="a part",
    )
    pump._source.close()


def number_key(number: int) -> str:
    return str(number)


def text_key(number: int) -> str:
    # Collations of languages put these in another order than their bytes do.
    return ("B", "a", "é", "Z", "_")[number % 5] + f"{number:05d}"


def uuid_key(number: int) -> str:
    return f"{number * 7919 % 65536:08x}-0000-4000-8000-{number:012x}"


KEYS = pytest.mark.parametrize(
    ("kind", "key"), [("bigint", number_key), ('text collate "C"', text_key), ("text", text_key), ("uuid", uuid_key)]
)


@KEYS
def test_a_killed_copy_goes_on_after_its_last_key_without_gap_or_overlap(
    dsn: str, settings: Settings, lake_settings: LakeSettings, kind: str, key: Callable[[int], str]
) -> None:
    execute(dsn, f"create table things (id {kind} primary key, name text)", "drop table people")
    execute(dsn, *(f"insert into things values ('{key(number)}', 'first')" for number in range(1)))  # noqa: S608
    values = ", ".join(f"('{key(number)}', 'first')" for number in range(1, ROWS))
    execute(dsn, f"insert into things values {values}", "alter table things replica identity full")  # noqa: S608
    for wave in range(2):
        copy_some(a_pump(settings), lake_settings, "things")
        # Whatever part of the table is copied by now, some of these rows are in it and some are not.
        execute(
            dsn,
            *(f"update things set name = 'wave {wave}' where id = '{key(n)}'" for n in range(wave, ROWS, 211)),  # noqa: S608
            *(f"delete from things where id = '{key(n)}'" for n in range(50 + wave, ROWS, 307)),  # noqa: S608
            f"update things set id = '{key(ROWS + wave)}' where id = '{key(100 + wave)}'",  # noqa: S608
            f"insert into things values ('{key(ROWS + 10 + wave)}', 'new')",  # noqa: S608
        )
    pump = a_pump(settings)
    pump.open()
    drain(pump)
    execute(dsn, "update things set name = 'last'", "delete from things where name is null")
    drain(pump)
    pump._source.close()
    rows = bronze(lake_settings, "bronze_postgres__things")
    assert folded(rows, "id") == {row[0]: row[1] for row in query(dsn, "select id, name from things")}
    assert len({row["_position"] for row in rows}) == len(rows)
    # Each row was copied once, and nothing that a copied row shows already was streamed on top of it.
    assert max(Counter(row["id"] for row in rows if row["_op"] == "r").values()) == 1
    steps = Counter((row["id"], row["name"]) for row in rows if row["_op"] in ("r", "c", "u"))
    assert max(steps.values()) == 1
    spans = {str(row["_position"]).split("/")[0] for row in rows if row["_op"] == "r"}
    assert len(spans) == 3


def test_a_finished_copy_leaves_a_plain_position_once_the_stream_has_passed_it(
    dsn: str, settings: Settings, lake_settings: LakeSettings
) -> None:
    execute(dsn, f"insert into people (id) select n from generate_series(1, {ROWS}) n")  # noqa: S608
    copy_some(a_pump(settings), lake_settings, "people")
    pump = a_pump(settings)
    pump.open()
    drain(pump)
    copied = recorded(lake_settings, "people")
    assert copied is not None
    assert (len(copied.spans), copied.copying) == (2, False)
    execute(dsn, "insert into people (id) values (0)")
    drain(pump)
    pump._source.close()
    assert recorded(lake_settings, "people") == PostgresPosition(recorded(lake_settings, "people").lsn)  # type: ignore[union-attr]


def test_a_table_without_a_key_that_can_be_ordered_is_all_or_nothing(
    dsn: str, settings: Settings, lake_settings: LakeSettings
) -> None:
    execute(
        dsn,
        "create table notes (name text)",
        f"insert into notes select 'n' || n % 7 from generate_series(1, {ROWS}) n",  # noqa: S608
        "alter table notes replica identity full",
    )
    broken = a_pump(settings)
    broken.open()
    for _ in range(3):
        broken.step()
    broken._source.close()
    pump = a_pump(settings)
    pump.open()
    drain(pump)
    execute(dsn, "insert into notes values ('later')")
    drain(pump)
    pump._source.close()
    names = Counter(row["name"] for row in bronze(lake_settings, "bronze_postgres__notes"))
    assert names == Counter(row[0] for row in query(dsn, "select name from notes"))


def test_changes_of_other_tables_come_while_a_new_table_is_copied(
    dsn: str, settings: Settings, lake_settings: LakeSettings
) -> None:
    rows = 1_000
    pump = a_pump(settings)
    pump.open()
    drain(pump)
    pump._source.close()
    execute(
        dsn,
        "create table large (id bigint primary key, name text)",
        f"insert into large select n, repeat('x', 200) from generate_series(1, {rows}) n",  # noqa: S608
        "insert into people (id) values (1)",
    )
    pump.open()
    wait_until(
        lambda: bool(pump.step() and bronze(lake_settings, "bronze_postgres__people")), deadline_seconds=30, what="Ada"
    )
    copies = pump._source._copies  # type: ignore[attr-defined]
    assert copies.active
    execute(dsn, f"update large set name = 'changed' where id in (1, {rows})")  # noqa: S608
    drain(pump)
    pump._source.close()
    copied = bronze(lake_settings, "bronze_postgres__large")
    assert Counter(row["_op"] for row in copied) == {"r": rows, "u": 2}
    assert folded(copied, "id")[rows] == "changed"


def test_copies_whose_server_went_away_are_begun_anew_and_nothing_of_them_comes_later(
    dsn: str, settings: Settings, lake_settings: LakeSettings
) -> None:
    execute(
        dsn,
        "create table other (id bigint primary key, name text)",
        f"insert into other select n, repeat('x', 90) from generate_series(1, {ROWS}) n",  # noqa: S608
        f"insert into people (id, name) select n, repeat('x', 90) from generate_series(1, {ROWS}) n",  # noqa: S608
    )
    pump = a_pump(settings)
    pump.open()
    wait_until(lambda: bool(pump.step()), deadline_seconds=30, what="a part")
    execute(
        dsn,
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname is not null",
    )
    with pytest.raises(SourceUnavailable):
        drain(pump)
    pump._source.close()
    copies = pump._source._copies  # type: ignore[attr-defined]
    assert (copies.active, copies.ended) == (False, False)
    execute(dsn, "delete from people where id % 7 = 0", "delete from other where id % 5 = 0")
    pump.open()
    drain(pump)
    pump._source.close()
    for table in ("people", "other"):
        rows = bronze(lake_settings, f"bronze_postgres__{table}")
        assert folded(rows, "id") == dict(query(dsn, f"select id, name from {table}"))  # noqa: S608
        assert max(Counter(row["id"] for row in rows if row["_op"] == "r").values()) == 1


def test_the_last_row_of_a_part_may_be_as_long_as_it_likes(
    dsn: str, settings: Settings, lake_settings: LakeSettings
) -> None:
    execute(dsn, "insert into people (id, note) select n, repeat('y', 200000) from generate_series(1, 3) n")
    pump = a_pump(settings)
    pump.open()
    drain(pump)
    pump._source.close()
    assert [len(str(row["note"])) for row in bronze(lake_settings, "bronze_postgres__people")] == [200_000] * 3


def test_equal_rejected_rows_of_a_table_without_a_key_are_all_in_quarantine(
    dsn: str, settings: Settings, lake_settings: LakeSettings
) -> None:
    execute(
        dsn,
        "create table notes (size numeric(6,2), name text)",
        "insert into notes select 'NaN', repeat('z', 100) from generate_series(1, 200)",
    )
    for _ in range(2):
        pump = a_pump(settings)
        pump.open()
        drain(pump)
        pump._source.close()
    assert len(bronze(lake_settings, "quarantine")) == 200
