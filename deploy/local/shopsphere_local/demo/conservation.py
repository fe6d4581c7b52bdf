"""Rows in = rows out + rows in quarantine, at every hop, each side counted where it lies.

What goes in is counted by its grain: a change log holds many rows of one order, a topic delivers some events twice. So
a hop's `in` is the number of distinct records, and duplicates and superseded versions are no loss.
"""

from typing import Any, TypedDict

import psycopg
from pymongo import MongoClient
from shopsphere_kit import topics

from shopsphere_local.demo.broker import topic_records
from shopsphere_local.demo.equality import SHOP_KEYS
from shopsphere_local.demo.folding import STANDING, live
from shopsphere_local.demo.lakehouse import Bronze, Lakehouse, query
from shopsphere_local.journey.bootstrap import Document

# Silver tables whose grain is one event, and the bronze topic each comes from.
EVENT_TABLES = {
    "events_clean": "bronze_kafka__events",
    "stock_movements_clean": "bronze_kafka__stock_movements",
    "fraud_labels": "bronze_kafka__fraud_labels",
}
INGESTED_TOPICS = (topics.EVENTS, topics.STOCK_MOVEMENTS, topics.FRAUD_LABELS, topics.FRAUD_DECISIONS)


# `in` is a keyword, so the shape is given in the functional form. All counts are records.
HopCounts = TypedDict("HopCounts", {"in": int, "out": int, "quarantined": int})


def hop(came_in: int, went_out: int, quarantined: int = 0) -> HopCounts:
    """A hop's balance."""
    return {"in": came_in, "out": went_out, "quarantined": quarantined}


def postgres_hops(lake: Lakehouse, dsn: str) -> dict[str, HopCounts]:
    """Source rows against the live rows that folding bronze by key gives."""
    hops = {}
    with psycopg.connect(dsn) as connection:
        for table, key in SHOP_KEYS.items():
            row = connection.execute(f"SELECT count(*) FROM public.{table}").fetchone()  # noqa: S608
            hops[f"postgres.{table} → bronze"] = hop(
                int(row[0]) if row else 0,
                live_rows(lake, f"bronze_postgres__{table}", key),
                lake.quarantined(f"postgres:public.{table}"),
            )
    return hops


def live_rows(lake: Bronze, table: str, key: tuple[str, ...]) -> int:
    """Keys whose newest change in a bronze table is no delete."""
    columns = ", ".join(f'"{column}"' for column in key)
    rows = lake.bronze(table, (*key, "_op", "_position"))
    return int(query(live("count(*)", columns), {"rows": rows})[0][0])


def mongo_hop(lake: Lakehouse, uri: str) -> dict[str, HopCounts]:
    """Source documents against the live documents of bronze."""
    with MongoClient[Document](uri) as client:
        documents = client["marketplace"]["marketplace_orders"].count_documents({})
    found = live_rows(lake, "bronze_mongo__marketplace_orders", ("_id",))
    quarantined = lake.quarantined("mongo:marketplace.marketplace_orders")
    return {"mongo.marketplace_orders → bronze": hop(documents, found, quarantined)}


def kafka_hops(lake: Lakehouse, bootstrap: str) -> dict[str, HopCounts]:
    """Records on each topic against the rows of bronze, good and rejected; the rejected ones against quarantine."""
    hops = {}
    for topic in INGESTED_TOPICS:
        good, rejected = lake.record_counts("bronze_kafka__" + topic.name.replace("-", "_"))
        quarantined = lake.quarantined(f"kafka:{topic.name}")
        hops[f"kafka.{topic.name} → bronze"] = hop(topic_records(bootstrap, topic.name), good + rejected)
        hops[f"bronze.{topic.name} rejected → quarantine"] = hop(rejected, 0, quarantined)
    return hops


def stock_hop(bootstrap: str, audit: dict[str, Any]) -> dict[str, HopCounts]:
    """Records on the topic against what inventory took in: applied, known already, or set aside."""
    records = topic_records(bootstrap, topics.STOCK_MOVEMENTS.name)
    taken = audit["applied"] + audit["duplicates"]
    return {"kafka.stock-movements → inventory": hop(records, taken, audit["quarantined"])}


def decisions_hop(lake: Lakehouse, offered: int) -> dict[str, HopCounts]:
    """Web orders of the scored days in the shop's database against the orders that decisions in bronze speak of."""
    rows = lake.records("bronze_kafka__fraud_decisions", ("value",))
    decided = query("SELECT count(DISTINCT decode(value) ->> '$.order_id') FROM rows", {"rows": rows})
    return {"postgres.orders → fraud → bronze": hop(offered, int(decided[0][0]))}


def silver_hops(lake: Lakehouse, silver: dict[str, int]) -> dict[str, HopCounts]:
    """Distinct records of bronze against the rows that silver kept and refused."""
    came_in = {"orders_unified": order_lines(lake)} | {
        table: distinct_events(lake, source) for table, source in EVENT_TABLES.items()
    }
    hops = {
        f"bronze → silver.{table}": hop(count, silver[table], lake.rejected(f"silver.{table}"))
        for table, count in came_in.items()
    }
    return hops | {"bronze → silver.users_scd": hop(people(lake), people_kept(lake), lake.rejected("silver.users_scd"))}


def gold_hops(lake: Lakehouse, silver: dict[str, int], gold: dict[str, Any]) -> dict[str, HopCounts]:
    """Silver rows against gold rows; every dimension has one member more, the unknown one."""
    customers = lake.published("silver.customer_identities", ("customer_id",))
    distinct = query("SELECT count(DISTINCT customer_id) FROM rows", {"rows": customers})
    return {
        "silver.orders_unified → gold.fact_order": hop(silver["orders_unified"], gold["fact_order"]["rows"]),
        "silver.users_scd → gold.dim_users": hop(silver["users_scd"], gold["dim_users"]["rows"]),
        "silver.customer_identities → gold.customer_360": hop(int(distinct[0][0]), gold["customer_360"]),
    }


def people(lake: Bronze) -> int:
    """Distinct source users in bronze: the shop's accounts, and the marketplace's buyers."""
    users = lake.bronze("bronze_postgres__users", ("user_id", "_op", "_position"))
    documents = lake.bronze("bronze_mongo__marketplace_orders", ("document",))
    buyers = query("SELECT count(DISTINCT document ->> '$.buyer.buyer_id') FROM rows", {"rows": documents})
    shop = query(f"SELECT count(DISTINCT user_id) FROM {STANDING}", {"rows": users})  # noqa: S608 - a constant
    return int(shop[0][0]) + int(buyers[0][0])


def people_kept(lake: Lakehouse) -> int:
    """Distinct source users with a history in silver."""
    rows = lake.published("silver.users_scd", ("source", "source_user_id"))
    distinct = "SELECT count(*) FROM (SELECT DISTINCT source, source_user_id FROM rows)"
    return int(query(distinct, {"rows": rows})[0][0])


def order_lines(lake: Bronze) -> int:
    """Live order lines in bronze: the shop's rows and the marketplace's items; a document without a list counts one."""
    shop = live_rows(lake, "bronze_postgres__order_items", SHOP_KEYS["order_items"])
    documents = lake.bronze("bronze_mongo__marketplace_orders", ("_id", "document", "_op", "_position"))
    items = "CASE json_type(document, '$.items') WHEN 'ARRAY' THEN json_array_length(document, '$.items') ELSE 1 END"
    return shop + int(query(live(f"coalesce(sum({items}), 0)", "_id"), {"rows": documents})[0][0])


def distinct_events(lake: Bronze, table: str) -> int:
    """Distinct event ids among a bronze topic's records."""
    rows = lake.records(table, ("value",))
    return int(query("SELECT count(DISTINCT decode(value) ->> '$.event_id') FROM rows", {"rows": rows})[0][0])
