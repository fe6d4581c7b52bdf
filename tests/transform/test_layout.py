"""How the files of a table lie: a partition per day, and within it the order that questions are asked in."""

from decimal import Decimal
from typing import Any

import pytest
from bronze_builders import at, frame
from pyiceberg.exceptions import CommitFailedException
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
    days = customers_by_file(lake)
    assert [len(day) for day in days] == [5, 5]
    assert all(day == sorted(day) for day in days)


def test_what_is_left_of_a_day_stays_one_file_in_its_order_and_other_days_are_not_touched(lake: Lake) -> None:
    lake.prepare(FACTS, "run_first", None)
    facts = [a_fact(number, f"C{(number * 7) % 10}") for number in range(10)]
    written = lake.replace(FACTS, "run_first", frame(lake.spark, FACTS.schema, facts))
    move_main(lake.catalog, FACTS.name, written)
    before = {task.file.file_path for task in lake.catalog.load_table(FACTS.name).scan().plan_files()}
    gone = frame(lake.spark, FACTS.schema, [facts[1], facts[3]]).select(*FACTS.grain)

    left = lake.take_out(FACTS, "run_first", gone, "true")

    move_main(lake.catalog, FACTS.name, left)
    after = {task.file.file_path for task in lake.catalog.load_table(FACTS.name).scan().plan_files()}
    assert len(before & after) == 1
    assert sorted(customers_by_file(lake)) == [["C0", "C2", "C4", "C6", "C8"], ["C3", "C5", "C9"]]


def test_a_table_of_before_gets_the_properties_it_lacks(lake: Lake) -> None:
    lake.prepare(FACTS, "run_first", None)
    lost = "write.delete.distribution-mode"
    with lake.catalog.load_table(FACTS.name).transaction() as change:
        change.remove_properties(lost)
    lake.prepare(FACTS, "run_second", None)
    assert lake.catalog.load_table(FACTS.name).properties[lost] == "none"


def test_a_branch_is_started_though_maintenance_commits_in_between(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.prepare(FACTS, "run_first", None)
    base = lake.replace(FACTS, "run_first", frame(lake.spark, FACTS.schema, [a_fact(1, "C1")]))
    commit, refusals = lake.catalog.commit_table, iter(range(2))

    def refused(*given: Any) -> Any:
        if next(refusals, None) is not None:
            raise CommitFailedException("the table has changed")
        return commit(*given)

    monkeypatch.setattr(lake.catalog, "commit_table", refused)
    lake.prepare(FACTS, "run_second", base)
    assert next(refusals, None) is None
    assert lake.catalog.load_table(FACTS.name).metadata.refs["run_second"].snapshot_id == base


def customers_by_file(lake: Lake) -> list[list[str]]:
    """The customers of each file of the facts, in the order in which they lie there."""
    paths = [task.file.file_path for task in lake.catalog.load_table(FACTS.name).scan().plan_files()]
    return [[row[0] for row in lake.spark.read.parquet(path).select("customer_id").collect()] for path in paths]
