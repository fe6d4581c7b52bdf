"""The laws of the replay as a whole, on its first days."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import msgspec
from journey_builders import FIRST_DAYS, first_days, first_orders
from shopsphere_kit import topics
from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.events import BehaviourEvent, FraudLabel, StockMovement, decode_event
from shopsphere_local.journey import Journey
from shopsphere_local.journey.channels import Channel
from shopsphere_local.journey.messages import Message
from shopsphere_local.journey.shop import OrdersCommitted

SCHEMAS: dict[str, type[msgspec.Struct]] = {
    topics.STOCK_MOVEMENTS.name: StockMovement,
    topics.EVENTS.name: BehaviourEvent,
    topics.FRAUD_LABELS.name: FraudLabel,
}


def movements_of(messages: tuple[Message, ...]) -> list[StockMovement]:
    found = []
    for message in messages:
        if message.topic == topics.STOCK_MOVEMENTS.name:
            try:
                found.append(decode_event(message.value, StockMovement))
            except InvalidArgument:
                continue
    return found


def test_a_shorter_run_is_a_prefix_of_a_longer_one() -> None:
    assert tuple(Journey(2).days()) == first_days()[:2]


def test_another_seed_tells_another_story() -> None:
    assert next(Journey(1, seed=1).days()) != first_days()[0]


def test_input_and_bridge_give_the_order_lines_to_the_cent() -> None:
    journey = Journey(FIRST_DAYS)
    figures, bridge, orders = journey.input_figures(), journey.bridge(), first_orders()
    assert sum(len(o.lines) for o in orders) == figures["lines"] + sum(b["lines"] for b in bridge.values())
    assert sum(o.quantity for o in orders) == figures["quantity"] + sum(b["quantity"] for b in bridge.values())
    amounts = (b["amount"] for b in bridge.values())
    assert Decimal(sum(o.amount for o in orders)) / 100 == figures["sales_value"] + sum(amounts)


def test_every_order_reaches_the_shop_or_the_marketplace_once() -> None:
    wanted = Counter(o.key for o in first_orders() if o.channel is not Channel.MARKETPLACE)
    batches = [t for day in first_days() for t in day.transactions if isinstance(t, OrdersCommitted)]
    assert Counter(o.key for batch in batches for o in batch.orders) == wanted
    assert max(len(batch.orders) for batch in batches) <= 50


def test_stock_is_never_below_zero_in_the_order_of_time() -> None:
    on_hand: dict[tuple[str, str], int] = {}
    by_id = {m.event_id: m for day in first_days() for m in movements_of(day.messages)}
    first = {"count": 0, "receipt": 1}
    for m in sorted(by_id.values(), key=lambda m: (m.occurred_at, first.get(m.type, 2))):
        shelf = (m.sku, m.location)
        assert m.type == "count" or shelf in on_hand, f"{shelf} moved before its opening count"
        on_hand[shelf] = m.quantity if m.type == "count" else on_hand[shelf] + m.quantity
    assert min(on_hand.values()) >= 0


def test_what_was_delivered_so_far_never_leaves_stock_below_zero_at_the_end_of_a_day() -> None:
    on_hand: Counter[tuple[str, str]] = Counter()
    seen: set[str] = set()
    for day in first_days():
        for m in movements_of(day.messages):
            if m.event_id not in seen:
                seen.add(m.event_id)
                on_hand[m.sku, m.location] += m.quantity
        assert min(on_hand.values()) >= 0


def test_transfers_cancel_out() -> None:
    by_id = {m.event_id: m for day in first_days() for m in movements_of(day.messages) if m.type == "transfer"}
    assert by_id
    assert sum(m.quantity for m in by_id.values()) == 0


def test_there_is_one_sale_per_order_line() -> None:
    days = first_days()
    sales = {m.event_id for day in days for m in movements_of(day.messages) if m.type == "sale"}
    placed = sum(len(o.lines) for o in Journey(FIRST_DAYS - 1).orders() if not o.is_return)
    assert placed <= len(sales), "the sales of all days but the last have arrived, the late ones too"


def test_records_are_events_of_the_contract_but_for_the_malformed_ones() -> None:
    messages = [m for day in first_days() for m in day.messages]
    malformed = 0
    for message in messages:
        try:
            decode_event(message.value, SCHEMAS[message.topic])
        except InvalidArgument:
            malformed += 1
    assert 0.0005 < malformed / len(messages) < 0.0015


def test_dirt_comes_at_the_stated_rates() -> None:
    messages = [m for day in first_days() for m in day.messages]
    copies = Counter((m.identity, m.value) for m in messages)
    again = sum(count - 1 for count in copies.values())
    assert 0.008 < again / len(messages) < 0.012
    days = [(day.number, m) for day in first_days() for m in movements_of(day.messages) if m.type == "sale"]
    late = sum((m.occurred_at.date() - first_days()[n].date).days == -1 for n, m in days)
    assert 0.014 < late / len(days) < 0.022


def test_records_of_one_key_arrive_with_the_opening_count_first() -> None:
    seen: set[tuple[str, str]] = set()
    for day in first_days():
        for m in movements_of(day.messages):
            assert m.type == "count" or (m.sku, m.location) in seen
            seen.add((m.sku, m.location))


def test_fraud_is_two_to_five_percent_of_orders_without_a_card_at_hand() -> None:
    orders = [o for o in Journey(28).orders() if o.card_is_absent and not o.is_return]
    scenarios = Counter(o.scenario for o in orders)
    share = 1 - scenarios.pop(None) / len(orders)
    assert 0.02 < share < 0.05
    assert len(scenarios) == 3


def test_the_truth_is_written_beside_the_platform(tmp_path: Path) -> None:
    journey = Journey(7)
    count = journey.write_truth(tmp_path / "aside" / "truth.csv")
    lines = (tmp_path / "aside" / "truth.csv").read_text().splitlines()
    assert lines[0] == "order_id,channel,scenario,ordered_at,label_known_at"
    assert len(lines) - 1 == count == sum(o.scenario is not None for o in journey.orders())


def test_labels_say_the_truth_one_to_six_days_later() -> None:
    truth = {o.key: o for o in first_orders()}
    labels = [m for day in first_days() for m in day.messages if m.topic == topics.FRAUD_LABELS.name]
    assert labels
    for message in labels:
        label = decode_event(message.value, FraudLabel)
        order = truth[label.order_id]
        assert label.is_fraud == (order.scenario is not None)
        assert 1 <= (label.occurred_at - order.ordered_at).days < 6
