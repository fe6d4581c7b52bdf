"""MongoDB under torture: a collection, with every change of every document remembered."""

import random
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ingest.settings import Settings
from ingest.sources.mongo_rows import canonical
from ingest.tables import mongo_table
from ingest_torture import lake_verdict
from ingest_torture.chains import Event, looked_up
from ingest_torture.world import hashed
from pydantic import SecretStr
from pymongo import DeleteOne, InsertOne, MongoClient, UpdateOne
from shopsphere_kit.settings import LakeSettings

COLLECTION = "marketplace_orders"
COPIED_DOCUMENTS, LATER_DOCUMENTS = 3_000, 500
Document = dict[str, Any]


class MongoWorld:
    """See World."""

    def __init__(self, uri: str, client: MongoClient[Document]) -> None:
        self._uri, self._database, self._client = uri, f"t{uuid.uuid4().hex[:12]}", client
        self._orders = client[self._database][COLLECTION]
        self._documents: dict[str, Document] = {}
        self._history: dict[str, list[Event]] = defaultdict(list)
        self._number = 0
        self._insert(COPIED_DOCUMENTS)

    def variables(self) -> dict[str, str]:
        """See World."""
        return {
            "INGEST_SOURCES": '["mongo"]',
            "INGEST_MONGO_URI": self._uri,
            "INGEST_MONGO_DATABASE": self._database,
        }

    def settings(self, lake: LakeSettings) -> Settings:
        """See World."""
        return Settings(sources=["mongo"], mongo_uri=SecretStr(self._uri), mongo_database=self._database, lake=lake)

    def change(self, chance: random.Random) -> None:
        """See World."""
        new = self._new()
        key = chance.choice(sorted(self._documents)) if chance.random() < 0.1 else chance.choice(self._recent())
        changed = {**self._documents[key], "status": f"seen by {self._number}"}
        work: list[InsertOne[Document] | UpdateOne | DeleteOne] = [
            InsertOne(new),
            UpdateOne({"_id": key}, {"$set": {"status": changed["status"]}}),
        ]
        if chance.random() < 0.5:
            work.append(DeleteOne({"_id": key}))
        self._orders.bulk_write(work)
        self._apply("c", new)
        self._apply("u", changed)
        if len(work) == 3:
            self._apply("d", changed)

    def grow(self) -> None:
        """See World; many documents at once."""
        self._insert(LATER_DOCUMENTS)

    def release(self) -> None:
        """See World; a change stream holds nothing on the server."""

    def drop(self) -> None:
        """Leave nothing behind."""
        self._client.drop_database(self._database)

    def problems(self, lake: LakeSettings) -> list[str]:
        """See World."""
        bronze = lake_verdict.rows(lake, mongo_table(COLLECTION))
        if bronze is None:
            return ["the collection is not in bronze"]
        rows = bronze.sort_by("_position").to_pylist()
        found: dict[str, list[Event]] = defaultdict(list)
        for row in rows:
            found[row["_id"]].append(Event(row["_op"], None if row["document"] is None else hashed(row["document"])))
        wrong = [
            f"a row of operation t, and the oplog lost nothing: {row['_position']}" for row in rows if row["_op"] == "t"
        ]
        judged = {key: looked_up(self._history[key], found[key]) for key in {*found, *self._history}}
        wrong += [f"{key}: {trouble}" for key, trouble in judged.items() if trouble]
        return [*wrong, *self._unlike_the_source(rows)]

    def _unlike_the_source(self, rows: list[dict[str, Any]]) -> list[str]:
        latest = {row["_id"]: row["document"] for row in rows}
        alive = {key: text for key, text in latest.items() if text is not None}
        source = {canonical(document["_id"]): canonical(document) for document in self._orders.find()}
        return [
            f"{key}: folded it is not what the source has" for key in {k for k, _ in alive.items() ^ source.items()}
        ]

    def _recent(self) -> list[str]:
        return list(self._documents)[-20:]

    def _new(self) -> Document:
        self._number += 1
        return {"_id": f"MP-{self._number}", "number": self._number, "text": "ключ 🙂 'x'", "status": "new"}

    def _insert(self, count: int) -> None:
        made = [self._new() for _ in range(count)]
        self._orders.insert_many(made)
        for document in made:
            self._apply("c", document)

    def _apply(self, op: str, document: Document) -> None:
        key = document["_id"]
        self._history[canonical(key)].append(Event(op, None if op == "d" else hashed(canonical(document))))
        if op == "d":
            del self._documents[key]
        else:
            self._documents[key] = document


@contextmanager
def mongo_world(uri: str) -> Iterator[MongoWorld]:
    """A database of one run."""
    with MongoClient[Document](uri) as client:
        world = MongoWorld(uri, client)
        try:
            yield world
        finally:
            world.drop()
