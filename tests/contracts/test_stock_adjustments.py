"""What a warehouse says about its shelves, on the store in memory and on the functions in a real Redis."""

from datetime import timedelta

import pytest
from inventory import audit
from inventory.adjustments import Adjusted, Adjustment, AdjustStock, ChangeBy, CountAs, MoveTo, SetTo
from inventory.errors import IdempotencyKeyReused
from inventory.journal import Balance, Bucket, Item, MovementType
from inventory.refusals import Mismatch, Refusal, Refused, Shortage
from inventory.store import Decision, View
from inventory_builders import BREAD, NOON, SOAP, TOPIC, a_movement, a_reservation, confirmation, once, stocked
from inventory_builders import positioned as at_offsets
from inventory_shop import Shop, held, numbers, refused, shop

__all__ = ["shop"]

BROKEN = Item(SOAP.sku, SOAP.location, Bucket.DAMAGED)
LONG_AGO, A_CENTURY, SOON = timedelta(days=3650), timedelta(days=36500), timedelta(milliseconds=60)


async def adjust(shop: Shop, *adjustments: Adjustment, slot: str | None = None, batch: str = "A1") -> Decision:
    return await shop.store.adjust(AdjustStock(batch, adjustments), once(slot))


def changed(decision: Decision) -> list[tuple[Item, int]]:
    assert isinstance(decision.outcome, Adjusted), decision
    return [(item, balance.on_hand) for item, balance in decision.outcome.balances]


async def test_units_are_added_and_taken(shop: Shop) -> None:
    await stocked(shop.store, 10)
    assert changed(await adjust(shop, ChangeBy(item=SOAP, quantity=-3))) == [(SOAP, 7)]
    assert changed(await adjust(shop, ChangeBy(item=SOAP, quantity=5), batch="A2")) == [(SOAP, 12)]
    assert await numbers(shop.store) == (12, 0)


async def test_an_item_without_any_stock_is_opened(shop: Shop) -> None:
    assert changed(await adjust(shop, ChangeBy(item=SOAP, quantity=4), SetTo(item=BREAD, quantity=2))) == [
        (SOAP, 4),
        (BREAD, 2),
    ]


async def test_units_are_set_whatever_was_there(shop: Shop) -> None:
    await stocked(shop.store, 10)
    assert changed(await adjust(shop, SetTo(item=SOAP, quantity=4))) == [(SOAP, 4)]


async def test_what_was_set_stands_although_a_count_lies_ahead(shop: Shop) -> None:
    ahead = a_movement(9, kind="count", occurred_at=NOON + A_CENTURY)
    await shop.store.apply_movements(TOPIC, at_offsets(ahead))
    assert changed(await adjust(shop, SetTo(item=SOAP, quantity=4))) == [(SOAP, 4)]


async def test_a_count_is_topped_up_with_what_moved_since(shop: Shop) -> None:
    await shop.store.apply_movements(TOPIC, at_offsets(a_movement(-2, kind="sale", occurred_at=NOON - LONG_AGO)))
    count = CountAs(item=SOAP, quantity=8, occurred_at=NOON - LONG_AGO - timedelta(hours=1))
    assert changed(await adjust(shop, count)) == [(SOAP, 6)]


async def test_a_count_ahead_of_now_is_refused(shop: Shop) -> None:
    refusal = refused(await adjust(shop, CountAs(item=SOAP, quantity=8, occurred_at=NOON + A_CENTURY)))
    assert refusal == Refused(Refusal.COUNT_AHEAD, items=(SOAP,))


async def test_units_move_into_another_bucket(shop: Shop) -> None:
    await stocked(shop.store, 10)
    assert changed(await adjust(shop, MoveTo(item=SOAP, quantity=3, bucket=Bucket.DAMAGED))) == [(SOAP, 7), (BROKEN, 3)]
    found = await shop.store.availability([SOAP.sku])
    assert {place: balance.on_hand for place, balance in found.skus[SOAP.sku].items()} == {"S1": 7}
    assert found.set_aside == {BROKEN: 3}
    assert (await shop.store.availability([SOAP.sku], View("S1"))).set_aside == {BROKEN: 3}
    assert (await shop.store.availability([SOAP.sku], View("S2"))).set_aside == {}


async def test_units_come_back_from_quality_control(shop: Shop) -> None:
    checked = Item(SOAP.sku, SOAP.location, Bucket.QUALITY_CONTROL)
    await adjust(shop, ChangeBy(item=checked, quantity=5))
    assert changed(await adjust(shop, MoveTo(item=checked, quantity=5, bucket=Bucket.ON_HAND), batch="A2")) == [
        (checked, 0),
        (SOAP, 5),
    ]


async def test_more_than_there_is_does_not_move(shop: Shop) -> None:
    await stocked(shop.store, 2)
    refusal = refused(await adjust(shop, MoveTo(item=SOAP, quantity=3, bucket=Bucket.DAMAGED)))
    assert refusal == Refused(Refusal.INSUFFICIENT_STOCK, shortages=(Shortage(SOAP, 3, 2),))


async def test_what_is_set_aside_cannot_be_reserved(shop: Shop) -> None:
    await stocked(shop.store, 5)
    await adjust(shop, MoveTo(item=SOAP, quantity=3, bucket=Bucket.DAMAGED))
    assert refused(await shop.store.reserve(a_reservation(3), once())).shortages == (Shortage(SOAP, 3, 2),)


async def test_a_place_with_damaged_goods_alone_has_nothing_for_sale(shop: Shop) -> None:
    await adjust(shop, ChangeBy(item=BROKEN, quantity=3))
    assert (await shop.store.availability([SOAP.sku])).skus[SOAP.sku] == {"S1": Balance()}
    assert refused(await shop.store.reserve(a_reservation(1), once())).reason is Refusal.LOCATION_UNKNOWN


@pytest.mark.parametrize("stale", [{"if_version": 7}, {"if_quantity": 7}, {"if_version": 1, "if_quantity": 7}])
async def test_nothing_is_changed_unless_all_is_as_the_caller_saw_it(shop: Shop, stale: dict[str, int]) -> None:
    await stocked(shop.store, 10)
    refusal = refused(await adjust(shop, ChangeBy(item=BREAD, quantity=1), SetTo(item=SOAP, quantity=4, **stale)))
    assert refusal == Refused(Refusal.STOCK_CHANGED, mismatches=(Mismatch(1, 1, 10),))
    assert await numbers(shop.store) == (10, 0)
    assert (await shop.store.availability([BREAD.sku])).skus == {BREAD.sku: {}}


async def test_a_condition_that_holds_lets_the_change_through(shop: Shop) -> None:
    await stocked(shop.store, 10)
    assert changed(await adjust(shop, SetTo(item=SOAP, quantity=4, if_version=1, if_quantity=10))) == [(SOAP, 4)]
    new = ChangeBy(item=BREAD, quantity=1, if_version=0, if_quantity=0)
    assert changed(await adjust(shop, new, batch="A2")) == [(BREAD, 1)]


async def test_a_hold_makes_a_version_of_its_own(shop: Shop) -> None:
    await stocked(shop.store, 10)
    await shop.store.reserve(a_reservation(2), once())
    refusal = refused(await adjust(shop, SetTo(item=SOAP, quantity=4, if_version=1)))
    assert refusal.mismatches == (Mismatch(0, 2, 10),)


async def test_a_hold_that_is_due_has_ended_before_an_adjustment_looks(shop: Shop) -> None:
    await stocked(shop.store, 10)
    await shop.store.reserve(a_reservation(2, expires_in=SOON), once())
    await shop.pass_time(SOON)
    decision = await adjust(shop, SetTo(item=SOAP, quantity=4, if_version=3))
    assert changed(decision) == [(SOAP, 4)]
    assert await numbers(shop.store) == (4, 0)


async def test_the_topic_is_owed_what_was_adjusted_and_takes_it_once(shop: Shop) -> None:
    await stocked(shop.store, 10)
    await adjust(shop, MoveTo(item=SOAP, quantity=3, bucket=Bucket.DAMAGED), SetTo(item=BREAD, quantity=2))
    owed = [each.movement for each in await shop.store.outbox(10)]
    assert [(each.event_id, each.type, each.item, each.quantity) for each in owed] == [
        ("adjustment:A1:1", MovementType.ADJUSTMENT, SOAP, -3),
        ("adjustment:A1:2", MovementType.ADJUSTMENT, BROKEN, 3),
        ("adjustment:A1:3", MovementType.ADJUSTMENT, BREAD, 2),
    ]
    tally = await shop.store.apply_movements(TOPIC, at_offsets(*owed, start=1))
    assert (tally.applied, tally.duplicates) == (0, 3)


async def test_the_same_key_adjusts_once(shop: Shop) -> None:
    first = await adjust(shop, ChangeBy(item=SOAP, quantity=4), slot="delivery-1")
    again = await adjust(shop, ChangeBy(item=SOAP, quantity=4), slot="delivery-1", batch="A2")
    assert (again.outcome, again.is_replay) == (first.outcome, True)
    assert await numbers(shop.store) == (4, 0)
    with pytest.raises(IdempotencyKeyReused):
        await shop.store.adjust(AdjustStock("A3", (ChangeBy(item=SOAP, quantity=5),)), once("delivery-1", "other"))


async def test_an_audit_finds_every_adjustment(shop: Shop) -> None:
    await stocked(shop.store, 10)
    await adjust(shop, MoveTo(item=SOAP, quantity=3, bucket=Bucket.DAMAGED))
    hold = held(await shop.store.reserve(a_reservation(2), once()))
    await shop.store.confirm(confirmation(hold.reservation_id), once())
    report = await audit.run(shop.store)
    assert (report.applied, report.adjusted, report.confirmed, report.outbox, report.differences) == (1, 2, 1, 3, 0)
    assert (report.keys, report.units_on_hand) == (2, 5)
