"""Builders for the tests of the MongoDB source."""

import uuid
from threading import Event
from typing import Any

from ingest import bootstrap
from ingest.batch import Pace
from ingest.position import MongoPosition
from ingest.pump import Pump
from ingest.settings import Settings
from ingest.sources.mongo import MongoCollection
from pydantic import SecretStr
from shopsphere_kit.settings import LakeSettings

TABLE = "bronze_mongo__marketplace_orders"


def mongo_settings(uri: str, lake: LakeSettings) -> Settings:
    """Settings for a database of the test's own."""
    return Settings(
        sources=["mongo"],
        mongo_uri=SecretStr(uri),
        mongo_database=f"t{uuid.uuid4().hex[:12]}",
        lake=lake,
        batch_seconds=0.3,
    )


def a_pump(settings: Settings) -> Pump:
    return bootstrap.pumps(settings, Event())[0]


def drain(pump: Pump) -> None:
    """Move batches until there is nothing more."""
    while pump.step():
        pass


def a_source(settings: Settings) -> MongoCollection:
    (source,) = bootstrap.sources(settings)
    assert isinstance(source, MongoCollection)
    return source


def read(source: MongoCollection, pace: Pace) -> tuple[list[dict[str, Any]], MongoPosition]:
    """The rows of the one batch of a read, and the position after them."""
    (batch,) = source.read(pace)
    assert isinstance(batch.position, MongoPosition)
    return [row for chunk in batch.chunks for row in chunk.rows.to_pylist()], batch.position
