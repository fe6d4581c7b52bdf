"""Schema changes in the middle of a stream: bronze evolves without a restart, and old rows stay as they were."""

import json
from decimal import Decimal

import pytest
from ingest import metrics
from ingest.pump import Pump
from ingest_builders import bronze, drain, execute
from shopsphere_kit.settings import LakeSettings

pytestmark = pytest.mark.servers


def changed(dsn: str, pump: Pump, lake: LakeSettings, *statements: str) -> list[dict[str, object]]:
    """Bronze rows of `things` after an empty table was copied and the statements streamed."""
    execute(
        dsn,
        "create table things (id bigint primary key, size int not null, price numeric(6,2), name varchar(5))",
        "alter table things replica identity full",
    )
    pump.open()
    drain(pump)
    execute(dsn, "insert into things values (1, 5, 1.25, 'first')", *statements)
    drain(pump)
    return bronze(lake, "bronze_postgres__things")


def test_an_added_column_is_null_in_older_rows(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    rows = changed(
        dsn,
        pump,
        lake_settings,
        "alter table things add column colour text default 'grey'",
        "insert into things values (2, 6, 1, 'next', 'red')",
    )
    assert [row["colour"] for row in rows] == [None, "red"]


def test_a_dropped_column_stays_and_is_null_in_newer_rows(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    rows = changed(dsn, pump, lake_settings, "alter table things drop column price", "insert into things values (2, 6)")
    assert [row["price"] for row in rows] == [Decimal("1.25"), None]


def test_a_renamed_column_is_a_new_one_and_the_old_one_stays(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    rows = changed(
        dsn,
        pump,
        lake_settings,
        "alter table things rename column name to title",
        "insert into things values (2, 6, 1, 'other')",
    )
    assert [(row["name"], row["title"]) for row in rows] == [("first", None), (None, "other")]


def test_a_key_of_another_name_still_tells_rows_apart(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    rows = changed(
        dsn, pump, lake_settings, "alter table things rename column id to number", "update things set number = 9"
    )
    assert [(row["_op"], row["id"], row["number"]) for row in rows] == [("c", 1, None), ("d", None, 1), ("c", None, 9)]


def test_columns_are_widened(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    rows = changed(
        dsn,
        pump,
        lake_settings,
        "alter table things alter column size type bigint, alter column price type numeric(12,2), "
        "alter column name type varchar(50), alter column size drop not null",
        "insert into things values (2, 3000000000, 9999999999.99, 'a longer name'), (3, null, null, null)",
    )
    assert [row["size"] for row in rows] == [5, 3_000_000_000, None]
    assert [row["price"] for row in rows] == [Decimal("1.25"), Decimal("9999999999.99"), None]
    assert [row["name"] for row in rows] == ["first", "a longer name", None]


def test_a_column_that_is_narrowed_again_still_fits(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    rows = changed(
        dsn,
        pump,
        lake_settings,
        "alter table things alter column size type bigint",
        "insert into things values (2, 3000000000)",
        "delete from things where id = 2",
        "alter table things alter column size type int",
        "insert into things values (3, 7)",
    )
    assert [row["size"] for row in rows] == [5, 3_000_000_000, 3_000_000_000, 7]


@pytest.mark.parametrize(
    ("column", "kind", "value"),
    [
        ("name", "integer using 7", "8"),
        ("name", "bytea using null", r"'\x01'"),
        ("price", "numeric(12,4)", "1.0001"),
        ("size", "numeric(6,2)", "1.50"),
        ("size", "text", "'many'"),
    ],
)
def test_an_incompatible_type_quarantines_its_rows_and_goes_on(
    dsn: str, pump: Pump, lake_settings: LakeSettings, column: str, kind: str, value: str
) -> None:
    counter = metrics.REJECTED.labels("postgres:public.things", "incompatible_schema")
    before = counter._value.get()
    rows = changed(
        dsn,
        pump,
        lake_settings,
        f"alter table things alter column {column} type {kind}",
        f"insert into things (id, size, {column}) values (2, {value if column == 'size' else 1}, {value})"  # noqa: S608
        if column != "size"
        else f"insert into things (id, size) values (2, {value})",  # noqa: S608
        "insert into people (id) values (1)",
    )
    assert [row["id"] for row in rows] == [1]
    assert [row["reason"] for row in bronze(lake_settings, "quarantine")] == ["incompatible_schema"]
    assert counter._value.get() == before + 1
    assert [row["id"] for row in bronze(lake_settings, "bronze_postgres__people")] == [1]


def test_what_an_update_left_out_without_its_whole_old_row_is_marked(
    dsn: str, pump: Pump, lake_settings: LakeSettings
) -> None:
    rows = changed(
        dsn,
        pump,
        lake_settings,
        "alter table things replica identity default",
        "alter table things add column large text",
        "alter table things alter column large set storage external",
        "insert into things values (2, 6, 1, 'big', repeat('x', 20000))",
        "update things set name = 'small' where id = 2",
        "update things set id = 3 where id = 2",
    )
    found = [(row["_op"], row["id"], row["name"], row["_unchanged"]) for row in rows[1:]]
    assert found == [
        ("c", 2, "big", None),
        ("u", 2, "small", '["large"]'),
        ("d", 2, None, None),
        ("c", 3, "small", '["large"]'),
    ]


def test_far_times_of_a_table_that_does_not_fit_are_in_quarantine_too(
    dsn: str, pump: Pump, lake_settings: LakeSettings
) -> None:
    rows = changed(
        dsn,
        pump,
        lake_settings,
        "alter table things add column seen timestamptz, alter column size type text",
        "insert into things values (2, 'many', 1, 'far', '20000-01-01 00:00:00+00')",
    )
    assert [row["id"] for row in rows] == [1]
    (bad,) = bronze(lake_settings, "quarantine")
    assert json.loads(bad["value"])["seen"] == 568971820800000000  # type: ignore[arg-type]
