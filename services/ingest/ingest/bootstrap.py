"""Opens every connection of ingest and wires sources to the sink.

Closing order: the pumps first (each commits what it has read, acknowledges it, and closes its source), then the REST
door, which tells until the end how they are. The catalog holds no connection between commits.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import psycopg2
from confluent_kafka import Consumer
from psycopg2.extensions import connection, make_dsn, parse_dsn
from psycopg2.extras import LogicalReplicationConnection
from pydantic import SecretStr
from pymongo import MongoClient
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.suppressed_people import SuppressedPeople

from ingest.backfill import Backfill
from ingest.batch import Pace
from ingest.envelope import Envelope
from ingest.forgotten import SuppressionMask
from ingest.iceberg_repair import IcebergRepair
from ingest.iceberg_tables import IcebergTables
from ingest.load_files import FileLoad, Request
from ingest.loaded_files import IcebergFileLedger
from ingest.pump import Pump
from ingest.replay import Replay
from ingest.rereading import Reader
from ingest.settings import Settings
from ingest.sink import Fault, IcebergSink
from ingest.slot_watch import SlotLimit, SlotWatch
from ingest.sources.kafka import KafkaTopic, consumer_settings
from ingest.sources.kafka_again import KafkaAgain
from ingest.sources.mongo import MongoCollection
from ingest.sources.mongo_again import MongoAgain
from ingest.sources.mongo_range import MongoRange
from ingest.sources.postgres_again import PostgresAgain
from ingest.sources.postgres_catalog import PostgresServer, PublishedTable, published_tables, translated
from ingest.sources.postgres_range import PostgresRange
from ingest.sources.postgres_slot import Slot
from ingest.sources.postgres_stream import PostgresDatabase
from ingest.sources.progress import KafkaProgress, MongoProgress, PostgresProgress, Progress
from ingest.sources.ranges import RangeReader
from ingest.sources.read_ahead import ReadAhead
from ingest.sources.source import Source
from ingest.start_table import Start, start_table
from ingest.status import status

# The forms that the decoder reads, whatever the defaults of server and database are.
_SESSION_OPTIONS = (
    "-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1 "
    "-c client_encoding=UTF8"
)
CONNECT_SECONDS = 10


def tables(settings: Settings) -> IcebergTables:
    """The bronze tables of the lake."""
    return IcebergTables(open_catalog(settings.lake))


def mask(settings: Settings) -> SuppressionMask:
    """What takes people who were erased out of everything on its way into bronze."""
    return SuppressionMask(SuppressedPeople(open_catalog(settings.lake), settings.suppression.key()))


def pumps(settings: Settings, stop: threading.Event) -> list[Pump]:
    """One pump per source, all into one sink."""
    sink = IcebergSink(tables(settings), SystemClock(), mask=mask(settings))
    pace = Pace(settings.batch_rows, settings.batch_seconds, settings.batch_bytes)
    return [Pump(source, sink, pace, stop) for source in sources(settings)]


def file_load(settings: Settings, request: Request, tell: Callable[[str], None]) -> FileLoad:
    """A load of files into one bronze table; `tell` takes its progress line by line."""
    catalog = open_catalog(settings.lake)
    sink = IcebergSink(IcebergTables(catalog), SystemClock(), mask=mask(settings))
    return FileLoad(sink, IcebergFileLedger(catalog), request, tell)


def sources(settings: Settings) -> list[Source]:
    """The configured sources, not yet open."""
    found: list[Source] = []
    if "postgres" in settings.sources:
        found.append(PostgresDatabase(*_postgres(settings), copies=settings.postgres_copies))
    if "mongo" in settings.sources:
        client = _mongo(settings)
        limit = settings.mongo_document_bytes_max
        found.extend(
            MongoCollection(settings.mongo_database, name, client, limit) for name in settings.mongo_collections
        )
    if "kafka" in settings.sources:
        consumer = _kafka(settings)
        most, skip = settings.kafka_value_bytes_max, settings.kafka_skip_expired
        found.extend(
            ReadAhead(KafkaTopic(topic, consumer, Envelope(topic, most), skip_expired=skip))
            for topic in settings.kafka_topics
        )
    return found


def progress(settings: Settings) -> Sequence[Progress]:
    """What measures how far the tables are behind each configured source."""
    found: list[Progress] = []
    if "postgres" in settings.sources:
        found.append(PostgresProgress(*_postgres(settings)))
    if "mongo" in settings.sources:
        client = _mongo(settings)
        found.extend(MongoProgress(settings.mongo_database, name, client) for name in settings.mongo_collections)
    if "kafka" in settings.sources:
        consumer = _kafka(settings)
        found.extend(KafkaProgress(topic, consumer) for topic in settings.kafka_topics)
    return found


def slots(settings: Settings) -> dict[str, tuple[Slot, SlotLimit]]:
    """The replication slots that are read, and how much log may wait for them."""
    if "postgres" not in settings.sources:
        return {}
    _, _, name, server = _postgres(settings)
    return {name: (Slot(name, server), SlotLimit(settings.postgres_slot_lag_bytes_max))}


def slot_watches(settings: Settings, stop: threading.Event) -> list[SlotWatch]:
    """What watches the slots until told to stop; each closes its connection itself."""
    return [SlotWatch(slot, limit, stop) for slot, limit in slots(settings).values()]


def starts(settings: Settings) -> list[Start]:
    """The table of streams that `run` begins with."""
    return start_table(progress(settings), tables(settings).position)


def current_status(settings: Settings) -> dict[str, Any]:
    """The report of `status`."""
    repair = IcebergRepair(open_catalog(settings.lake))
    return status(tables(settings), progress(settings), repair, slots(settings), SystemClock())


def replay(settings: Settings, fault: Fault = lambda _: None) -> Replay:
    """What reads quarantined records again; each kind of source is asked only when it has some."""
    lake, repair = tables(settings), IcebergRepair(open_catalog(settings.lake))
    most = settings.kafka_value_bytes_max
    kafka = KafkaAgain(lambda topic, keys, values: Envelope(topic, most).faults(keys, values), repair.times)
    readers: dict[str, Reader] = {"kafka": kafka}
    readers["mongo"] = MongoAgain(settings.mongo_document_bytes_max)
    readers["postgres"] = PostgresAgain(lambda: _published(settings), repair.columns)
    return Replay(lake, repair, readers, SystemClock(), fault, mask(settings))


def backfill(settings: Settings, fault: Fault = lambda _: None) -> Backfill:
    """What copies ranges of the sources that have any."""
    readers: dict[str, RangeReader] = {}
    if "postgres" in settings.sources:
        readers["bronze_postgres__"] = PostgresRange(*_postgres(settings))
    if "mongo" in settings.sources:
        readers["bronze_mongo__"] = MongoRange(
            settings.mongo_database,
            settings.mongo_collections,
            _mongo(settings),
            settings.mongo_document_bytes_max,
        )
    sink = IcebergSink(tables(settings), SystemClock(), fault, mask(settings))
    return Backfill(sink, IcebergRepair(open_catalog(settings.lake)), readers, SystemClock(), fault)


def _published(settings: Settings) -> Sequence[PublishedTable]:
    _, publication, _, server = _postgres(settings)
    with translated("postgres"), closing(server.query()) as session:
        return published_tables(session, publication)


def _postgres(settings: Settings) -> tuple[str, str, str, PostgresServer]:
    address = _required("INGEST_POSTGRES_DSN", settings.postgres_dsn)
    given = parse_dsn(address)
    dsn = make_dsn(
        address,
        connect_timeout=CONNECT_SECONDS,
        application_name="shopsphere-ingest",
        options=f"{given.get('options', '')} {_SESSION_OPTIONS}".strip(),
    )

    def query() -> connection:
        return psycopg2.connect(dsn)

    def replication() -> LogicalReplicationConnection:
        return psycopg2.connect(dsn, connection_factory=LogicalReplicationConnection)

    database = given.get("dbname") or given.get("user") or "postgres"
    server = PostgresServer(query, replication)
    return database, settings.postgres_publication, settings.postgres_slot, server


def _mongo(settings: Settings) -> Callable[[], MongoClient[dict[str, Any]]]:
    address = _required("INGEST_MONGO_URI", settings.mongo_uri)
    limit = CONNECT_SECONDS * 1000
    return lambda: MongoClient(
        address, serverSelectionTimeoutMS=limit, connectTimeoutMS=limit, appname="shopsphere-ingest"
    )


def _kafka(settings: Settings) -> Callable[[], Consumer]:
    options = consumer_settings(settings.kafka.bootstrap_servers)
    # Handed a standard logger, librdkafka's own lines come out as JSON like all others.
    return lambda: Consumer(options, logger=logging.getLogger("librdkafka"))


def _required(name: str, value: SecretStr | None) -> str:
    if value is None or not value.get_secret_value():
        raise InvalidArgument(f"{name} is not set; set it, or take its source out of INGEST_SOURCES", field=name)
    return value.get_secret_value()
