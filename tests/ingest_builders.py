"""Builders for ingest's tests: pgoutput bytes, a scripted source, a lake, and the settings of a child process."""

import socket
import struct
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BufferedIOBase
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import psycopg2
import pyarrow as pa
from ingest.batch import Batch, Chunk, Pace, Rejected
from ingest.iceberg_tables import IcebergTables
from ingest.position import KafkaPosition, kafka_row
from ingest.pump import Pump
from ingest.sources.source import Positions
from ingest.tables import CHANGE_FIELDS
from psycopg2.extensions import connection, make_dsn, parse_dsn
from pymongo.uri_parser import parse_uri
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until

NOON = datetime(2024, 5, 17, 12, tzinfo=UTC)
TABLE = "bronze_postgres__letters"
LETTERS = pa.schema([pa.field("letter", pa.string()), *CHANGE_FIELDS])


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def a_relation(
    oid: int, name: str, *columns: tuple[str, int], namespace: str = "public", modifiers: Sequence[int] = ()
) -> bytes:
    parts = [b"R", struct.pack("!I", oid), text(namespace), text(name), b"f", struct.pack("!H", len(columns))]
    for number, (column, type_oid) in enumerate(columns):
        modifier = modifiers[number] if modifiers else -1
        parts.append(b"\x01" + text(column) + struct.pack("!Ii", type_oid, modifier))
    return b"".join(parts)


def a_tuple(*values: str | None) -> bytes:
    """A tuple; None is null, "…" stands for a value that was not sent."""
    parts = [struct.pack("!H", len(values))]
    for value in values:
        if value is None or value == "…":
            parts.append(b"n" if value is None else b"u")
        else:
            parts.append(b"t" + struct.pack("!I", len(value.encode())) + value.encode())
    return b"".join(parts)


def a_begin(lsn: int, microseconds: int = 0, xid: int = 7) -> bytes:
    return b"B" + struct.pack("!QqI", lsn, microseconds, xid)


def a_commit(lsn: int, end: int, microseconds: int = 0) -> bytes:
    return b"C" + struct.pack("!BQQq", 0, lsn, end, microseconds)


def an_insert(oid: int, *values: str | None) -> bytes:
    return b"I" + struct.pack("!I", oid) + b"N" + a_tuple(*values)


def an_update(oid: int, old: Sequence[str | None], new: Sequence[str | None], kind: bytes = b"O") -> bytes:
    before = kind + a_tuple(*old) if old else b""
    return b"U" + struct.pack("!I", oid) + before + b"N" + a_tuple(*new)


def a_delete(oid: int, *values: str | None, kind: bytes = b"O") -> bytes:
    return b"D" + struct.pack("!I", oid) + kind + a_tuple(*values)


def a_chunk(letters: Iterable[str], first: int = 0, rejected: Sequence[Rejected] = ()) -> Chunk:
    rows = [
        {"letter": letter, "_op": "c", "_position": kafka_row(0, number), "_committed_at": NOON}
        for number, letter in enumerate(letters, first)
    ]
    return Chunk(pa.Table.from_pylist(rows, schema=LETTERS), rejected)


def a_rejected(position: str, source: str = "scripted") -> Rejected:
    return Rejected(source, position, "not_json", "a test says so", b"{", b"key")


def a_batch(letters: Iterable[str], rejected: Sequence[Rejected] = (), table: str = TABLE) -> Batch:
    return Batch(table, "scripted", [a_chunk(letters, rejected=rejected)], KafkaPosition({}))


@dataclass
class ScriptedSource:
    """Letters in a fixed order, some of them bad ("!"), given out from the recorded position on."""

    letters: str
    sizes: list[int]
    table: str = TABLE
    acknowledged: int = 0
    _at: int = field(default=0, init=False)

    @property
    def name(self) -> str:
        return "scripted"

    @property
    def fixed_tables(self) -> dict[str, pa.Schema]:
        return {self.table: LETTERS}

    def open(self, positions: Positions) -> None:
        recorded = positions(self.table)
        self._at = recorded.offsets[0] if isinstance(recorded, KafkaPosition) else 0

    def read(self, pace: Pace) -> Sequence[Batch]:
        size = self.sizes.pop(0) if self.sizes else len(self.letters)
        part = self.letters[self._at : self._at + size]
        if not part:
            return []
        first, self._at = self._at, self._at + len(part)
        places = [(number, letter) for number, letter in enumerate(part, first)]
        rows_ = [
            {"letter": letter, "_op": "c", "_position": kafka_row(0, number), "_committed_at": NOON}
            for number, letter in places
            if letter != "!"
        ]
        rejected = [a_rejected(kafka_row(0, number)) for number, letter in places if letter == "!"]
        chunk = Chunk(pa.Table.from_pylist(rows_, schema=LETTERS), rejected)
        return [Batch(self.table, "scripted", [chunk], KafkaPosition({0: self._at}))]

    def acknowledge(self) -> None:
        self.acknowledged = self._at

    def close(self) -> None:
        pass


def bronze(settings: LakeSettings, table: str) -> list[dict[str, object]]:
    """All rows of a bronze table, by position."""
    rows = open_catalog(settings).load_table(f"bronze.{table}").scan().to_arrow().to_pylist()
    return sorted(rows, key=lambda row: str(row.get("_position", row.get("position"))))


def bronze_tables(settings: LakeSettings) -> IcebergTables:
    return IcebergTables(open_catalog(settings))


def a_database(server: str) -> str:
    """A new database on the server; returns its address."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with_autocommit = psycopg2.connect(server)
    with_autocommit.autocommit = True
    with with_autocommit.cursor() as cursor:
        cursor.execute(f"create database {name}")
    with_autocommit.close()
    return make_dsn(server, dbname=name)


def drop_database(server: str, address: str) -> None:
    """Drop a database of the server, with its slots once their readers have left."""
    name = parse_dsn(address)["dbname"]
    slots = f"select slot_name from pg_replication_slots where database = '{name}'"  # noqa: S608
    wait_until(lambda: not query(server, f"{slots} and active"), deadline_seconds=30, what="the readers' leave")
    drop_slots = f"select pg_drop_replication_slot(slot_name) from ({slots}) s"  # noqa: S608
    execute(server, drop_slots, f"drop database {name} with (force)")


def execute(dsn: str, *statements: str) -> None:
    """Run statements, each in a transaction of its own."""
    session: connection = psycopg2.connect(dsn)
    session.autocommit = True
    with session.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    session.close()


def environment(lake: LakeSettings, **own: str) -> dict[str, str]:
    """What a child process needs to find the lake, and its own variables."""
    return {
        "SHOPSPHERE_LAKE_CATALOG_URI": lake.catalog_uri,
        "SHOPSPHERE_LAKE_WAREHOUSE": lake.warehouse,
        **own,
    }


@contextmanager
def replacing_proxy(mongo_uri: str, old: bytes, new: bytes) -> Iterator[str]:
    """Stand before a MongoDB server and replace bytes (by as many) in what it answers; gives the address."""
    ((host, port), *_) = parse_uri(mongo_uri)["nodelist"]

    class Connection(StreamRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((host, port)) as server, server.makefile("rwb") as answers:
                while request := _message(self.rfile):
                    answers.write(request)
                    answers.flush()
                    self.wfile.write(_message(answers).replace(old, new))

    proxy = ThreadingTCPServer(("127.0.0.1", 0), Connection)
    proxy.daemon_threads = True
    thread = Thread(target=proxy.serve_forever)
    thread.start()
    try:
        # Directly: a client that asks for the replica set's members would go round the proxy.
        yield f"mongodb://127.0.0.1:{proxy.server_address[1]}/?directConnection=true&heartbeatFrequencyMS=60000"
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()


def _message(stream: BufferedIOBase) -> bytes:
    """Read one message of MongoDB's wire protocol, which begins with its length."""
    head = stream.read(4)
    return head and head + stream.read(int.from_bytes(head, "little") - 4)


def drain(pump: Pump) -> None:
    """Step until everything is copied and a step brings nothing."""
    copies = pump._source._copies  # type: ignore[attr-defined]
    while pump.step() or copies.active or copies.ended:
        pass


def query(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with psycopg2.connect(dsn) as session, session.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall()
    session.close()
    return rows


def folded(rows: Iterable[dict[str, object]], key: str, value: str = "name") -> dict[object, object]:
    """What a change log adds up to: the value of each living key."""
    state: dict[object, object] = {}
    for row in sorted(rows, key=lambda row: str(row["_position"])):
        if row["_op"] == "t":
            state.clear()
        elif row["_op"] == "d":
            state.pop(row[key], None)
        else:
            state[row[key]] = row[value]
    return state
