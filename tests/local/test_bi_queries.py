"""The three questions that the README asks of gold: both engines answer, and alike."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from shopsphere_kit.lake import Release, open_catalog
from shopsphere_kit.settings import LakeSettings
from shopsphere_local import query, spark_query
from transform import session
from transform.tables import customer_360, dim_date, dim_products, dim_users, fact_order

pytestmark = pytest.mark.servers
README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
QUESTIONS = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
NOON = datetime(2017, 1, 9, 12, tzinfo=UTC)
Row = dict[str, Any]


def a_fact(number: int, **given: object) -> Row:
    row = {"order_id": str(number), "line_number": 1, "channel": "web", "status": "completed", "currency": "USD"}
    keys = {"user_key": 7, "product_key": 8, "store_key": 0, "date_key": 20170109}
    amounts = {"quantity": 2, "unit_price": Decimal(1), "discount_amount": Decimal(0), "total_amount": Decimal(2)}
    return {**row, **keys, **amounts, "ordered_at": NOON, "customer_id": "C1", **given}


def a_customer(name: str, total: int) -> Row:
    counts = dict.fromkeys((*customer_360.COUNTED, *customer_360.SUMMED), 0)
    lists: Row = {"source_users": [], "emails": [], "phones": []}
    return {**counts, **lists, "customer_id": name, "is_deleted": False, "total_amount": Decimal(total)}


TABLES = {
    fact_order.TABLE: [
        a_fact(1),
        a_fact(2, channel="till", total_amount=Decimal(5)),
        a_fact(3, status="cancelled"),
        a_fact(4, customer_id="C2", ordered_at=NOON + timedelta(days=30), product_key=0),
    ],
    dim_products.TABLE: [{"product_key": 8, "sku": "P1", "department": "MEAT"}, {"product_key": 0, "sku": "unknown"}],
    dim_users.TABLE: [
        {"user_key": 7, "source": "shop", "source_user_id": "1", "income_band": "35-49K", "is_current": True}
        | {"is_deleted": False}
    ],
    dim_date.TABLE: [{"date_key": 20170109, "date": NOON.date(), "year": 2017, "week": 2}],
    customer_360.TABLE: [a_customer("C1", 9), a_customer("C2", 2)],
}
ANSWERS = (
    [
        {"day": NOON.date(), "channel": "till", "orders": 1, "amount": Decimal("5.00")},
        {"day": NOON.date(), "channel": "web", "orders": 1, "amount": Decimal("2.00")},
    ],
    [
        {"department": "MEAT", "income_band": "35-49K", "units": 4, "amount": Decimal("7.00")},
        {"department": None, "income_band": "35-49K", "units": 2, "amount": Decimal("2.00")},
    ],
    [{"year": 2017, "week": 2, "orders": 3, "amount": Decimal("9.00")}],
)


@pytest.fixture
def release(lake_settings: LakeSettings) -> Release:
    catalog, snapshots = open_catalog(lake_settings), {}
    catalog.create_namespace("gold")
    for table, rows in TABLES.items():
        schema = to_arrow_schema(table.schema)
        filled = [{name: row.get(name) for name in schema.names} for row in rows]
        stored = catalog.create_table(table.name, schema)
        stored.append(pa.Table.from_pylist(filled, schema))
        snapshots[table.name] = stored.metadata.current_snapshot_id or 0
    return Release("R1", NOON, snapshots)


def test_the_readme_asks_three_questions() -> None:
    assert len(QUESTIONS) == len(ANSWERS)


def test_duckdb_answers_the_questions_of_the_readme(release: Release, lake_settings: LakeSettings) -> None:
    catalog = open_catalog(lake_settings)
    assert tuple(query.run(catalog, release, sql).to_pylist() for sql in QUESTIONS) == ANSWERS


def test_spark_answers_them_alike(release: Release, lake_settings: LakeSettings, spark: SparkSession) -> None:
    own = session.on_lake(spark, lake_settings)
    own.sql("use spark_catalog")
    answers = [spark_query.answer(own, lake_settings.catalog_name, release, sql).to_pylist() for sql in QUESTIONS]
    assert tuple(answers) == ANSWERS
