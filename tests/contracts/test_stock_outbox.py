"""What every stock store does with the sales of confirmed reservations, and what it tells of its own state."""

import pytest
from inventory.errors import AnswerTooLarge
from inventory.holds import Line
from inventory.journal import Item
from inventory.store import SetAside, Taken, View
from inventory_builders import (
    BREAD,
    NOON,
    SOAP,
    TOPIC,
    a_movement,
    a_reservation,
    confirmation,
    once,
    positioned,
    stocked,
)
from inventory_shop import Shop, held, numbers, shop

__all__ = ["shop"]


async def test_confirming_puts_one_sale_per_line_into_the_outbox(shop: Shop) -> None:
    await stocked(shop.store, 10)
    await stocked(shop.store, 5, BREAD)
    hold = held(await shop.store.reserve(a_reservation(4, SOAP, Line(BREAD, 1)), once()))
    assert await shop.store.outbox(10) == []
    decision = await shop.store.confirm(confirmation(hold.reservation_id), once("paid"))
    await shop.store.confirm(confirmation(hold.reservation_id), once("paid"))
    owed = await shop.store.outbox(10)
    assert [
        (each.movement.event_id, each.movement.item, each.movement.quantity, each.movement.occurred_at) for each in owed
    ] == [
        (f"reservation:{hold.reservation_id}:1", SOAP, -4, decision.as_of),
        (f"reservation:{hold.reservation_id}:2", BREAD, -1, decision.as_of),
    ]
    assert await shop.store.outbox(1) == owed[:1]
    assert (await shop.store.taken(TOPIC)).outbox == 2


async def test_only_what_the_topic_has_leaves_the_outbox(shop: Shop) -> None:
    await stocked(shop.store, 10)
    for _ in range(2):
        hold = held(await shop.store.reserve(a_reservation(1), once()))
        await shop.store.confirm(confirmation(hold.reservation_id), once())
    first, second = await shop.store.outbox(10)
    await shop.store.sent([first])
    await shop.store.sent([first])
    await shop.store.sent([])
    assert await shop.store.outbox(10) == [second]


async def test_a_sale_that_comes_back_from_the_topic_is_a_duplicate(shop: Shop) -> None:
    await stocked(shop.store, 10)
    hold = held(await shop.store.reserve(a_reservation(4), once()))
    await shop.store.confirm(confirmation(hold.reservation_id), once())
    sale = (await shop.store.outbox(1))[0].movement
    tally = await shop.store.apply_movements(TOPIC, positioned(sale, start=1))
    assert (tally.applied, tally.duplicates) == (0, 1)
    assert await numbers(shop.store) == (6, 0)


async def test_a_sale_that_the_topic_told_before_the_confirmation_counts_once(shop: Shop) -> None:
    await stocked(shop.store, 10)
    hold = held(await shop.store.reserve(a_reservation(4), once()))
    told = a_movement(-4, kind="sale", event_id=f"reservation:{hold.reservation_id}:1")
    await shop.store.apply_movements(TOPIC, positioned(told, start=1))
    await shop.store.confirm(confirmation(hold.reservation_id), once())
    assert await numbers(shop.store) == (6, 0)
    assert await shop.store.outbox(10) == []


async def test_a_confirmation_takes_the_units_even_when_the_last_count_is_dated_ahead(shop: Shop) -> None:
    ahead = NOON.replace(year=2190)
    await shop.store.apply_movements(TOPIC, positioned(a_movement(10, kind="count", occurred_at=ahead)))
    hold = held(await shop.store.reserve(a_reservation(4), once()))
    await shop.store.confirm(confirmation(hold.reservation_id), once())
    assert await numbers(shop.store) == (6, 0)
    assert [each.movement.occurred_at for each in await shop.store.outbox(10)] == [ahead]


async def test_the_state_tells_what_was_taken(shop: Shop) -> None:
    receipt = a_movement(10)
    batch = positioned(receipt, SetAside("empty"), receipt, start=3, partition=2)
    await shop.store.apply_movements(TOPIC, batch)
    hold = held(await shop.store.reserve(a_reservation(4), once()))
    await shop.store.confirm(confirmation(hold.reservation_id), once())
    assert await shop.store.taken(TOPIC) == Taken(movements=3, quarantined=1, event_ids=2, outbox=1)


async def test_balances_can_be_read_at_one_location(shop: Shop) -> None:
    await shop.store.apply_movements(TOPIC, positioned(a_movement(10), a_movement(4, Item("P1", "S2"))))
    found = (await shop.store.availability(["P1", "P404"], View("S2"))).skus
    assert [(sku, list(locations)) for sku, locations in found.items()] == [("P1", ["S2"]), ("P404", [])]


async def test_an_answer_with_too_many_balances_is_refused(shop: Shop) -> None:
    await shop.store.apply_movements(TOPIC, positioned(*[a_movement(1, Item("P1", f"S{each}")) for each in range(4)]))
    with pytest.raises(AnswerTooLarge, match="4 balances"):
        await shop.store.availability(["P1"])
    assert list((await shop.store.availability(["P1"], View("S3"))).skus["P1"]) == ["S3"]
