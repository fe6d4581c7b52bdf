"""Kill -9 in the middle of a copy: the next process goes on after the part that was committed last."""

import json
import random
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from ingest.sources.mongo_rows import canonical
from ingest_builders import bronze, environment
from pymongo import MongoClient
from pymongo.collection import Collection
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]
DOCUMENTS, PART, KILLS = 1_000, 25, 3
COMMITTED = '"event": "committed"'


@pytest.fixture
def orders(mongo_uri: str) -> Iterator[Collection[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_uri)
    database = f"t{uuid.uuid4().hex[:12]}"
    collection = client[database]["marketplace_orders"]
    collection.insert_many([{"_id": number} for number in range(DOCUMENTS)])
    yield collection
    client.drop_database(database)
    client.close()


def test_a_copy_killed_three_times_takes_every_document_once(
    orders: Collection[dict[str, Any]], mongo_uri: str, lake_settings: LakeSettings, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    moments = random.Random(seed)  # noqa: S311 - a seeded script
    log = tmp_path / "ingest.log"
    log.touch()
    variables = environment(
        lake_settings,
        INGEST_SOURCES='["mongo"]',
        INGEST_MONGO_URI=mongo_uri,
        INGEST_MONGO_DATABASE=orders.database.name,
        INGEST_BATCH_ROWS=str(PART),
        INGEST_BATCH_SECONDS="0.1",
        INGEST_REST_PORT="0",
    )
    for kill in range(KILLS + 1):
        before = log.read_text().count(COMMITTED)
        with log.open("ab") as output:
            child = subprocess.Popen([sys.executable, "-m", "ingest", "run"], env=variables, stderr=output)
        try:
            if kill < KILLS:
                copied = before + moments.randint(2, 8)
                wait_until(lambda: log.read_text().count(COMMITTED) >= copied, deadline_seconds=60, what="commits")  # noqa: B023
                Event().wait(moments.uniform(0, 0.1))
                orders.update_one({"_id": kill}, {"$set": {"seen": True}})
            else:
                wait = [sys.executable, "-m", "ingest", "wait", "--timeout-seconds", "60"]
                done = subprocess.run(wait, env=variables, capture_output=True, check=False)
                assert done.returncode == 0, done.stderr.decode()[-2000:] + log.read_text()[-3000:]
        finally:
            child.kill()
            child.wait(30)
    told = [json.loads(line) for line in log.read_text().splitlines()]
    began = [line["rows"] for line in told if line["event"] == "copying" and "seconds_left" not in line]
    assert began[0] == 0
    assert all(earlier < later < DOCUMENTS for earlier, later in pairwise(began))
    rows = bronze(lake_settings, "bronze_mongo__marketplace_orders")
    found = Counter((str(row["_op"]), str(row["_id"])) for row in rows)
    changed = {("u", canonical(kill)): 1 for kill in range(KILLS)}
    assert found == Counter({("r", canonical(number)): 1 for number in range(DOCUMENTS)} | changed)
    assert len({row["_position"] for row in rows}) == len(rows)
