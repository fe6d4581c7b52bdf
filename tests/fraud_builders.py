"""Orders, labels, models and a lake for the tests of fraud."""

import hashlib
import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from fraud import exports
from fraud.features import DAY_MS, HOUR_MS, Features
from fraud.model import Model
from fraud.orders import Label, Order
from fraud.rules import Limits
from fraud.scoring import Policy
from fraud.units import EPOCH
from hypothesis import strategies as st
from pyiceberg.catalog import Catalog
from shopsphere_kit import lake
from shopsphere_kit.settings import LakeSettings

# A Wednesday, at noon.
NOON = datetime(2017, 3, 1, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)
# The midnight before.
START_MS = NOON_MS - NOON_MS % DAY_MS
POLICY = Policy(0.3, 0.8, Limits(22_000, 100_000, 5, frozenset({"card-stolen"})))
_numbers = itertools.count(1)


def an_order(**changes: Any) -> Order:
    """An unremarkable order, each with its own id."""
    plain = Order(f"O{next(_numbers)}", "U1", 1, "card-1", 2_500, 4, 2, NOON_MS)
    return replace(plain, **changes)


def earlier(milliseconds: int, **changes: Any) -> Order:
    """An order placed that long before noon."""
    return an_order(ordered_at_ms=NOON_MS - milliseconds, **changes)


def a_label(order: Order, *, is_fraud: bool = True, known_at_ms: int = NOON_MS) -> Label:
    """A verdict on an order."""
    return Label(order.order_id, is_fraud, known_at_ms)


def a_model() -> Model:
    """The prior model at a base rate of one per cent: it moves with amount, card and store."""
    return Model(exports.prior(0.01))


class FixedModel:
    """Says the same of every order."""

    version = "fixed"

    def __init__(self, score: float) -> None:
        self._score = score

    def score(self, features: Features) -> float:
        return self._score


class DigestModel:
    """Scores with bits of a digest over all features: one that differs anywhere gives another score."""

    version = "digest"

    def score(self, features: Features) -> float:
        digest = hashlib.sha256(repr(features).encode()).digest()
        # 24 bits fill the mantissa of a float32, so that the score is one exactly.
        return int.from_bytes(digest[:3], "big") / 2**24


def twenty_days(seed: int = 1, frauds: float = 0.08) -> tuple[list[Order], list[Label]]:
    """Twenty days of orders in which fraud is a large amount on a fresh card, known a day later."""
    chance = random.Random(seed)  # noqa: S311 - a reproducible scenario, no secret
    orders, labels = [], []
    for number in range(1_200):
        is_fraud = chance.random() < frauds
        order = Order(
            order_id=str(number),
            user_id=f"U{chance.randrange(80)}",
            store_id=chance.randrange(5),
            card_token=f"stolen-{number}" if is_fraud else f"card-{chance.randrange(80)}",
            amount_minor=chance.randrange(8_000, 20_000) if is_fraud else chance.randrange(500, 10_000),
            units=chance.randrange(1, 9),
            line_count=chance.randrange(1, 5),
            ordered_at_ms=START_MS + chance.randrange(20 * DAY_MS),
        )
        orders.append(order)
        if is_fraud:
            labels.append(a_label(order, known_at_ms=order.ordered_at_ms + DAY_MS))
    return orders, labels


# Few entities and round times, so that histories overlap, tie and touch the edges of windows.
order_times = st.builds(
    lambda days, hours, ms: NOON_MS - days * DAY_MS - hours * HOUR_MS - ms,
    st.integers(0, 35),
    st.integers(0, 2),
    st.sampled_from((0, 0, 0, 1)),
)


@st.composite
def order_lists(draw: st.DrawFn) -> list[Order]:
    """Lists of orders with distinct ids."""
    ids = draw(st.lists(st.text("0123456789", min_size=1, max_size=3), min_size=1, max_size=25, unique=True))
    return [
        Order(
            order_id=order_id,
            user_id=draw(st.sampled_from((None, "U1", "U2"))),
            store_id=draw(st.sampled_from((1, 2))),
            card_token=draw(st.sampled_from(("card-1", "card-2", "card-3"))),
            amount_minor=draw(st.integers(0, 50_000)),
            units=draw(st.integers(0, 9)),
            line_count=draw(st.integers(1, 5)),
            ordered_at_ms=draw(order_times),
        )
        for order_id in ids
    ]


def label_lists(orders: Sequence[Order]) -> st.SearchStrategy[list[Label]]:
    """Lists of labels on the orders: several on one, contradicting ones, known at ties, or long after."""
    return st.lists(
        st.builds(
            Label,
            order_id=st.sampled_from([order.order_id for order in orders]),
            is_fraud=st.booleans(),
            known_at_ms=order_times,
        ),
        max_size=12,
    )


def _schema(fields: dict[str, pa.DataType]) -> pa.Schema:
    return pa.schema(fields)


ORDERS_SCHEMA = _schema(
    {
        "order_id": pa.string(),
        "line_number": pa.int32(),
        "channel": pa.string(),
        "status": pa.string(),
        "source_user_id": pa.string(),
        "store_id": pa.int64(),
        "card_token": pa.string(),
        "quantity": pa.int64(),
        "total_amount": pa.decimal128(18, 2),
        "ordered_at": pa.timestamp("us", "UTC"),
    }
)
LABELS_SCHEMA = _schema(
    {
        "order_id": pa.string(),
        "is_fraud": pa.bool_(),
        "known_at": pa.timestamp("us", "UTC"),
        "event_id": pa.string(),
    }
)
RELEASES_SCHEMA = _schema(
    {
        "release_id": pa.string(),
        "created_at": pa.timestamp("us", "UTC"),
        "tables": pa.map_(pa.string(), pa.int64()),
    }
)


def order_lines(order: Order, *, channel: str = "web", status: str = "completed") -> list[dict[str, Any]]:
    """The lines of an order in silver: all but one are free and empty, the last carries what remains."""
    common = {
        "order_id": order.order_id,
        "channel": channel,
        "status": status,
        "source_user_id": order.user_id,
        "store_id": order.store_id,
        "card_token": order.card_token,
        "ordered_at": EPOCH + timedelta(milliseconds=order.ordered_at_ms),
    }
    last = order.line_count
    return [
        {
            **common,
            "line_number": number,
            "quantity": order.units if number == last else 0,
            "total_amount": Decimal(order.amount_minor if number == last else 0).scaleb(-2),
        }
        for number in range(1, last + 1)
    ]


def lines_table(lines: Sequence[dict[str, Any]]) -> pa.Table:
    """Order lines as the lake gives them."""
    return pa.Table.from_pylist(list(lines), ORDERS_SCHEMA)


def _write(catalog: Catalog, name: str, rows: pa.Table) -> int:
    table = catalog.create_table_if_not_exists(name, schema=rows.schema)
    table.append(rows)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    return snapshot.snapshot_id


def a_lake(settings: LakeSettings, lines: Sequence[dict[str, Any]], labels: Sequence[Label]) -> Catalog:
    """Write a release with the two silver tables that fraud reads."""
    catalog = lake.open_catalog(settings)
    for namespace in (lake.SILVER, lake.GOLD):
        catalog.create_namespace_if_not_exists(namespace)
    known = [
        {
            "order_id": each.order_id,
            "is_fraud": each.is_fraud,
            "known_at": EPOCH + timedelta(milliseconds=each.known_at_ms),
            "event_id": str(number),
        }
        for number, each in enumerate(labels)
    ]
    snapshots = {
        "silver.orders_unified": _write(catalog, "silver.orders_unified", lines_table(lines)),
        "silver.fraud_labels": _write(catalog, "silver.fraud_labels", pa.Table.from_pylist(known, LABELS_SCHEMA)),
    }
    release = {"release_id": "R-test", "created_at": NOON, "tables": list(snapshots.items())}
    _write(catalog, lake.RELEASES, pa.Table.from_pylist([release], RELEASES_SCHEMA))
    return catalog
