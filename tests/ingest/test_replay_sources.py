"""Quarantined records of each real source, read again after what was in their way is mended."""

import json
import uuid
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from bson import Decimal128
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from ingest import bootstrap, report
from ingest.pump import Pump
from ingest.replay import Counts, Selection
from ingest.settings import Settings
from ingest.tables import kafka_table
from ingest_builders import a_database, bronze, bronze_tables, drop_database, execute
from pydantic import SecretStr
from pymongo import MongoClient
from shopsphere_kit.settings import KafkaSettings, LakeSettings
from shopsphere_kit.waiting import wait_until

pytestmark = pytest.mark.servers


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    address = a_database(postgres_dsn)
    execute(
        address,
        "create table people (id bigint primary key, balance numeric(12,2), visits int, seen bool, raw bytea)",
        "alter table people replica identity full",
    )
    yield address
    drop_database(postgres_dsn, address)


def drain(pump: Pump) -> None:
    while pump.step():
        pass


def replayed(settings: Settings) -> Counts:
    return bootstrap.replay(settings).run(Selection(), dry_run=False).total()


def test_a_row_of_postgres_fits_once_its_column_is_what_the_row_needs(settings: Settings, dsn: str) -> None:
    execute(dsn, r"insert into people values (1, 1.50, 1, true, '\x00ff')")
    pump = bootstrap.pumps(settings, Event())[0]
    pump.open()
    drain(pump)
    execute(
        dsn,
        "alter table people alter column visits type text",
        r"insert into people values (2, 2.50, '22', false, '\xbeef')",
        "insert into people values (3, 3.50, 'many', null, null)",
        "update people set balance = 9 where id = 2",
        "delete from people where id = 2",
    )
    drain(pump)
    assert {row["reason"] for row in bronze(settings.lake, "quarantine")} == {"incompatible_schema"}
    assert replayed(settings) == Counts(still_rejected=4)
    execute(dsn, "delete from people where id = 3", "alter table people alter column visits type bigint using 7")
    drain(pump)
    # 'many' is no number, whatever the column is now; it was inserted and deleted.
    assert replayed(settings) == Counts(replayed=3, still_rejected=2)
    pump._source.close()
    rows = bronze(settings.lake, "bronze_postgres__people")
    found = [(row["_op"], row["id"], str(row["balance"]), row["visits"], row["seen"], row["raw"]) for row in rows]
    assert found == [
        ("r", 1, "1.50", 1, True, b"\x00\xff"),
        ("c", 2, "2.50", 22, False, b"\xbe\xef"),
        ("u", 2, "9.00", 22, False, b"\xbe\xef"),
        ("d", 2, "9.00", 22, False, b"\xbe\xef"),
    ]
    assert replayed(settings) == Counts(still_rejected=2)


def test_a_source_that_is_away_keeps_its_records_in_quarantine(settings: Settings, dsn: str) -> None:
    execute(dsn, "insert into people (id, balance) values (1, 'NaN')")
    pump = bootstrap.pumps(settings, Event())[0]
    pump.open()
    drain(pump)
    pump._source.close()
    away = settings.model_copy(update={"postgres_dsn": SecretStr("postgresql://127.0.0.1:1/away")})
    assert replayed(away) == Counts(source_away=1)
    assert len(bronze(settings.lake, "quarantine")) == 1


def test_a_document_that_was_too_large_fits_a_larger_limit(mongo_uri: str, lake_settings: LakeSettings) -> None:
    settings = Settings(
        sources=["mongo"],
        mongo_uri=SecretStr(mongo_uri),
        mongo_database=f"t{uuid.uuid4().hex[:12]}",
        mongo_document_bytes_max=200,
        lake=lake_settings,
        batch_seconds=0.3,
    )
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        orders = client[settings.mongo_database]["marketplace_orders"]
        orders.insert_one({"_id": "copied", "amount": Decimal128("1.50"), "note": "x" * 500})
        pump = bootstrap.pumps(settings, Event())[0]
        pump.open()
        drain(pump)
        orders.insert_one({"_id": "created", "note": "x" * 900})
        orders.update_one({"_id": "created"}, {"$set": {"note": "x" * 500}})
        drain(pump)
        pump._source.close()
        client.drop_database(settings.mongo_database)
    assert replayed(settings) == Counts(still_rejected=3)
    assert replayed(settings.model_copy(update={"mongo_document_bytes_max": 600})) == Counts(
        replayed=2, still_rejected=1
    )
    assert replayed(settings.model_copy(update={"mongo_document_bytes_max": 2000})) == Counts(replayed=1)
    rows = bronze(lake_settings, "bronze_mongo__marketplace_orders")
    assert [(row["_op"], row["_id"]) for row in rows] == [("r", '"copied"'), ("c", '"created"'), ("u", '"created"')]
    assert '"1.50"' in str(rows[0]["document"])
    assert all(row["_committed_at"] is not None for row in rows)


def test_records_of_kafka_pass_once_the_rule_allows_them(kafka_bootstrap: str, lake_settings: LakeSettings) -> None:
    topic = f"t{uuid.uuid4().hex[:12]}"
    settings = Settings(
        sources=["kafka"],
        kafka=KafkaSettings(bootstrap_servers=kafka_bootstrap),
        kafka_topics=[topic],
        kafka_value_bytes_max=80,
        lake=lake_settings,
        batch_seconds=0.3,
    )
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    small, broken, large = an_event(""), b"{broken", an_event("x" * 80)
    for value in (small, broken, large, large):
        producer.produce(topic, value, b"key", partition=0)
    assert producer.flush(30) == 0
    pump = bootstrap.pumps(settings, Event())[0]
    (progress,) = bootstrap.progress(settings)
    progress.mark()
    pump.open()

    def caught_up() -> bool:
        pump.step()
        return not progress.behind(report.positions(bronze_tables(lake_settings)))

    wait_until(caught_up, deadline_seconds=30, what="the topic's records")
    pump._source.close()
    admin.delete_topics([topic])[topic].result(30)
    assert replayed(settings) == Counts(still_rejected=3)
    assert replayed(settings.model_copy(update={"kafka_value_bytes_max": 1000})) == Counts(replayed=2, still_rejected=1)
    rows = bronze(lake_settings, kafka_table(topic))
    good = [row for row in rows if row["_rejected"] is None]
    assert [(row["offset"], row["value"]) for row in good] == [(0, small), (2, large), (3, large)]
    # The raw rows stay as they came, and lend their time.
    assert [row["offset"] for row in rows] == [0, 1, 2, 2, 3, 3]
    assert all(row["_committed_at"] is not None for row in good)


def an_event(note: str) -> bytes:
    return json.dumps({"event_id": "e", "occurred_at": "2024-01-01T00:00:00Z", "note": note}).encode()
