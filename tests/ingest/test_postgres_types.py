"""PostgreSQL's types at their limits: the copy and the stream give the same exact values, or say why they cannot."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from ingest.pump import Pump
from ingest.tables import full_name
from ingest_builders import bronze, drain, execute
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings

pytestmark = pytest.mark.servers

TABLE = """create type mood as enum ('sad', 'happy'); create table everything (
    id bigint primary key, small smallint, whole integer, large bigint, money numeric(38,10), free numeric,
    wide numeric(1000,2), day date, moment timestamptz, plain timestamp, flag boolean, single real,
    double double precision,
    bytes bytea, uid uuid, document json, binary_document jsonb, numbers integer[], words text[], feeling mood,
    clock time, span interval, text text, fixed char(5)
); alter table everything replica identity full"""

# Microseconds from 1970 to the end of 294246, the last whole year that 64 bits reach.
LAST_MOMENT = (datetime(2246, 12, 31, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days * 86_400_000_000
LAST_MOMENT += 730 * 146_097 * 86_400_000_000 + 86_400_000_000 - 1  # 730 times 400 years, and that last day

# Column, value as SQL, and what bronze has: dates in days and moments in microseconds since 1970 where Python has none.
FITTING = [
    ("small", "-32768", -32768),
    ("small", "32767", 32767),
    ("whole", "-2147483648", -(2**31)),
    ("large", "9223372036854775807", 2**63 - 1),
    ("money", "9999999999999999999999999999.9999999999", Decimal("9999999999999999999999999999.9999999999")),
    ("money", "-0.0000000001", Decimal("-0.0000000001")),
    ("free", "1e-300", "0." + "0" * 299 + "1"),
    ("free", "'NaN'", "NaN"),
    ("free", "'-Infinity'", "-Infinity"),
    ("free", "1.500", "1.500"),
    ("wide", "'NaN'", "NaN"),
    ("wide", "123456789012345678901234567890123456789012.34", "123456789012345678901234567890123456789012.34"),
    ("day", "'0001-01-01'", date(1, 1, 1)),
    ("day", "'9999-12-31'", date(9999, 12, 31)),
    ("day", "'4713-01-01 BC'", -2440550),
    ("day", "'5874897-12-31'", 2145042905),
    ("moment", "'2024-02-29 23:59:59.123456+02'", datetime.fromisoformat("2024-02-29T21:59:59.123456+00:00")),
    ("moment", "'0001-01-01 00:00:00+00'", datetime.fromisoformat("0001-01-01T00:00:00+00:00")),
    ("moment", "'294246-12-31 23:59:59.999999+00'", LAST_MOMENT),
    ("moment", "'4713-01-01 00:00:00+00 BC'", -2440550 * 86_400_000_000),
    ("plain", "'9999-12-31 23:59:59.999999'", datetime(9999, 12, 31, 23, 59, 59, 999999)),  # noqa: DTZ001
    ("flag", "false", False),
    ("flag", "true", True),
    ("single", "'NaN'", "nan"),
    ("single", "3.4028235e38", 3.4028234663852886e38),
    ("double", "'Infinity'", float("inf")),
    ("double", "5e-324", 5e-324),
    ("double", "0.1", 0.1),
    ("bytes", r"'\x00ff5c'", b"\x00\xff\x5c"),
    ("bytes", "''", b""),
    ("uid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("document", """'{"b":1, "a": [null]}'""", '{"b":1, "a": [null]}'),
    ("binary_document", """'{"b":1, "a": 1.50}'""", '{"a": 1.50, "b": 1}'),
    ("numbers", "'{1,NULL,-3}'", "{1,NULL,-3}"),
    ("words", """array['a,b', '"', '', null]""", '{"a,b","\\"","",NULL}'),
    ("feeling", "'happy'", "happy"),
    ("clock", "'24:00:00'", "24:00:00"),
    ("span", "'-1 year 2 days'", "P-1Y2D"),
    ("text", "''", ""),
    ("text", "E'\\\\N \\t\\n\"quoted\", é 🦉'", '\\N \t\n"quoted", é 🦉'),
    ("fixed", "'ab'", "ab   "),
]
UNFITTING = [
    ("money", "'NaN'"),
    ("day", "'infinity'"),
    ("day", "'-infinity'"),
    ("moment", "'infinity'"),
    ("moment", "'294276-12-31 23:59:59.999999+00'"),  # 64 bits of microseconds since 1970 end in 294247
    ("plain", "'-infinity'"),
]


def insert(dsn: str, first: int) -> None:
    execute(
        dsn,
        *(
            f"insert into everything (id, {column}) values ({first + number}, {value})"  # noqa: S608
            for number, (column, value, *_) in enumerate([*FITTING, *UNFITTING])
        ),
    )


def stored(lake: LakeSettings) -> dict[object, dict[str, object]]:
    """Bronze rows by id; dates and moments that Python cannot hold as numbers."""
    rows = open_catalog(lake).load_table(full_name("bronze_postgres__everything")).scan().to_arrow()
    values = {name: _plain(rows[name]) for name in rows.column_names}
    return {values["id"][place]: {name: values[name][place] for name in values} for place in range(rows.num_rows)}


def _plain(column: pa.ChunkedArray) -> list[object]:  # type: ignore[type-arg]
    found: list[object] = []
    for value in column:
        try:
            found.append(value.as_py())
        except (ValueError, OverflowError):
            number = pa.int32() if pa.types.is_date(column.type) else pa.int64()
            found.append(value.cast(number).as_py())
    return found


def test_values_at_their_limits_come_whole_by_copy_and_by_stream(
    dsn: str, pump: Pump, lake_settings: LakeSettings
) -> None:
    execute(dsn, *TABLE.split("; "))
    insert(dsn, 0)
    pump.open()
    drain(pump)
    insert(dsn, 1000)
    drain(pump)
    rows = stored(lake_settings)
    for first, op in ((0, "r"), (1000, "c")):
        for number, (column, sql, value) in enumerate(FITTING):
            found = rows[first + number]
            shown = str(found[column]) if value == "nan" else found[column]
            assert (found["_op"], shown) == (op, value), f"{column} {sql}"
    assert set(rows) == {first + number for first in (0, 1000) for number in range(len(FITTING))}


def test_a_value_without_a_place_in_bronze_is_in_quarantine_with_its_row_and_its_reason(
    dsn: str, pump: Pump, lake_settings: LakeSettings
) -> None:
    execute(dsn, *TABLE.split("; "))
    insert(dsn, 0)
    pump.open()
    drain(pump)
    insert(dsn, 1000)
    drain(pump)
    rejected = {int(json.loads(row["value"])["id"]): row for row in bronze(lake_settings, "quarantine")}  # type: ignore[arg-type]
    expected = {first + len(FITTING) + number: of for first in (0, 1000) for number, of in enumerate(UNFITTING)}
    assert set(rejected) == set(expected)
    for identity, (column, value) in expected.items():
        row = rejected[identity]
        assert (row["reason"], str(row["detail"]).split(":")[0]) == ("value_out_of_range", f"column {column}")
        assert json.loads(row["value"])[column] == value.strip("'")  # type: ignore[arg-type]
