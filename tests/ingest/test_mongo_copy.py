"""The copy of a MongoDB collection, part by part, and what happens to the collection meanwhile."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp, encode
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument
from ingest import bootstrap, report
from ingest.batch import Pace
from ingest.position import MongoPosition
from ingest.settings import Settings
from ingest.sources import mongo
from ingest.sources.mongo_rows import canonical, from_canonical
from ingest.sources.mongo_stream import EventStream, Found
from ingest.sources.progress import MongoProgress
from ingest.sources.resume_tokens import order
from ingest_builders import bronze, bronze_tables
from mongo_builders import TABLE, a_pump, a_source, drain, mongo_settings, read
from pymongo import MongoClient
from pymongo.collection import Collection
from shopsphere_kit.settings import LakeSettings

pytestmark = pytest.mark.servers
# One value of each BSON type that an _id may have, as MongoDB sorts them; some a driver could change on their way.
IDENTITIES: list[Any] = [
    MinKey(),
    None,
    float("nan"),
    -0.5,
    1,
    2.5,
    Decimal128("3.0"),
    Int64(2**53 + 1),
    "",
    "MP-1",
    "é",
    {"shop": 1, "number": Int64(2)},
    Binary(b"\0\1"),
    Binary(b"x" * 16, 4),
    ObjectId("65a000000000000000000001"),
    False,
    True,
    datetime(1969, 1, 1, tzinfo=UTC),
    Timestamp(5, 6),
    MaxKey(),
]
# A date beyond year 9999 and a reference are identities for MongoDB, but not for the server at hand.
MORE_IDENTITIES = [DatetimeMS(253402300800000), DBRef("orders", 4)]


@pytest.fixture
def settings(mongo_uri: str, lake_settings: LakeSettings) -> Settings:
    return mongo_settings(mongo_uri, lake_settings)


@pytest.fixture
def orders(settings: Settings, mongo_uri: str) -> Iterator[Collection[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_uri)
    yield client[settings.mongo_database]["marketplace_orders"]
    client.drop_database(settings.mongo_database)
    client.close()


@pytest.mark.parametrize("identity", [*IDENTITIES, *MORE_IDENTITIES], ids=repr)
def test_an_identity_comes_back_from_its_text_as_it_was(identity: object) -> None:
    assert encode({"_id": from_canonical(canonical(identity))}) == encode({"_id": identity})


def test_a_copy_that_is_killed_after_every_part_takes_each_document_of_every_type_once(
    settings: Settings, orders: Collection[dict[str, Any]]
) -> None:
    orders.insert_many([{"_id": identity} for identity in IDENTITIES])
    recorded: list[MongoPosition] = []
    rows: list[dict[str, Any]] = []

    def last(_: str) -> MongoPosition | None:
        return recorded[-1] if recorded else None

    while not recorded or recorded[-1].copy:
        killed, going_on = a_source(settings), a_source(settings)
        for source in (killed, going_on):
            # The first reads what the second reads again: it is killed between its read and the commit.
            source.open(last)
            part, position = read(source, Pace(3, 0.5))
            source.close()
        rows += part
        recorded.append(position)
    assert [row["_id"] for row in rows] == [canonical(identity) for identity in IDENTITIES]
    assert {row["_op"] for row in rows} == {"r"}
    assert len({row["_position"] for row in rows}) == len(rows)
    assert {str(position.token) for position in recorded} == {str(recorded[0].token)}
    reached = [position.copy.last for position in recorded if position.copy]
    assert reached == [canonical(identity) for identity in IDENTITIES[2::3]]


def test_a_copy_is_cut_by_its_bytes(settings: Settings, orders: Collection[dict[str, Any]]) -> None:
    orders.insert_many([{"_id": number, "text": "x" * 1000} for number in range(6)])
    source = a_source(settings)
    source.open(lambda _: None)
    sizes = [len(read(source, Pace(1000, 0.5, size=2000))[0]) for _ in range(4)]
    source.close()
    assert sizes == [2, 2, 2, 0]


def test_changes_come_between_the_parts_of_a_copy_and_its_token_keeps_up(
    settings: Settings, orders: Collection[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo, "CATCH_UP_SECONDS", 0.0)
    orders.insert_many([{"_id": number, "n": 0} for number in range(4)])
    source = a_source(settings)
    source.open(lambda _: None)
    first, before = read(source, Pace(2, 0.5))
    orders.update_one({"_id": 0}, {"$set": {"n": 1}})
    orders.delete_one({"_id": 3})
    changes, after = read(source, Pace(2, 0.5))
    source.close()
    second = a_source(settings)
    second.open(lambda _: after)
    rest, end = read(second, Pace(10, 0.5))
    second.close()
    assert [(row["_op"], row["_id"]) for row in first + changes + rest] == [
        *(("r", canonical(number)) for number in (0, 1)),
        *(("u", canonical(0)), ("d", canonical(3))),
        ("r", canonical(2)),
    ]
    assert order(after.token) > order(before.token)
    assert (after.copy, end.copy) == (before.copy, None)
    assert max(row["_position"] for row in rest) < min(row["_position"] for row in changes)


def test_progress_says_that_a_copy_is_under_way_and_how_far_the_table_lags(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings
) -> None:
    orders.insert_many([{"_id": number} for number in range(3)])
    pump, (progress,) = a_pump(settings.model_copy(update={"batch_rows": 2})), bootstrap.progress(settings)
    assert isinstance(progress, MongoProgress)
    positions = report.positions(bronze_tables(lake_settings))
    progress.mark()
    assert progress.lag_seconds(positions) is None
    pump.open()
    pump.step()
    assert progress.behind(positions) == ["marketplace_orders is being copied, 2 rows so far"]
    progress._end_time = Timestamp(progress._end_time.time + 60, 1)
    lag = progress.lag_seconds(positions)
    assert lag is not None
    assert 30 < lag <= 60
    drain(pump)
    pump._source.close()
    progress.mark()
    assert progress.lag_seconds(positions) == 0.0


@pytest.mark.parametrize("ending", ["drop", "rename"])
def test_a_collection_that_goes_and_comes_again_is_emptied_and_followed_on(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings, ending: str
) -> None:
    orders.insert_one({"_id": "MP-1"})
    pump = a_pump(settings)
    pump.open()
    pump.step()
    orders.drop() if ending == "drop" else orders.rename("old_orders")
    orders.insert_one({"_id": "MP-2"})
    drain(pump)
    pump._source.close()
    second = a_pump(settings)
    second.open()
    orders.insert_one({"_id": "MP-3"})
    drain(second)
    second._source.close()
    rows = bronze(lake_settings, TABLE)
    assert [(row["_op"], row["_id"]) for row in rows] == [
        ("r", '"MP-1"'),
        ("t", None),
        ("c", '"MP-2"'),
        ("c", '"MP-3"'),
    ]


def test_a_collection_dropped_in_the_middle_of_its_copy_leaves_nothing(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings
) -> None:
    orders.insert_many([{"_id": number} for number in range(4)])
    first, second = (a_pump(settings.model_copy(update={"batch_rows": 2})) for _ in range(2))
    first.open()
    first.step()
    first._source.close()
    orders.drop()
    second.open()
    drain(second)
    second._source.close()
    rows = bronze(lake_settings, TABLE)
    assert [(row["_op"], row["_id"]) for row in rows] == [("r", canonical(0)), ("r", canonical(1)), ("t", None)]


def test_a_collection_that_takes_over_the_name_is_copied_anew(
    settings: Settings, orders: Collection[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MongoDB tells of it by a rename event on the name; the server at hand tells nothing, so the event is a script."""
    orders.insert_one({"_id": "MP-1"})
    source = a_source(settings)
    source.open(lambda _: None)
    _, position = read(source, Pace(10, 0.5))
    orders.database["new_orders"].insert_one({"_id": "MP-2"})
    orders.database["new_orders"].rename(orders.name, dropTarget=True)
    names = {"ns": {"db": orders.database.name, "coll": "new_orders"}, "to": {"db": orders.database.name}}
    names["to"]["coll"] = orders.name
    token = {"_id": dict(position.token), "clusterTime": Timestamp(2**32 - 1, 1)}
    event = RawBSONDocument(encode({"operationType": "rename", **token, **names}))
    monkeypatch.setattr(EventStream, "next", lambda _: Found(event))
    assert source.read(Pace(10, 0.5)) == []
    rows, end = read(source, Pace(10, 0.5))
    source.close()
    assert [(row["_op"], row["_id"]) for row in rows] == [("t", None), ("r", '"MP-2"')]
    assert end.copy is None
    assert (end.seconds, end.increment) > (position.seconds, position.increment)
