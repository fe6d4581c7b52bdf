"""How the files of a table lie: a partition per day, and within it the order that questions are asked in."""

from decimal import Decimal

import pytest
from bronze_builders import at, frame
from transform.storage import Lake, move_main
from transform.tables import fact_order

pytestmark = pytest.mark.servers
FACTS = fact_order.TABLE


def a_fact(number: int, customer: str) -> dict[str, object]:
    keys = dict.fromkeys(("user_key", "product_key", "store_key", "date_key"), 0)
    amounts = dict.fromkeys(("unit_price", "discount_amount", "total_amount"), Decimal("1.00"))
    texts = {"order_id": str(number), "channel": "web", "status": "placed", "currency": "USD", "customer_id": customer}
    return {**keys, **amounts, **texts, "line_number": 1, "quantity": 1, "ordered_at": at(number % 2)}


def test_a_day_of_facts_is_one_file_ordered_by_customer(lake: Lake) -> None:
    lake.prepare(FACTS, "run_first", None)
    lake.prepare(FACTS, "run_second", None)
    facts = [a_fact(number, f"C{(number * 7) % 10}") for number in range(10)]

    written = lake.replace(FACTS, "run_second", frame(lake.spark, FACTS.schema, facts))

    move_main(lake.catalog, FACTS.name, written)
    stored = lake.catalog.load_table(FACTS.name)
    by = [stored.schema().find_column_name(field.source_id) for field in stored.sort_order().fields]
    assert by == list(FACTS.sorted_by)
    days = [
        lake.spark.read.parquet(task.file.file_path).select("customer_id").collect()
        for task in stored.scan().plan_files()
    ]
    assert [len(day) for day in days] == [5, 5]
    assert all(day == sorted(day) for day in days)
