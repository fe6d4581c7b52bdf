"""People who were erased stay so, whatever a source sends again."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from ingest.batch import Batch, Chunk, Rejected
from ingest.forgotten import SuppressionMask
from ingest.iceberg_repair import IcebergRepair
from ingest.iceberg_tables import IcebergTables
from ingest.position import KafkaPosition
from ingest.sink import IcebergSink, append
from ingest.tables import CHANGE_FIELDS
from pyiceberg.catalog import Catalog
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.errors import FailedPrecondition, InvalidArgument
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings, SuppressionSettings
from shopsphere_kit.suppressed_people import SuppressedPeople, suppress
from shopsphere_kit.suppression import Mark

KEY = b"k" * 32
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
USERS = "bronze_postgres__users"
FIELDS: list["pa.Field[Any]"] = [pa.field("user_id", pa.int64()), pa.field("email", pa.string()), *CHANGE_FIELDS]
SCHEMA = pa.schema(FIELDS)


@pytest.fixture
def catalog(lake_settings: LakeSettings) -> Catalog:
    return open_catalog(lake_settings)


def sink(catalog: Catalog, key: bytes | None = KEY) -> IcebergSink:
    people = SuppressedPeople(catalog, key, every_seconds=0)
    return IcebergSink(IcebergTables(catalog), SystemClock(), mask=SuppressionMask(people))


def send(to: IcebergSink, seen: str | None, position: str, *rejected: Rejected) -> None:
    rows = [
        {"user_id": number, "email": f"user{number}@shop.example", "_op": "r", "_committed_at": NOON, "_position": "1"}
        for number in (1, 2)
    ]
    batch = Batch(USERS, "scripted", [Chunk(pa.Table.from_pylist(rows, schema=SCHEMA), rejected)], KafkaPosition())
    append(to, batch, expected=seen, position=position)


def emails(catalog: Catalog) -> list[str | None]:
    table = catalog.load_table(f"bronze.{USERS}")
    return sorted(table.scan().to_arrow()["email"].to_pylist(), key=str)


def test_a_replay_of_somebody_erased_is_kept_as_a_fact_without_the_person(catalog: Catalog) -> None:
    to = sink(catalog)
    send(to, None, "1")
    assert emails(catalog) == ["user1@shop.example", "user2@shop.example"]
    suppress(catalog, KEY, [Mark("shop", "1")], NOON, "E1")
    # The running ingest learns of it by itself.
    send(to, "1", "2")
    assert emails(catalog) == [None, "user1@shop.example", "user2@shop.example", "user2@shop.example"]


def test_a_rejected_record_that_names_them_keeps_its_place_and_reason(catalog: Catalog) -> None:
    suppress(catalog, KEY, [Mark("shop", "1")], NOON, "E1")
    records = [
        Rejected(
            "postgres:shop.users", f"p{number}", "value_out_of_range", "d", json.dumps({"user_id": number}).encode()
        )
        for number in (1, 2)
    ]
    send(sink(catalog), None, "1", *records)
    (found,) = IcebergRepair(catalog).quarantined()
    assert {record.position: (record.reason, record.value) for record in found} == {
        "p1": ("value_out_of_range", None),
        "p2": ("value_out_of_range", b'{"user_id": 2}'),
    }


def test_without_the_key_nothing_is_written_at_all(catalog: Catalog) -> None:
    suppress(catalog, KEY, [Mark("shop", "1")], NOON, "E1")
    with pytest.raises(FailedPrecondition, match="people who were erased would come back"):
        send(sink(catalog, None), None, "1")
    assert not catalog.table_exists("bronze.quarantine")


def test_the_key_is_read_from_a_file_of_enough_bytes(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("keys") / "key"
    assert SuppressionSettings(key_file=None).key() is None
    file.write_bytes(b"short")
    with pytest.raises(InvalidArgument, match="32 are needed"):
        SuppressionSettings(key_file=file).key()
    file.write_bytes(KEY)
    assert SuppressionSettings(key_file=file).key() == KEY
