"""Kill -9 at random moments while all three sources change: nothing lost, nothing twice."""

import json
import random
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from ingest.sources.mongo_rows import canonical
from ingest.tables import kafka_table
from ingest_builders import a_database, bronze, environment, execute
from psycopg2.extensions import parse_dsn
from pymongo import MongoClient
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(280)]
KILLS = 5
# Valid JSON with its envelope, nested deeper than a decoder's stack.
TOO_DEEP = b'{"event_id": "e", "occurred_at": "2024-01-01T00:00:00Z", "more": ' + b"[" * 1_200 + b"]" * 1_200 + b"}"
ROUNDS = 1_000_000  # the writer stops when it is told to, not by itself


@dataclass
class World:
    """Three sources of one test, and what was done to them."""

    dsn: str
    mongo_uri: str
    mongo_database: str
    bootstrap: str
    topic: str
    letters: Counter[tuple[str, int]] = field(default_factory=Counter)
    people: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    pets: Counter[tuple[str, int]] = field(default_factory=Counter)
    orders: list[tuple[str, str]] = field(default_factory=list)
    unfit: Counter[int] = field(default_factory=lambda: Counter(range(-505, -500)))

    def variables(self, lake: LakeSettings) -> dict[str, str]:
        return environment(
            lake,
            INGEST_POSTGRES_DSN=self.dsn,
            INGEST_POSTGRES_SLOT=f"slot_{self.mongo_database}",
            INGEST_MONGO_URI=self.mongo_uri,
            INGEST_MONGO_DATABASE=self.mongo_database,
            SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS=self.bootstrap,
            INGEST_KAFKA_TOPICS=json.dumps([self.topic]),
            INGEST_BATCH_SECONDS="0.1",
            INGEST_REST_PORT="0",
        )


@pytest.fixture
def world(postgres_dsn: str, mongo_uri: str, kafka_bootstrap: str) -> Iterator[World]:
    name = f"t{uuid.uuid4().hex[:12]}"
    made = World(a_database(postgres_dsn), mongo_uri, name, kafka_bootstrap, name)
    execute(
        made.dsn,
        "create table people (id bigint primary key, name text, balance numeric(12,2))",
        "alter table people replica identity full",
        "create table pets (id bigint primary key)",
        "create table quiet (id bigint primary key)",
        "insert into people select -n, 'first' from generate_series(1, 500) n",
        "insert into people select -n, 'unfit', 'NaN' from generate_series(501, 505) n",
    )
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.create_topics([NewTopic(name, 3, 1)])[name].result(30)
    yield made
    admin.delete_topics([name])[name].result(30)
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client.drop_database(name)
    database = parse_dsn(made.dsn)["dbname"]
    execute(
        postgres_dsn,
        f"select pg_terminate_backend(active_pid) from pg_replication_slots where database = '{database}'",  # noqa: S608
        f"select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = '{database}'",  # noqa: S608
        f"drop database {database} with (force)",
    )


class Writer(threading.Thread):
    """Changes all three sources until told to stop, and counts what it did."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(name="writer")
        self._world, self._random = world, random.Random(seed)  # noqa: S311 - a seeded script
        self.stopping = threading.Event()

    def run(self) -> None:
        session = psycopg2.connect(self._world.dsn)
        client: MongoClient[dict[str, Any]] = MongoClient(self._world.mongo_uri)
        producer = Producer({"bootstrap.servers": self._world.bootstrap})
        orders = client[self._world.mongo_database]["marketplace_orders"]
        for number in range(ROUNDS):
            self._postgres(session, number)
            self._mongo(orders, number)
            self._kafka(producer, number)
            if self.stopping.wait(0.01):
                break
        assert producer.flush(30) == 0
        client.close()
        session.close()

    def _postgres(self, session: Any, number: int) -> None:
        # A NaN has no place in a decimal; these numbers are neither updated nor deleted.
        unfit = number % 12 == 7
        done: list[tuple[str, int, str]] = [] if unfit else [("c", number, f"n{number}")]
        with session, session.cursor() as cursor:
            row = (number, f"n{number}", "NaN" if unfit else None)
            cursor.execute("insert into people values (%s, %s, %s)", row)
            cursor.execute("insert into pets values (%s)", (number,))
            if number % 3 == 0:
                cursor.execute("update people set name = 'changed' where id = %s", (number,))
                done.append(("u", number, "changed"))
            if number % 6 == 0:
                cursor.execute("delete from people where id = %s", (number,))
                done.append(("d", number, "changed"))
            kept = self._random.random() < 0.9
            if not kept:
                session.rollback()
        if kept:
            self._world.people.update(done)
            self._world.unfit.update([number] * unfit)
            self._world.pets.update([("c", number)])

    def _mongo(self, orders: Any, number: int) -> None:
        orders.insert_one({"_id": f"MP-{number}"})
        self._world.orders.append(("c", f'"MP-{number}"'))
        older = number - number % 7
        if older % 4 and number % 3 == 0:
            orders.update_one({"_id": f"MP-{older}"}, {"$set": {"status": f"seen by {number}"}})
            self._world.orders.append(("u", f'"MP-{older}"'))
        if number % 4 == 0:
            orders.delete_one({"_id": f"MP-{number}"})
            self._world.orders.append(("d", f'"MP-{number}"'))

    def _kafka(self, producer: Producer, number: int) -> None:
        broken = self._random.random() < 0.05
        value = {"event_id": f"e{number}", "occurred_at": "2024-01-01T00:00:00Z"}
        dirt = self._random.choice([b"{", TOO_DEEP])
        producer.produce(self._world.topic, dirt if broken else json.dumps(value).encode(), str(number).encode())
        producer.poll(0)
        self._world.letters.update([("quarantine" if broken else "bronze", number)])


@dataclass
class Ingest:
    """`python -m ingest run` as a child that is started again and again."""

    world: World
    lake: LakeSettings
    log: Path

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            variables = self.world.variables(self.lake)
            return subprocess.Popen([sys.executable, "-m", "ingest", "run"], env=variables, stderr=output)

    def streams(self, since: int) -> bool:
        """Whether the child that started when the log had that length has committed changes."""
        return '"table": "bronze_postgres__people"' in self.log.read_text()[since:]

    def wait_for_commits(self, since: int) -> None:
        wait_until(lambda: self.streams(since), deadline_seconds=60, what="a commit of the child")

    def wait(self) -> None:
        command = [sys.executable, "-m", "ingest", "wait", "--timeout-seconds", "60"]
        done = subprocess.run(command, env=self.world.variables(self.lake), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()[-2000:] + self.log.read_text()[-3000:]


def kill_at(ingest: Ingest, moments: random.Random) -> None:
    """Kill a child while it starts or copies, or (more often) between two of its commits."""
    since = ingest.log.stat().st_size
    child = ingest.start()
    try:
        if moments.random() < 0.7:
            ingest.wait_for_commits(since)
            threading.Event().wait(moments.uniform(0, 2))
        else:
            threading.Event().wait(moments.uniform(1, 6))
        assert child.poll() is None, ingest.log.read_text()[-3000:]
    finally:
        child.kill()
        child.wait(30)


def test_nothing_is_lost_and_nothing_is_twice(world: World, lake_settings: LakeSettings, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    moments = random.Random(seed)  # noqa: S311 - as above
    ingest, writer = Ingest(world, lake_settings, tmp_path / "ingest.log"), Writer(world, seed)
    ingest.log.touch()
    writer.start()
    try:
        for _ in range(KILLS):
            kill_at(ingest, moments)
        since = ingest.log.stat().st_size
        child = ingest.start()
        ingest.wait_for_commits(since)
        threading.Event().wait(2)
    finally:
        writer.stopping.set()
        writer.join()
    try:
        ingest.wait()
        child.terminate()
        assert child.wait(30) == 0
    finally:
        child.kill()
        child.wait(30)
    assert_postgres(world, lake_settings)
    assert_mongo(world, lake_settings)
    assert_kafka(world, lake_settings)


def assert_postgres(world: World, lake: LakeSettings) -> None:
    rows = bronze(lake, "bronze_postgres__people")
    assert len({row["_position"] for row in rows}) == len(rows)
    found = Counter((str(row["_op"]), int(str(row["id"])), str(row["name"])) for row in rows if row["_op"] != "r")
    copied = Counter((int(str(row["id"])), str(row["name"])) for row in rows if row["_op"] == "r")
    # What was done before the copy is in it as a state; everything after it is there as it was done.
    first = min(number for _, number, _ in found)
    assert found == Counter({done: 1 for done in world.people if done[1] >= first})
    before = {number: name for op, number, name in world.people if op == "c" and number < first}
    before |= {number: name for op, number, name in world.people if op == "u" and number < first}
    deleted = {number for op, number, _ in world.people if op == "d"}
    first_rows = {-number: "first" for number in range(1, 501)}
    alive = {number: name for number, name in before.items() if number not in deleted}
    assert copied == Counter((first_rows | alive).items())
    assert any(op == "d" for op, _, _ in found)
    bad = [row for row in bronze(lake, "quarantine") if row["source"] == "postgres:public.people"]
    assert Counter(int(json.loads(row["value"])["id"]) for row in bad) == world.unfit  # type: ignore[arg-type]
    pets = Counter(int(str(row["id"])) for row in bronze(lake, "bronze_postgres__pets"))
    assert pets == Counter(number for _, number in world.pets)
    assert bronze(lake, "bronze_postgres__quiet") == []


def assert_mongo(world: World, lake: LakeSettings) -> None:
    rows = bronze(lake, "bronze_mongo__marketplace_orders")
    assert len({row["_position"] for row in rows}) == len(rows)
    found = [(str(row["_op"]), str(row["_id"])) for row in rows if row["_op"] != "r"]
    # One writer made the changes one after the other: the stream is all of them from some moment on, in their order.
    before = world.orders[: len(world.orders) - len(found)]
    assert found == world.orders[len(before) :]
    assert {op for op, _ in found} == {"c", "u", "d"}
    copied = Counter(str(row["_id"]) for row in rows if row["_op"] == "r")
    assert max(copied.values(), default=1) == 1
    # What the stream does not tell of stands in the copy, unless it was deleted before the copy reached it.
    alive = {key for op, key in before if op == "c"} - {key for op, key in before if op == "d"}
    assert not alive - set(copied) - {key for op, key in found if op == "d"}
    with MongoClient[dict[str, Any]](world.mongo_uri) as client:
        documents = list(client[world.mongo_database]["marketplace_orders"].find())
    latest = {str(row["_id"]): row["document"] for row in rows}
    assert {key: text for key, text in latest.items() if text is not None} == {
        canonical(document["_id"]): canonical(document) for document in documents
    }


def assert_kafka(world: World, lake: LakeSettings) -> None:
    good = Counter(int(row["key"].decode()) for row in bronze(lake, kafka_table(world.topic)))  # type: ignore[attr-defined]
    bad = [row for row in bronze(lake, "quarantine") if row["source"] == f"kafka:{world.topic}"]
    assert good == Counter(number for place, number in world.letters if place == "bronze")
    assert Counter(int(row["key"].decode()) for row in bad) == Counter(  # type: ignore[attr-defined]
        number for place, number in world.letters if place == "quarantine"
    )
