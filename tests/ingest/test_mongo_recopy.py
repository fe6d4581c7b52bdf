"""What the oplog forgot, and what the server cannot send, against a server of the test's own that forgets at once."""

import subprocess
import sys
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from bson import encode
from ingest import bootstrap, metrics, report
from ingest.errors import PositionLost
from ingest.position import MongoPosition
from ingest.pump import Pump
from ingest.settings import Settings
from ingest.sources.mongo_rows import canonical
from ingest.sources.mongo_stream import TOO_LARGE
from ingest_builders import bronze, bronze_tables
from mongo_builders import TABLE, mongo_settings
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import PyMongoError
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until
from shopsphere_local.ports import LOOPBACK, free_ports
from shopsphere_local.servers import mongo as server

pytestmark = pytest.mark.servers
# The server looks at its limit once in a thousand entries.
OPLOG_ENTRIES, ENOUGH_TO_FORGET = 20, 1_100


@pytest.fixture(scope="module")
def forgetful_uri() -> Iterator[str]:
    (port,) = free_ports(1)
    limits = ("--oplog-max-entries", str(OPLOG_ENTRIES), "--enable-test-commands", "--log-level", "WARNING")
    place = ("--host", LOOPBACK, "--port", str(port), "--storage-path", ":memory:")
    child = subprocess.Popen([sys.executable, "-m", "secantus", *place, *limits])
    uri = server.uri(port)

    def answers() -> bool:
        assert child.poll() is None
        try:
            with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=500) as client:
                return bool(client.admin.command("ping")["ok"])
        except PyMongoError:
            return False

    try:
        wait_until(answers, deadline_seconds=60, what="the test's own MongoDB peer")
        yield uri
    finally:
        child.terminate()
        child.wait(30)


@pytest.fixture
def settings(forgetful_uri: str, lake_settings: LakeSettings) -> Settings:
    return mongo_settings(forgetful_uri, lake_settings)


@pytest.fixture
def orders(settings: Settings, forgetful_uri: str) -> Iterator[Collection[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(forgetful_uri)
    yield client[settings.mongo_database]["marketplace_orders"]
    client.close()


def forget(orders: Collection[dict[str, Any]]) -> None:
    """Write elsewhere until the oplog holds nothing from before."""
    orders.database["others"].insert_many([{} for _ in range(ENOUGH_TO_FORGET)])


def a_pump(settings: Settings, **other: object) -> Pump:
    (pump,) = bootstrap.pumps(settings.model_copy(update=other), Event())
    pump.open()
    return pump


def drain(pump: Pump) -> None:
    while pump.step():
        pass
    pump._source.close()


def recopies(orders: Collection[dict[str, Any]]) -> float:
    return float(metrics.RECOPIES.labels(f"mongo:{orders.full_name}")._value.get())


def seen(lake: LakeSettings) -> list[tuple[object, object]]:
    """Operation and `_id` of the rows, in the order of their positions, no two of which are equal."""
    rows = bronze(lake, TABLE)
    assert len({row["_position"] for row in rows}) == len(rows)
    return [(row["_op"], row["_id"]) for row in rows]


def standing(lake: LakeSettings) -> dict[object, object]:
    """What folding by key leaves: the last row of each since the last truncate, deletes left out."""
    found: dict[object, object] = {}
    for row in bronze(lake, TABLE):
        if row["_op"] == "t":
            found.clear()
        else:
            found[row["_id"]] = row["document"]
    return {key: document for key, document in found.items() if document is not None}


def test_a_forgotten_token_leads_to_a_copy_after_which_only_the_source_s_documents_stand(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings
) -> None:
    orders.insert_many([{"_id": "MP-1"}, {"_id": "MP-2"}])
    first = a_pump(settings)
    first.step()
    orders.insert_one({"_id": "MP-3"})
    drain(first)
    orders.delete_one({"_id": "MP-1"})
    orders.update_one({"_id": "MP-2"}, {"$set": {"status": "shipped"}})
    forget(orders)
    drain(a_pump(settings))
    orders.insert_one({"_id": "MP-4"})
    drain(a_pump(settings))
    assert seen(lake_settings) == [
        *(("r", '"MP-1"'), ("r", '"MP-2"'), ("c", '"MP-3"'), ("t", None)),
        *(("r", '"MP-2"'), ("r", '"MP-3"'), ("c", '"MP-4"')),
    ]
    assert set(standing(lake_settings)) == {'"MP-2"', '"MP-3"', '"MP-4"'}
    assert "shipped" in str(standing(lake_settings)['"MP-2"'])
    assert recopies(orders) == 1


def test_a_copy_anew_that_is_killed_before_its_first_commit_says_the_truncate_once(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings
) -> None:
    orders.insert_many([{"_id": number} for number in range(4)])
    drain(a_pump(settings))
    forget(orders)
    killed = a_pump(settings, batch_rows=2)
    killed._source.read(killed._pace)
    killed._source.close()
    killed_later = a_pump(settings, batch_rows=2)
    killed_later.step()
    killed_later._source.read(killed_later._pace)
    killed_later._source.close()
    drain(a_pump(settings, batch_rows=2))
    copied = [("r", canonical(number)) for number in range(4)]
    assert seen(lake_settings) == [*copied, ("t", None), *copied]


def test_a_token_forgotten_in_the_middle_of_a_copy_begins_it_anew(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings
) -> None:
    orders.insert_many([{"_id": f"MP-{number}"} for number in range(4)])
    killed = a_pump(settings, batch_rows=2)
    killed.step()
    killed._source.close()
    orders.delete_one({"_id": "MP-0"})
    forget(orders)
    drain(a_pump(settings, batch_rows=2))
    assert seen(lake_settings) == [
        *(("r", '"MP-0"'), ("r", '"MP-1"'), ("t", None)),
        *(("r", f'"MP-{number}"') for number in (1, 2, 3)),
    ]


def test_a_token_forgotten_while_it_is_followed_begins_a_copy_anew(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings, forgetful_uri: str
) -> None:
    orders.insert_one({"_id": "MP-1"})
    pump = a_pump(settings)
    pump.step()
    with MongoClient[dict[str, Any]](forgetful_uri) as client:
        fail_next(client, 286, 1)
    orders.delete_one({"_id": "MP-1"})
    drain(pump)
    assert seen(lake_settings)[:2] == [("r", '"MP-1"'), ("t", None)]
    assert standing(lake_settings) == {}


def test_an_event_too_large_to_send_is_quarantined_and_the_stream_goes_on(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings, forgetful_uri: str
) -> None:
    """The server sends events of any size, so its own fail points answer as MongoDB does; see test_mongo_stream too."""
    pump = a_pump(settings)
    pump.step()
    orders.insert_one({"_id": "MP-1", "text": "large"})
    orders.insert_one({"_id": "MP-2"})
    with MongoClient[dict[str, Any]](forgetful_uri) as client:
        fail_next(client, TOO_LARGE, 2)
    drain(pump)
    assert seen(lake_settings) == [("c", '"MP-2"')]
    (bad,) = bronze(lake_settings, "quarantine")
    assert (bad["reason"], bad["source"]) == ("event_too_large", f"mongo:{orders.full_name}")
    assert bad["key"] == encode({"_id": "MP-1"})
    assert bad["value"] == encode({"_id": "MP-1", "text": "large"})


def test_a_server_whose_time_went_back_is_not_copied_over_what_is_there(
    settings: Settings, orders: Collection[dict[str, Any]], lake_settings: LakeSettings
) -> None:
    drain(a_pump(settings))
    forget(orders)
    recorded = report.positions(bronze_tables(lake_settings))(TABLE)
    assert isinstance(recorded, MongoPosition)
    (source,) = bootstrap.sources(settings)
    ahead = MongoPosition(recorded.token, recorded.seconds + 10**6, 0)
    with pytest.raises(PositionLost, match="restored from a backup"):
        source.open(lambda _: ahead)
    source.close()


def fail_next(client: MongoClient[dict[str, Any]], code: int, times: int) -> None:
    """Let the server answer the next requests of change streams with an error."""
    data = {"failCommands": ["aggregate", "getMore"], "errorCode": code}
    client.admin.command({"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data})
