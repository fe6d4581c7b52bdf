"""What every stock store does: one suite, run on the store in memory and on the functions in a real Redis."""

from datetime import timedelta

import pytest
from inventory.errors import IdempotencyKeyReused
from inventory.holds import HoldState, Line
from inventory.journal import Item
from inventory.refusals import Refusal, Refused, Shortage
from inventory.store import SetAside
from inventory_builders import (
    BREAD,
    NOON,
    SOAP,
    TOPIC,
    a_movement,
    a_release,
    a_reservation,
    confirmation,
    once,
    positioned,
    stocked,
)
from inventory_shop import Shop, held, numbers, refused, shop

__all__ = ["shop"]

SOON = timedelta(milliseconds=60)


async def test_movements_change_what_is_on_hand(shop: Shop) -> None:
    batch = positioned(a_movement(10), a_movement(-3, kind="sale"), a_movement(5, BREAD))
    tally = await shop.store.apply_movements(TOPIC, batch)
    assert (tally.movements, tally.applied, tally.duplicates) == (3, 3, 0)
    assert await numbers(shop.store) == (7, 0)
    assert await numbers(shop.store, BREAD) == (5, 0)


async def test_an_unknown_sku_has_no_locations(shop: Shop) -> None:
    assert (await shop.store.availability(["P404"])).skus == {"P404": {}}


async def test_every_location_of_a_sku_is_shown(shop: Shop) -> None:
    elsewhere = Item(SOAP.sku, "S2")
    await shop.store.apply_movements(TOPIC, positioned(a_movement(4, elsewhere), a_movement(10)))
    found = (await shop.store.availability([SOAP.sku])).skus[SOAP.sku]
    assert [(location, balance.on_hand, balance.version) for location, balance in found.items()] == [
        ("S1", 10, 1),
        ("S2", 4, 1),
    ]


async def test_the_same_offset_counts_once(shop: Shop) -> None:
    batch = positioned(a_movement(10), a_movement(10))
    await shop.store.apply_movements(TOPIC, batch)
    again = await shop.store.apply_movements(TOPIC, batch)
    assert (again.movements, again.skipped) == (0, 2)
    assert await numbers(shop.store) == (20, 0)
    assert await shop.store.offsets(TOPIC) == {0: 1}


async def test_the_same_event_counts_once_at_whatever_offset(shop: Shop) -> None:
    receipt = a_movement(10)
    tally = await shop.store.apply_movements(TOPIC, positioned(receipt, receipt))
    later = await shop.store.apply_movements(TOPIC, positioned(receipt, start=7, partition=3))
    assert (tally.applied, tally.duplicates, later.duplicates) == (1, 1, 1)
    assert await numbers(shop.store) == (10, 0)


async def test_a_record_set_aside_is_counted_and_advances_the_offset(shop: Shop) -> None:
    await shop.store.apply_movements(TOPIC, positioned(a_movement(10), SetAside("not_json"), a_movement(1)))
    totals = await shop.store.totals()
    assert (totals.movements, totals.applied, totals.duplicates, totals.quarantined) == (3, 2, 0, 1)
    assert await shop.store.offsets(TOPIC) == {0: 2}


async def test_a_gap_in_the_offsets_is_told(shop: Shop) -> None:
    tally = await shop.store.apply_movements(TOPIC, positioned(a_movement(1), start=5))
    assert tally.gaps == 1


async def test_on_hand_may_fall_below_zero_but_nothing_is_promised_then(shop: Shop) -> None:
    await shop.store.apply_movements(TOPIC, positioned(a_movement(-4, kind="sale")))
    found = await shop.store.availability([SOAP.sku])
    balance = found.skus[SOAP.sku][SOAP.location]
    assert (balance.on_hand, found.promises[SOAP].available(balance)) == (-4, 0)


async def test_a_late_movement_is_covered_by_the_count_that_saw_it(shop: Shop) -> None:
    count = a_movement(8, kind="count", occurred_at=NOON)
    late_sale = a_movement(-2, kind="sale", occurred_at=NOON - timedelta(hours=1))
    await shop.store.apply_movements(TOPIC, positioned(count, late_sale))
    assert await numbers(shop.store) == (8, 0)


async def test_a_late_count_is_topped_up_with_what_came_after_it(shop: Shop) -> None:
    sale = a_movement(-2, kind="sale", occurred_at=NOON + timedelta(hours=1))
    late_count = a_movement(8, kind="count", occurred_at=NOON)
    await shop.store.apply_movements(TOPIC, positioned(sale, late_count))
    assert await numbers(shop.store) == (6, 0)


async def test_of_two_counts_of_one_instant_the_lower_stands(shop: Shop) -> None:
    counts = [a_movement(units, kind="count") for units in (8, 5, 9)]
    await shop.store.apply_movements(TOPIC, positioned(*counts))
    assert await numbers(shop.store) == (5, 0)


async def test_a_reservation_sets_units_apart(shop: Shop) -> None:
    await stocked(shop.store, 10)
    decision = await shop.store.reserve(a_reservation(4), once())
    hold = held(decision)
    assert (hold.state, hold.version, hold.created_at) == (HoldState.HELD, 1, decision.as_of)
    assert hold.expires_at == decision.as_of + timedelta(minutes=10)
    assert await numbers(shop.store) == (10, 4)


async def test_a_basket_is_reserved_as_a_whole_or_not_at_all(shop: Shop) -> None:
    await stocked(shop.store, 10)
    await stocked(shop.store, 1, BREAD)
    refusal = refused(await shop.store.reserve(a_reservation(4, SOAP, Line(BREAD, 2)), once()))
    assert refusal == Refused(Refusal.INSUFFICIENT_STOCK, shortages=(Shortage(BREAD, 2, 1),))
    assert await numbers(shop.store) == (10, 0)


async def test_what_is_reserved_cannot_be_reserved_again(shop: Shop) -> None:
    await stocked(shop.store, 10)
    await shop.store.reserve(a_reservation(8), once())
    refusal = refused(await shop.store.reserve(a_reservation(3), once()))
    assert refusal.shortages == (Shortage(SOAP, 3, 2),)


async def test_two_lines_of_one_item_are_counted_together(shop: Shop) -> None:
    await stocked(shop.store, 3)
    refusal = refused(await shop.store.reserve(a_reservation(2, SOAP, Line(SOAP, 2)), once()))
    assert refusal.shortages == (Shortage(SOAP, 4, 3),)
    hold = held(await shop.store.reserve(a_reservation(2, SOAP, Line(SOAP, 1)), once()))
    assert hold.lines == (Line(SOAP, 3),)


async def test_an_unknown_sku_cannot_be_reserved(shop: Shop) -> None:
    await stocked(shop.store, 3)
    nowhere = Item("P404", "S1")
    refusal = refused(await shop.store.reserve(a_reservation(1, nowhere, Line(SOAP, 1)), once()))
    assert refusal == Refused(Refusal.SKU_UNKNOWN, items=(nowhere,))


async def test_a_known_sku_cannot_be_reserved_where_it_never_was(shop: Shop) -> None:
    await stocked(shop.store, 3)
    elsewhere = Item(SOAP.sku, "S9")
    refusal = refused(await shop.store.reserve(a_reservation(1, elsewhere), once()))
    assert refusal == Refused(Refusal.LOCATION_UNKNOWN, items=(elsewhere,))


async def test_confirming_takes_the_units_off_the_shelf(shop: Shop) -> None:
    await stocked(shop.store, 10)
    hold = held(await shop.store.reserve(a_reservation(4), once()))
    confirmed = held(await shop.store.confirm(confirmation(hold.reservation_id), once()))
    assert (confirmed.state, confirmed.version) == (HoldState.CONFIRMED, 2)
    assert await numbers(shop.store) == (6, 0)


async def test_releasing_frees_the_units(shop: Shop) -> None:
    await stocked(shop.store, 10)
    hold = held(await shop.store.reserve(a_reservation(4), once()))
    released = held(await shop.store.release(a_release(hold.reservation_id), once()))
    assert released.state is HoldState.RELEASED
    assert await numbers(shop.store) == (10, 0)


async def test_a_hold_ends_once(shop: Shop) -> None:
    await stocked(shop.store, 10)
    hold = held(await shop.store.reserve(a_reservation(4), once()))
    await shop.store.confirm(confirmation(hold.reservation_id), once())
    refusal = refused(await shop.store.release(a_release(hold.reservation_id), once()))
    assert refusal == Refused(Refusal.RESERVATION_NOT_HELD, state=HoldState.CONFIRMED)
    assert await numbers(shop.store) == (6, 0)


async def test_an_unknown_reservation_is_refused(shop: Shop) -> None:
    assert refused(await shop.store.confirm(confirmation("R-none"), once())).reason is Refusal.RESERVATION_UNKNOWN
    assert refused(await shop.store.reservation("R-none")).reason is Refusal.RESERVATION_UNKNOWN


async def test_an_expired_hold_is_free_at_the_next_decision(shop: Shop) -> None:
    await stocked(shop.store, 3)
    first = held(await shop.store.reserve(a_reservation(3, expires_in=SOON), once()))
    await shop.pass_time(SOON)
    second = held(await shop.store.reserve(a_reservation(3), once()))
    assert await numbers(shop.store) == (3, 3)
    assert held(await shop.store.reservation(first.reservation_id)).state is HoldState.EXPIRED
    assert held(await shop.store.reservation(second.reservation_id)).state is HoldState.HELD


async def test_an_expired_hold_frees_every_line_of_the_next_basket(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await stocked(shop.store, 3, BREAD)
    await shop.store.reserve(a_reservation(3, BREAD, expires_in=SOON), once())
    await shop.pass_time(SOON)
    hold = held(await shop.store.reserve(a_reservation(1, SOAP, Line(BREAD, 3)), once()))
    assert hold.lines == (Line(SOAP, 1), Line(BREAD, 3))


async def test_an_expired_hold_does_not_count_in_what_is_read(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await stocked(shop.store, 3, BREAD)
    await shop.store.reserve(a_reservation(2, SOAP, Line(BREAD, 2), expires_in=SOON), once())
    await shop.pass_time(SOON)
    assert await numbers(shop.store, BREAD) == (3, 0)
    assert await numbers(shop.store, SOAP) == (3, 0)


async def test_an_expired_hold_cannot_be_confirmed(shop: Shop) -> None:
    await stocked(shop.store, 3)
    hold = held(await shop.store.reserve(a_reservation(3, expires_in=SOON), once()))
    await shop.pass_time(SOON)
    refusal = refused(await shop.store.confirm(confirmation(hold.reservation_id), once()))
    assert refusal == Refused(Refusal.RESERVATION_NOT_HELD, state=HoldState.EXPIRED)


async def test_the_same_key_replays_the_first_answer(shop: Shop) -> None:
    await stocked(shop.store, 10)
    first = await shop.store.reserve(a_reservation(4), once("basket-1"))
    again = await shop.store.reserve(a_reservation(4), once("basket-1"))
    assert (again.as_of, again.outcome, again.is_replay) == (first.as_of, first.outcome, True)
    assert await numbers(shop.store) == (10, 4)


async def test_the_same_key_replays_a_refusal_too(shop: Shop) -> None:
    await stocked(shop.store, 1)
    first = await shop.store.reserve(a_reservation(4), once("basket-1"))
    await stocked(shop.store, 10)
    again = await shop.store.reserve(a_reservation(4), once("basket-1"))
    assert again.outcome == first.outcome
    assert refused(again).reason is Refusal.INSUFFICIENT_STOCK


async def test_the_same_key_with_another_body_is_a_conflict(shop: Shop) -> None:
    await stocked(shop.store, 10)
    await shop.store.reserve(a_reservation(4), once("basket-1", "four"))
    with pytest.raises(IdempotencyKeyReused):
        await shop.store.reserve(a_reservation(5), once("basket-1", "five"))
    assert await numbers(shop.store) == (10, 4)


async def test_answers_and_ended_holds_are_forgotten_in_time(shop: Shop) -> None:
    await stocked(shop.store, 10)
    hold = held(await shop.store.reserve(a_reservation(4), once("basket-1")))
    await shop.store.release(a_release(hold.reservation_id), once())
    await shop.pass_time(timedelta(seconds=2.1))
    assert refused(await shop.store.reservation(hold.reservation_id)).reason is Refusal.RESERVATION_UNKNOWN
    assert not (await shop.store.reserve(a_reservation(1), once("basket-1", "other"))).is_replay
