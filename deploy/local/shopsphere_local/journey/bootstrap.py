"""Opens the replay's connections to the three systems of record.

Closing order: the Kafka producer first (it may still hold records), then MongoDB, then Postgres.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from pymongo import MongoClient
from pymongo.collection import Collection

from shopsphere_local.journey.kafka import PRODUCER_SETTINGS, flush

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Connections:
    """Open connections; one thread at a time."""

    postgres: psycopg.Connection
    marketplace: Collection[Document]
    producer: Producer


@contextmanager
def open_connections(dsn: str, mongo_uri: str, bootstrap: str) -> Iterator[Connections]:
    """Connections to the shop's database, the marketplace's collection and the broker."""
    with psycopg.connect(dsn, autocommit=True) as postgres, MongoClient[Document](mongo_uri) as client:
        producer = Producer({"bootstrap.servers": bootstrap} | PRODUCER_SETTINGS)
        marketplace = client["marketplace"]["marketplace_orders"]
        try:
            yield Connections(postgres, marketplace, producer)
        finally:
            flush(producer)
            producer.close()


def open_admin(bootstrap: str) -> AdminClient:
    """A client that creates topics; it closes itself when nobody holds it any more."""
    return AdminClient({"bootstrap.servers": bootstrap})
