"""Ranges of the sources' tables, copied beside a running stream, once per condition."""

import json
import uuid
from collections.abc import Iterator
from contextlib import suppress
from threading import Event
from typing import Any

import pytest
from ingest import bootstrap
from ingest.__main__ import EXIT_FAILED, EXIT_USAGE, main
from ingest.backfill import READ
from ingest.pump import Pump
from ingest.settings import Settings
from ingest_builders import a_database, bronze, drop_database, environment, execute
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.collection import Collection
from shopsphere_kit.errors import FailedPrecondition, InvalidArgument
from shopsphere_kit.settings import LakeSettings

pytestmark = pytest.mark.servers
PEOPLE, ORDERS = "bronze_postgres__people", "bronze_mongo__marketplace_orders"


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    address = a_database(postgres_dsn)
    execute(
        address,
        "create table people (id bigint primary key, name text, balance numeric(12,2))",
        "alter table people replica identity full",
        "insert into people select n, 'first', n from generate_series(1, 10) n",
    )
    yield address
    drop_database(postgres_dsn, address)


@pytest.fixture
def pump(settings: Settings) -> Iterator[Pump]:
    made = bootstrap.pumps(settings, Event())[0]
    made.open()
    drain(made)
    yield made
    made._source.close()


def drain(pump: Pump) -> None:
    while pump.step():
        pass


def folded(rows: list[dict[str, object]], key: str, *columns: str) -> dict[object, tuple[object, ...]]:
    """The table as the log's last word on each key."""
    state: dict[object, tuple[object, ...]] = {}
    for row in rows:
        state[row[key]] = tuple(row[column] for column in columns)
        if row["_op"] == "d":
            del state[row[key]]
    return state


def test_a_range_comes_once_and_the_fold_stays_the_source(settings: Settings, dsn: str, pump: Pump) -> None:
    execute(dsn, "update people set name = 'before' where id = 2", "delete from people where id = 3")
    backfill = bootstrap.backfill(settings)
    copied = backfill.run(PEOPLE, "id <= 4 -- the first ones")
    assert (copied.note["rows"], copied.done_before) == (3, False)
    execute(dsn, "update people set name = 'after' where id = 4", "delete from people where id = 1")
    drain(pump)  # the stream was behind the range all the time, and is not fenced
    rows = bronze(settings.lake, PEOPLE)
    assert len({row["_position"] for row in rows}) == len(rows) == 10 + 2 + 3 + 2
    expected = dict.fromkeys(range(5, 11), ("first",)) | {2: ("before",), 4: ("after",)}
    assert folded(rows, "id", "name") == expected
    again = backfill.run(PEOPLE, "id <= 4 -- the first ones")
    assert (again.done_before, again.note) == (True, copied.note)
    assert len(bronze(settings.lake, PEOPLE)) == len(rows)


def test_again_takes_the_range_at_a_later_place(settings: Settings, pump: Pump) -> None:
    backfill = bootstrap.backfill(settings)
    first = backfill.run(PEOPLE, "id = 1")
    second = backfill.run(PEOPLE, "id = 1", again=True)
    assert (second.done_before, second.note["rows"]) == (False, 1)
    assert second.note["first"] > first.note["last"]
    rows = bronze(settings.lake, PEOPLE)
    assert [row["id"] for row in rows].count(1) == 3
    assert backfill.run(PEOPLE, "id = 1").note == second.note


def test_a_condition_that_no_row_meets_yet_is_not_done(settings: Settings, dsn: str, pump: Pump) -> None:
    backfill = bootstrap.backfill(settings)
    assert backfill.run(PEOPLE, "id = 99").note["rows"] == 0
    execute(dsn, "insert into people (id, name) values (99, 'late')")
    copied = backfill.run(PEOPLE, "id = 99")
    assert (copied.note["rows"], copied.done_before) == (1, False)


class KilledError(BaseException):
    """The process is killed here."""


def kill(moment: str) -> None:
    if moment == READ:
        raise KilledError


def test_a_copy_that_was_killed_leaves_no_part_behind(settings: Settings, pump: Pump) -> None:
    with suppress(KilledError):
        bootstrap.backfill(settings, kill).run(PEOPLE, "id > 0")
    assert len(bronze(settings.lake, PEOPLE)) == 10
    assert bootstrap.backfill(settings).run(PEOPLE, "id > 0").note["rows"] == 10
    assert len(bronze(settings.lake, PEOPLE)) == 20


def test_two_of_the_same_at_once_add_one(settings: Settings, pump: Pump) -> None:
    def overtaken(moment: str) -> None:
        if moment == READ:
            bootstrap.backfill(settings).run(PEOPLE, "id > 5")

    with pytest.raises(FailedPrecondition, match="another copy came in"):
        bootstrap.backfill(settings, overtaken).run(PEOPLE, "id > 5")
    assert len(bronze(settings.lake, PEOPLE)) == 15


def test_rows_that_do_not_fit_are_quarantined_once(settings: Settings, dsn: str, pump: Pump) -> None:
    execute(dsn, "insert into people values (11, 'unfit', 'NaN')")
    backfill = bootstrap.backfill(settings)
    note = backfill.run(PEOPLE, "id > 9").note
    assert (note["rows"], note["quarantined"]) == (1, 1)
    assert backfill.run(PEOPLE, "id > 10").note["quarantined"] == 0


@pytest.mark.parametrize(
    ("table", "where", "message"),
    [
        (PEOPLE, "age > 3", 'column "age" does not exist; write an SQL condition over the columns id, name, balance'),
        (PEOPLE, "id >", "syntax error"),
        (PEOPLE, "id = 'one'::int", "invalid input syntax"),
        (PEOPLE, " ", "--where: empty"),
        ("bronze_postgres__nobody", "true", "it has bronze_postgres__people"),
        ("bronze_kafka__events", "true", "nothing to backfill"),
        ("people", "true", "INGEST_SOURCES has bronze_postgres__…"),
    ],
)
def test_a_wrong_argument_is_named_with_its_remedy(
    settings: Settings, pump: Pump, table: str, where: str, message: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        bootstrap.backfill(settings).run(table, where)
    assert message in refused.value.detail


def test_the_condition_cannot_write(settings: Settings, dsn: str, pump: Pump) -> None:
    execute(
        dsn,
        "create function hit() returns bool language sql volatile as 'delete from people returning true'",
    )
    with pytest.raises(Exception, match="read-only"):
        bootstrap.backfill(settings).run(PEOPLE, "hit()")
    assert bootstrap.backfill(settings).run(PEOPLE, "true").note["rows"] == 10


def test_a_table_that_is_not_copied_yet_is_refused(settings: Settings, dsn: str) -> None:
    execute(dsn, "create publication shopsphere for all tables")
    with pytest.raises(FailedPrecondition, match="is not copied yet"):
        bootstrap.backfill(settings).run(PEOPLE, "true")


def test_the_command_line_prints_what_it_did(
    settings: Settings,
    dsn: str,
    pump: Pump,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    variables = environment(
        settings.lake,
        INGEST_SOURCES='["postgres"]',
        INGEST_POSTGRES_DSN=dsn,
        INGEST_POSTGRES_SLOT=settings.postgres_slot,
    )
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["copy", PEOPLE, "--where", "id < 3"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["table"], printed["done_before"], printed["rows"]) == (PEOPLE, False, 2)
    assert main(["copy", PEOPLE, "--where", "id < 3"]) == 0
    assert json.loads(capsys.readouterr().out)["done_before"] is True
    assert main(["copy", PEOPLE, "--where", "age < 3"]) == EXIT_USAGE
    assert "--where" in capsys.readouterr().err
    monkeypatch.setenv("INGEST_POSTGRES_DSN", "postgresql://127.0.0.1:1/away")
    assert main(["copy", PEOPLE, "--where", "id < 4"]) == EXIT_FAILED


@pytest.fixture
def mongo(mongo_uri: str, lake_settings: LakeSettings) -> Settings:
    return Settings(
        sources=["mongo"],
        mongo_uri=SecretStr(mongo_uri),
        mongo_database=f"t{uuid.uuid4().hex[:12]}",
        lake=lake_settings,
        batch_seconds=0.3,
    )


@pytest.fixture
def orders(mongo: Settings, mongo_uri: str) -> Iterator[Collection[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client[mongo.mongo_database]["marketplace_orders"]
        client.drop_database(mongo.mongo_database)


def test_documents_of_a_filter_come_once(mongo: Settings, orders: Collection[dict[str, Any]]) -> None:
    orders.insert_many([{"_id": number, "status": "paid" if number % 2 else "open"} for number in range(6)])
    pump = bootstrap.pumps(mongo, Event())[0]
    pump.open()
    drain(pump)
    orders.update_one({"_id": 1}, {"$set": {"status": "paid", "note": "before"}})
    backfill = bootstrap.backfill(mongo)
    assert backfill.run(ORDERS, '{"status": "paid"}').note["rows"] == 3
    assert backfill.run(ORDERS, '{"status": "paid"}').done_before
    # At the same cluster time, for nothing changed since.
    assert backfill.run(ORDERS, '{"_id": {"$numberInt": "1"}}').note["rows"] == 1
    orders.update_one({"_id": 3}, {"$set": {"status": "open"}})
    orders.delete_one({"_id": 5})
    drain(pump)
    pump._source.close()
    rows = bronze(mongo.lake, ORDERS)
    assert len({row["_position"] for row in rows}) == len(rows)
    state = {key: json.loads(str(document))["status"] for key, (document,) in folded(rows, "_id", "document").items()}
    assert {json.loads(str(key))["$numberInt"]: status for key, status in state.items()} == {
        "0": "open", "1": "paid", "2": "open", "3": "open", "4": "open",
    }  # fmt: skip
    assert "before" in str(folded(rows, "_id", "document")['{"$numberInt": "1"}'])


@pytest.mark.parametrize(
    ("table", "where", "message"),
    [
        (ORDERS, "status = 'paid'", 'write a filter in extended JSON, such as \'{"status": "paid"}\''),
        (ORDERS, "[1]", "not an object"),
        (ORDERS, '{"$nonsense": 1}', "$nonsense"),
        ("bronze_mongo__nobody", "{}", "INGEST_MONGO_COLLECTIONS"),
    ],
)
def test_a_wrong_filter_is_named_with_its_remedy(
    mongo: Settings, orders: Collection[dict[str, Any]], table: str, where: str, message: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        bootstrap.backfill(mongo).run(table, where)
    assert message in refused.value.detail


def test_a_condition_cannot_end_the_read_only_transaction(settings: Settings, dsn: str, pump: Pump) -> None:
    execute(dsn, "create table spared (id bigint)")
    with pytest.raises(InvalidArgument, match="no semicolon"):
        bootstrap.backfill(settings).run(PEOPLE, "true); commit; drop table spared; select 1 where (true")
    execute(dsn, "insert into spared values (1)")
    assert len(bronze(settings.lake, PEOPLE)) == 10


def test_a_condition_that_fails_on_a_row_does_not_tell_the_row(settings: Settings, pump: Pump) -> None:
    with pytest.raises(InvalidArgument, match="--where: the condition fails on a row") as refused:
        bootstrap.backfill(settings).run(PEOPLE, "name::bigint > 0")
    assert "first" not in refused.value.detail
