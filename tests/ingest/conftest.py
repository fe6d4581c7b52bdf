"""A database of one test on the real PostgreSQL, and a pump that reads it."""

from collections.abc import Iterator
from threading import Event

import psycopg2
import pytest
from ingest import bootstrap
from ingest.pump import Pump
from ingest.settings import Settings
from ingest_builders import a_database, drop_database, execute
from pydantic import SecretStr
from shopsphere_kit.settings import LakeSettings

PEOPLE = """create table people (
    id bigint primary key, name text, balance numeric(12,2), rate numeric(18,6), born date, seen timestamptz,
    active boolean, visits int, note text
)"""


@pytest.fixture
def dsn(postgres_dsn: str) -> Iterator[str]:
    address = a_database(postgres_dsn)
    execute(address, PEOPLE, "alter table people replica identity full", "create table empty (id bigint primary key)")
    yield address
    drop_database(postgres_dsn, address)


@pytest.fixture
def settings(dsn: str, lake_settings: LakeSettings) -> Settings:
    slot = "slot_" + psycopg2.extensions.parse_dsn(dsn)["dbname"]
    return Settings(
        sources=["postgres"],
        postgres_dsn=SecretStr(dsn),
        postgres_slot=slot,
        lake=lake_settings,
        batch_seconds=0.3,
    )


@pytest.fixture
def pump(settings: Settings) -> Iterator[Pump]:
    made = bootstrap.pumps(settings, Event())[0]
    yield made
    made._source.close()
