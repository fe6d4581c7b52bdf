"""Spellings, keys and extended JSON, value by value."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from transform.columns import (
    e164,
    email_identity,
    exact_decimal,
    extended_decimal,
    extended_long,
    extended_timestamp,
    normalised_email,
    rfc3339,
    surrogate_key,
)

pytestmark = pytest.mark.servers


def values(spark: SparkSession, *columns: Column) -> list[object]:
    return list(spark.range(1).select(*columns).collect()[0])


def each(spark: SparkSession, expected: Mapping[str, object], function: Callable[[Column], Column]) -> None:
    columns = [function(F.lit(text)) for text in expected]
    assert dict(zip(expected, values(spark, *columns), strict=True)) == expected


def test_an_email_is_lower_case_without_blanks_or_is_none(spark: SparkSession) -> None:
    each(
        spark,
        {" Ann.Lee@Shop.Example ": "ann.lee@shop.example", "ann": None, "a b@x": None, "": None},
        normalised_email,
    )


def test_a_mailbox_is_the_address_without_tag_and_gmail_without_dots(spark: SparkSession) -> None:
    expected = {
        "A.Lee+shop@GMail.com": "alee@gmail.com",
        "a.lee@googlemail.com": "alee@gmail.com",
        "a.lee+x@shop.example": "a.lee@shop.example",
        "nobody": None,
    }
    each(spark, expected, email_identity)


def test_a_phone_is_e164_or_none(spark: SparkSession) -> None:
    expected = {
        "(212) 555-0187": "+12125550187",
        "212.555.0187x0999": "+12125550187",
        "1-212-555-0187": "+12125550187",
        "001-212-555-0187 ext 3": "+12125550187",
        "+44 20 7946 0000": "+442079460000",
        "555": None,
        "": None,
    }
    each(spark, expected, e164)


def test_a_decimal_that_would_be_rounded_is_none(spark: SparkSession) -> None:
    expected = {"1.50": Decimal("1.50"), "-3": Decimal("-3.00"), "1.005": None, "NaN": None, "x": None, "1E+2": 100}
    each(spark, expected, lambda text: exact_decimal(text, 18, 2))


def test_extended_json_gives_exact_values_and_refuses_other_types(spark: SparkSession) -> None:
    double, price = '{"$numberDouble": "1.5"}', '{"$numberDecimal": "1.234567"}'
    assert values(spark, *(extended_decimal(F.lit(raw), 18, 6) for raw in (price, double, "1.5", "{"))) == [
        Decimal("1.234567"),
        None,
        None,
        None,
    ]
    integers = ('{"$numberLong": "9007199254740993"}', '{"$numberInt": "-2"}', price)
    assert values(spark, *(extended_long(F.lit(raw)) for raw in integers)) == [9007199254740993, -2, None]


def test_an_extended_date_is_its_milliseconds(spark: SparkSession) -> None:
    raw = '{"$date": {"$numberLong": "1767225600123"}}'
    [text] = values(spark, extended_timestamp(F.lit(raw)).cast("string"))
    assert text == "2026-01-01 00:00:00.123"


def test_a_time_needs_a_zone(spark: SparkSession) -> None:
    texts = ("2026-01-01T00:00:00.5Z", "2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z")
    found = values(spark, *(rfc3339(F.lit(text)).cast("string") for text in texts))
    assert found == ["2026-01-01 00:00:00.5", "2026-01-01 00:00:00", None, None]


def test_a_surrogate_key_is_positive_and_depends_on_every_part(spark: SparkSession) -> None:
    start = F.lit(datetime(2026, 1, 1, tzinfo=UTC))
    keys = values(spark, *(surrogate_key(F.lit(source), F.lit(user), start) for source in "ab" for user in "12"))
    assert len(set(keys)) == 4
    assert all(isinstance(key, int) and 0 < key < 2**63 for key in keys)
