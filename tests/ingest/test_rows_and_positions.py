"""Text to exact types, and positions."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from bson import Timestamp, encode
from ingest import position
from ingest.errors import PositionLost
from ingest.pgoutput import Column
from ingest.position import KafkaPosition, MongoCopy, MongoPosition, PostgresPosition, Span
from ingest.postgres_types import Array, arrow_type, cast_text
from ingest.rows import text_chunk
from ingest.sources.resume_tokens import order, time_order
from ingest.tables import KAFKA_SCHEMA, MONGO_SCHEMA, TIMESTAMP, properties
from ingest_builders import NOON
from shopsphere_kit.errors import FailedPrecondition

NUMERIC_12_2 = ((12 << 16) | 2) + 4


@pytest.mark.parametrize(
    ("oid", "modifier", "text", "value"),
    [
        (16, -1, "t", True),
        (20, -1, "-9223372036854775808", -(2**63)),
        (21, -1, "-32768", -32768),
        (23, -1, "2147483647", 2**31 - 1),
        (1700, NUMERIC_12_2, "9999999999.99", Decimal("9999999999.99")),
        (1700, -1, "1e-400", "1e-400"),
        (1700, ((39 << 16) | 2) + 4, "1.00", "1.00"),
        (17, -1, "\\x00ff", b"\x00\xff"),
        (25, -1, "", ""),
        (2950, -1, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        (3802, -1, '{"a": 1}', '{"a": 1}'),
        (1007, -1, "{1,2}", "{1,2}"),
    ],
)
def test_text_becomes_its_exact_value(oid: int, modifier: int, text: str, value: object) -> None:
    target = arrow_type(Column("c", oid, modifier, False))
    assert cast_text(pa.array([text, None], pa.string()), target).to_pylist() == [value, None]


def control(op: str, *positions: str) -> list[Array]:
    count = len(positions)
    return [
        pa.array([op] * count),
        pa.array(positions),
        pa.array([NOON] * count, TIMESTAMP),
        pa.nulls(count, pa.string()),
    ]


@pytest.mark.parametrize(("oid", "modifier", "text"), [(1700, NUMERIC_12_2, "NaN"), (1082, -1, "infinity")])
def test_a_value_without_a_place_in_the_type_is_rejected_alone(oid: int, modifier: int, text: str) -> None:
    columns = [Column("id", 20, -1, True), Column("c", oid, modifier, False)]
    texts = [pa.array(["0", "1", "2"]), pa.array([None, text, None])]
    chunk = text_chunk(columns, texts, control("c", "0", "1", "2"), source="postgres:public.t")
    assert chunk.rows["id"].to_pylist() == [0, 2]
    (bad,) = chunk.rejected
    assert (bad.position, bad.reason, bad.detail.split(":")[0]) == ("1", "value_out_of_range", "column c")


@pytest.mark.parametrize(
    "placed",
    [
        PostgresPosition(2**63 - 1),
        PostgresPosition(16, (Span(16, ("7", "é")), Span(32, None))),
        KafkaPosition({1: 5, 0: 0}),
        MongoPosition({"_data": "82", "_typeBits": b"\x40"}, 1700000000, 3, 2),
        MongoPosition({"_data": "82"}, 1700000009, 1, 0, MongoCopy(1700000000, 3, 10**9, '{"$oid": "65a"}')),
        MongoPosition({"_data": "82"}, 1700000000, 1, 0, MongoCopy(1700000000, 1, -1)),
    ],
)
def test_a_position_survives_being_written(placed: position.Position) -> None:
    assert position.decode(position.encode(placed)) == placed


@pytest.mark.parametrize("text", ["", "{}", '{"kind":"oracle"}', '{"kind":"postgres"}', "[]"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(PositionLost):
        position.decode(text)


def test_row_positions_sort_as_the_source_went() -> None:
    lsns = [position.snapshot_row_lsn(0x100), 0x100, 0x100, 0xA00, 0x7FFF_FFFF_0000_0000]
    rows = position.postgres_rows(np.array(lsns), np.array([2**31, 0, 16, 0, 5]))
    texts = [str(text) for text in rows.to_pylist()]
    assert texts == sorted(texts)
    assert texts[-1] == "7FFFFFFF00000000/00000005"
    assert position.mongo_row(9, 10, 0) < position.mongo_row(10, 9, 1) < position.mongo_row(10, 9, 10)
    assert position.parse_lsn(position.format_lsn(0x16_B374D848)) == 0x16_B374D848


@pytest.mark.parametrize("schema", [KAFKA_SCHEMA, MONGO_SCHEMA])
def test_columns_with_content_have_no_statistics(schema: pa.Schema) -> None:
    made = properties(schema)
    assert made["write.metadata.metrics.default"] == "none"
    content = {"key", "value", "headers", "document", "_id"} & set(schema.names)
    assert {made[f"write.metadata.metrics.column.{name}"] for name in content} == {"none"}


def test_a_copied_row_in_quarantine_is_known_by_itself_alone() -> None:
    columns = [Column("id", 20, -1, True), Column("c", 1700, NUMERIC_12_2, False)]
    first, again, other = (
        text_chunk(columns, [pa.array([key]), pa.array(["NaN"])], control("r", place), source="s").rejected[0].position
        for place, key in (("0F/1", "1"), ("FF/0", "1"), ("0F/2", "2"))
    )
    assert first == again != other
    assert first.startswith("snapshot/")


def test_mongodb_and_secantus_tokens_have_an_order() -> None:
    # A token as MongoDB 4.2 and newer give it: the type byte, seconds, increment, and what tells events apart.
    mongod = {"_data": "826543A1B2000000052B0229296E04"}
    assert order(mongod) == time_order(Timestamp(0x6543A1B2, 5))
    assert order({"_data": "826543A1B2000000062B"}) > order(mongod)
    assert order({"_data": encode({"s": 7, "t": Timestamp(1, 1)}).hex()}) == 7
    for unknown in ({}, {"_data": 5}, {"_data": "zz"}, {"_data": "01"}, {"_data": encode({}).hex()}, None):
        with pytest.raises(FailedPrecondition, match="resume tokens"):
            order(unknown)
