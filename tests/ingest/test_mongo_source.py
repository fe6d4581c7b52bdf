"""The MongoDB source against a real change stream."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Decimal128, Int64, encode
from bson.json_util import JSONOptions, loads
from ingest import bootstrap, report
from ingest.batch import Pace
from ingest.position import MongoPosition
from ingest.settings import Settings
from ingest.sources import mongo
from ingest.sources.resume_tokens import order
from ingest_builders import bronze, bronze_tables, replacing_proxy
from mongo_builders import TABLE, a_pump, drain, mongo_settings
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.collection import Collection
from shopsphere_kit.settings import LakeSettings

pytestmark = pytest.mark.servers
# The server that stands in for MongoDB takes no text that is not UTF-8; MongoDB does, so the text changes on its way.
GOOD_TEXT, BAD_TEXT = "qUtF8q", b"q\xff\xfe\xfdqq"


@pytest.fixture
def settings(mongo_uri: str, lake_settings: LakeSettings) -> Settings:
    return mongo_settings(mongo_uri, lake_settings)


@pytest.fixture
def orders(settings: Settings, mongo_uri: str) -> Iterator[Collection[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_uri)
    yield client[settings.mongo_database]["marketplace_orders"]
    client.drop_database(settings.mongo_database)
    client.close()


def test_documents_are_copied_then_followed(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings
) -> None:
    document = {
        "_id": "MP-1",
        "amount": Decimal128("12.30"),
        "units": Int64(3),
        "placed_at": datetime(2024, 1, 1, tzinfo=UTC),
    }
    orders.insert_one(document)
    pump = a_pump(settings)
    pump.open()
    pump.step()
    orders.insert_one({"_id": "MP-2", "items": "not a list"})
    orders.update_one({"_id": "MP-2"}, {"$set": {"status": "shipped"}})
    drain(pump)
    orders.delete_one({"_id": "MP-1"})
    drain(pump)
    pump._source.close()
    rows = bronze(lake_settings, TABLE)
    assert [(row["_op"], row["_id"]) for row in rows] == [
        ("r", '"MP-1"'),
        ("c", '"MP-2"'),
        ("u", '"MP-2"'),
        ("d", '"MP-1"'),
    ]
    copied = loads(str(rows[0]["document"]), json_options=JSONOptions(tz_aware=True))
    assert copied == document
    assert '{"$numberDecimal": "12.30"}' in str(rows[0]["document"])
    assert rows[3]["document"] is None


def test_a_second_reader_goes_on_where_the_first_committed(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings
) -> None:
    first = a_pump(settings)
    first.open()
    drain(first)
    orders.insert_many([{"_id": f"MP-{number}"} for number in range(10)])
    drain(first)
    first._source.close()
    orders.insert_many([{"_id": f"MP-{number}"} for number in range(10, 20)])
    second = a_pump(settings)
    second.open()
    drain(second)
    second._source.close()
    assert sorted(str(row["_id"]) for row in bronze(lake_settings, TABLE)) == sorted(f'"MP-{n}"' for n in range(20))


def test_progress_says_whether_events_are_missing(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings
) -> None:
    pump, (progress,) = a_pump(settings), bootstrap.progress(settings)
    positions = report.positions(bronze_tables(lake_settings))
    progress.mark()
    assert progress.behind(positions) == ["marketplace_orders is not copied"]
    pump.open()
    drain(pump)
    assert progress.behind(positions) == []
    orders.insert_one({"_id": "MP-1"})
    progress.mark()
    assert progress.behind(positions) != []
    drain(pump)
    pump._source.close()
    assert progress.behind(positions) == []


def test_an_idle_collection_s_token_follows_the_log_without_rows(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump, look = a_pump(settings), report.positions(bronze_tables(lake_settings))
    pump.open()
    drain(pump)
    orders.insert_one({"_id": "MP-1"})
    drain(pump)
    before = look(TABLE)
    orders.database["others"].insert_many([{"_id": number} for number in range(10)])
    drain(pump)
    assert look(TABLE) == before
    monkeypatch.setattr(mongo, "TOKEN_SECONDS", 0.0)
    pump.step()
    pump._source.close()
    after = look(TABLE)
    assert isinstance(before, MongoPosition)
    assert isinstance(after, MongoPosition)
    assert order(after.token) > order(before.token)
    assert replace(after, token=before.token) == before
    orders.insert_one({"_id": "MP-2"})
    second = a_pump(settings)
    second.open()
    second.step()
    second._source.close()
    assert [row["_id"] for row in bronze(lake_settings, TABLE)] == ['"MP-1"', '"MP-2"']


def test_documents_that_are_no_text_are_quarantined_and_the_others_go_on(
    settings: Settings, mongo_uri: str, orders: Collection[dict[str, Any]], lake_settings: LakeSettings
) -> None:
    orders.insert_many([{"_id": "MP-1", "name": GOOD_TEXT}, {"_id": "MP-2"}])
    with replacing_proxy(mongo_uri, GOOD_TEXT.encode(), BAD_TEXT) as address:
        pump = a_pump(settings.model_copy(update={"mongo_uri": SecretStr(address)}))
        pump.open()
        pump.step()
        orders.insert_many([{"_id": "MP-3", "name": GOOD_TEXT}, {"_id": "MP-4"}, {"_id": f"MP-{GOOD_TEXT}"}])
        orders.update_one({"_id": "MP-2"}, {"$set": {"name": GOOD_TEXT}})
        orders.delete_one({"_id": "MP-1"})
        drain(pump)
        pump._source.close()
    rows, bad = bronze(lake_settings, TABLE), bronze(lake_settings, "quarantine")
    assert [(row["_op"], row["_id"]) for row in rows] == [("r", '"MP-2"'), ("c", '"MP-4"'), ("d", '"MP-1"')]
    assert {(row["source"], row["reason"]) for row in bad} == {(f"mongo:{orders.full_name}", "invalid_bson")}
    copied = encode({"_id": "MP-1", "name": GOOD_TEXT}).replace(GOOD_TEXT.encode(), BAD_TEXT)
    assert copied in {row["value"] for row in bad}
    assert len(bad) == 4


def test_documents_over_the_limit_are_quarantined_with_their_bytes_and_key(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings
) -> None:
    copied, changed = {"_id": "MP-1", "text": "x" * 200}, {"_id": "MP-3", "text": "y" * 200}
    orders.insert_many([copied, {"_id": "MP-2"}])
    pump = a_pump(settings.model_copy(update={"mongo_document_bytes_max": 100}))
    pump.open()
    pump.step()
    orders.insert_many([changed, {"_id": "MP-4"}])
    orders.delete_one({"_id": "MP-1"})
    drain(pump)
    pump._source.close()
    rows, bad = bronze(lake_settings, TABLE), bronze(lake_settings, "quarantine")
    assert [(row["_op"], row["_id"]) for row in rows] == [("r", '"MP-2"'), ("c", '"MP-4"'), ("d", '"MP-1"')]
    assert {row["reason"] for row in bad} == {"document_too_large"}
    assert {(row["key"], row["value"]) for row in bad} == {
        (encode({"_id": document["_id"]}), encode(document)) for document in (copied, changed)
    }


def test_a_batch_is_cut_by_its_bytes(settings: Settings, orders: Collection[dict[str, Any]]) -> None:
    pump = a_pump(settings)
    pump.open()
    drain(pump)
    orders.insert_many([{"_id": number, "text": "x" * 1000} for number in range(6)])
    sizes = []
    while batches := pump._source.read(Pace(1000, 0.5, size=2000)):
        sizes += [sum(chunk.rows.num_rows for chunk in batch.chunks) for batch in batches]
    pump._source.close()
    assert sizes == [2, 2, 2]
