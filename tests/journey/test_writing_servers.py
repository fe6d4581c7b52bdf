"""Two days written into real servers, read back from them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from bson.decimal128 import Decimal128
from confluent_kafka import Consumer, TopicPartition
from journey_builders import first_days
from psycopg.conninfo import make_conninfo
from pymongo import MongoClient
from shopsphere_kit import topics
from shopsphere_kit.errors import FailedPrecondition
from shopsphere_local.journey import Journey, open_connections
from shopsphere_local.journey.channels import Channel
from shopsphere_local.journey.orders import Order
from shopsphere_local.journey.shop import AccountClosed, ProfileChanged

pytestmark = pytest.mark.servers

# The first days in which someone changes a profile; the test looks at what was written, not at which days these are.
DAYS = 2


@pytest.fixture(scope="module")
def shop_dsn(postgres_dsn: str) -> Iterator[str]:
    """A database of its own: other tests own the shop."""
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        admin.execute("create database journey_test")
        yield make_conninfo(postgres_dsn, dbname="journey_test")
        admin.execute("drop database journey_test with (force)")


@pytest.fixture(scope="module")
def written(shop_dsn: str, mongo_uri: str, kafka_bootstrap: str) -> Iterator[Counter[str]]:
    """Seeds the sources, writes two days, and says how many records each topic held before."""
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client["marketplace"]["marketplace_orders"].drop()
    with closing(Journey(DAYS)) as journey:
        journey.seed_sources(shop_dsn, mongo_uri, kafka_bootstrap)
        before = records_in(kafka_bootstrap)
        with open_connections(shop_dsn, mongo_uri, kafka_bootstrap) as connections:
            for day in journey.days():
                journey.replay_day(day, connections)
    yield before
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client["marketplace"]["marketplace_orders"].drop()


def records_in(bootstrap: str) -> Counter[str]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "journey-test", "enable.auto.commit": False})
    found: Counter[str] = Counter()
    for topic in topics.ALL:
        for partition in range(topic.partitions):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic.name, partition), timeout=30)
            found[topic.name] += high - low
    consumer.close()
    return found


def orders() -> list[Order]:
    return list(Journey(DAYS).orders())


def test_the_shop_holds_every_order_line_to_the_cent(written: Counter[str], shop_dsn: str) -> None:
    wanted = [o for o in orders() if o.channel is not Channel.MARKETPLACE]
    with psycopg.connect(shop_dsn) as shop:
        lines = shop.execute("select count(*), sum(line_amount), sum(quantity) from order_items").fetchone()
        heads = shop.execute("select count(*), sum(total_amount) from orders").fetchone()
    amount = Decimal(sum(o.amount for o in wanted)).scaleb(-2)
    assert lines == (sum(len(o.lines) for o in wanted), amount, sum(o.quantity for o in wanted))
    assert heads == (len(wanted), amount)


def test_customers_products_and_stores_are_there_and_the_closed_accounts_gone(
    written: Counter[str], shop_dsn: str
) -> None:
    transactions = [t for day in first_days()[:DAYS] for t in day.transactions]
    closed = sum(isinstance(t, AccountClosed) for t in transactions)
    with psycopg.connect(shop_dsn) as shop:
        counts = shop.execute(
            "select (select count(*) from users), (select count(*) from products), (select count(*) from stores)"
        ).fetchone()
        for change in transactions:
            if isinstance(change, ProfileChanged):
                row = shop.execute(
                    "select email, phone, street, updated_at from users where user_id = %s", (change.profile.user_id,)
                ).fetchone()
                p = change.profile
                assert row == (p.email, p.phone, p.street, p.updated_at)
    assert counts == (2_469 - closed, 92_331, 457)


def test_every_table_is_published_with_its_whole_old_row(written: Counter[str], shop_dsn: str) -> None:
    with psycopg.connect(shop_dsn) as shop:
        published = shop.execute("select tablename from pg_publication_tables where pubname = 'shopsphere'").fetchall()
        full = shop.execute(
            "select relname from pg_class where relreplident = 'f' and relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert set(published) == set(full) == {(t,) for t in ("users", "products", "stores", "orders", "order_items")}


def test_the_marketplace_holds_its_documents(written: Counter[str], mongo_uri: str) -> None:
    wanted = [o for o in orders() if o.channel is Channel.MARKETPLACE]
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        documents = list(client["marketplace"]["marketplace_orders"].find({"items": {"$type": "array"}}))
    assert {d["_id"] for d in documents} == {o.key for o in wanted}
    assert all(isinstance(d["payment"]["amount"], Decimal128) for d in documents)
    assert {d["status"] for d in documents} <= {"placed", "shipped", "cancelled"}
    assert "shipped" in {d["status"] for d in documents}


def test_the_topics_hold_every_record(written: Counter[str], kafka_bootstrap: str) -> None:
    wanted = Counter(m.topic for day in first_days()[:DAYS] for m in day.messages)
    assert records_in(kafka_bootstrap) - written == wanted


def test_sources_are_seeded_only_once(
    written: Counter[str], shop_dsn: str, mongo_uri: str, kafka_bootstrap: str
) -> None:
    with pytest.raises(FailedPrecondition, match="shopsphere reset"):
        Journey(DAYS).seed_sources(shop_dsn, mongo_uri, kafka_bootstrap)
