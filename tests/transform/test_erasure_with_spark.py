"""An erasure of a lake that Spark wrote: Spark reads every old snapshot, and what it builds anew has nobody again."""

from decimal import Decimal

import pytest
from bronze_builders import a_product, a_store, an_item, at, write_bronze
from erasure_builders import ANN, KEY, PeopleLake
from pyspark.sql import functions as F
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.lake import latest_release
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.suppressed_people import SuppressedPeople, suppress
from shopsphere_kit.suppression import Mark
from transform import bronze, jobs, tables
from transform.content import content_hash
from transform.erasure.second_net import without_forgotten
from transform.storage import Lake

# Two whole runs of transform, of which each takes a minute or two on a busy machine.
pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]


@pytest.fixture
def people(lake: Lake, lake_settings: LakeSettings) -> PeopleLake:
    made = PeopleLake(lake_settings)
    made.fill_users()
    made.fill_orders()
    made.quarantine()
    return made


def fill_dimensions(made: PeopleLake) -> None:
    write_bronze(made.catalog, bronze.PRODUCTS, [a_product(1)])
    write_bronze(made.catalog, bronze.STORES, [a_store(1)])
    write_bronze(made.catalog, bronze.ORDER_ITEMS, [an_item(1), an_item(2)])


def of_others(lake: Lake, customers: list[str], users: list[str]) -> dict[str, str]:
    """The content of every snapshot of silver and gold, but for the rows of these customers and their source users."""
    found = {}
    for table in (table for table in tables.TABLES if table.personal or table.name == "gold.fact_order"):
        for snapshot in lake.catalog.load_table(table.name).snapshots():
            rows = lake.at_snapshot(table.name, snapshot.snapshot_id)
            if table.personal and "customer_id" in rows.columns:
                rows = rows.where(~F.coalesce(F.col("customer_id").isin(customers), F.lit(False)))
            elif table.personal and "source_user_id" in rows.columns:
                rows = rows.where(~F.col("source_user_id").isin(users))
            elif table.name == "silver.quarantine":
                rows = rows.drop("row")
            found[f"{table.name} {snapshot.snapshot_id}"] = content_hash(rows)
    return found


@pytest.mark.long
def test_spark_reads_every_snapshot_and_a_run_after_it_brings_nobody_back(lake: Lake, people: PeopleLake) -> None:
    fill_dimensions(people)
    jobs.run(lake, ManualClock(at(30)))
    identities = lake.spark.table(lake.full_name("silver.customer_identities"))
    theirs = identities.where("source_user_id in ('1', 'B-1')").select("customer_id").distinct().collect()
    customers = [row["customer_id"] for row in theirs]
    of_customers = identities.where(F.col("customer_id").isin(customers)).select("source_user_id").collect()
    users_of_them = [row["source_user_id"] for row in of_customers]
    before = of_others(lake, customers, users_of_them)
    assert statistics_of_personal_columns(people) == set()

    receipt = people.erase(customers=tuple(customers))

    assert receipt.is_complete
    assert people.scan().hits == set()
    assert of_others(lake, customers, users_of_them) == before
    jobs.run(lake, ManualClock(at(32)), full=True)
    assert people.scan().hits == set()
    newest = latest_release(lake.catalog)
    assert newest is not None
    users = lake.at_snapshot("gold.dim_users", newest.snapshots["gold.dim_users"])
    assert {row["email"] for row in users.where("source_user_id in ('1', 'B-1')").collect()} == {None}
    facts = lake.at_snapshot("gold.fact_order", newest.snapshots["gold.fact_order"])
    assert facts.where("order_id in ('1', 'MP-1')").agg(F.sum("total_amount")).collect()[0][0] == Decimal("5.48")


def statistics_of_personal_columns(people: PeopleLake) -> set[str]:
    """Where in silver and gold a statistic or a bound holds something of Ann."""
    hits = people.scan(*ANN, "user2@shop.example", "card-of-bob").hits
    return {
        f"{hit.file} {hit.where}"
        for hit in hits
        if hit.file.startswith(("silver", "gold"))
        and any(word in hit.where for word in ("statistics", "bounds", "index"))
    }


def test_people_who_came_back_in_bronze_all_the_same_are_not_read(lake: Lake, people: PeopleLake) -> None:
    suppress(people.catalog, KEY, [Mark("shop", "1")], at(), "E1")
    suppressed = SuppressedPeople(people.catalog, KEY).now()

    rows = without_forgotten(bronze.USERS, lake.spark.table(lake.full_name(bronze.USERS)), suppressed)

    assert {row["email"] for row in rows.where("user_id = 1").collect()} == {None}
    assert rows.where("user_id = 2 and email is null").count() == 0
    fill_dimensions(people)
    products = lake.spark.table(lake.full_name(bronze.PRODUCTS))
    assert without_forgotten(bronze.PRODUCTS, products, suppressed) is products
