"""Who may write: what every stock store does when the data set is another, or a partition has a new owner."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from inventory.adjustments import AdjustStock, ChangeBy
from inventory.changes import Cursor
from inventory.errors import OwnerFenced, StockUnavailable
from inventory.reservations import ConfirmReservation, ReleaseReservation
from inventory.store import Outgoing, Positioned, SetAside, StockStore
from inventory.terms import SetTerms, SkuClass
from inventory_builders import (
    BREAD,
    SOAP,
    TOPIC,
    a_movement,
    a_reservation,
    a_transfer,
    an_extension,
    confirmation,
    once,
    positioned,
    stocked,
)
from inventory_shop import Shop, held, numbers, shop

__all__ = ["shop"]

CALLS: dict[str, Callable[[StockStore], Awaitable[object]]] = {
    "availability": lambda store: store.availability([SOAP.sku]),
    "reserve": lambda store: store.reserve(a_reservation(), once()),
    "adjust": lambda store: store.adjust(AdjustStock("A1", (ChangeBy(item=SOAP, quantity=1),)), once()),
    "set_terms": lambda store: store.set_terms(SetTerms((SkuClass("P1", "soap"),)), once()),
    "terms": lambda store: store.terms("P1"),
    "extend": lambda store: store.extend(an_extension("R1", timedelta(hours=1)), once()),
    "transfer": lambda store: store.transfer(a_transfer("R1", "S2"), once()),
    "confirm": lambda store: store.confirm(ConfirmReservation("R1"), once()),
    "release": lambda store: store.release(ReleaseReservation("R1"), once()),
    "reservation": lambda store: store.reservation("R1"),
    "take_over": lambda store: store.take_over(TOPIC, [0]),
    "apply_movements": lambda store: store.apply_movements(TOPIC, positioned(a_movement())),
    "offsets": lambda store: store.offsets(TOPIC),
    "outbox": lambda store: store.outbox(10),
    "changes": lambda store: store.changes(None, 10),
    "lead_changes": lambda store: store.lead_changes("worker", timedelta(seconds=1)),
    "changes_sent": lambda store: store.changes_sent("worker", Cursor(1, 0), Cursor(1, 1)),
    "set_low_stock": lambda store: store.set_low_stock(3),
    "ledgers": lambda store: store.ledgers(SOAP.sku),
    "sent": lambda store: store.sent([Outgoing("1-1", a_movement())]),
}
# What the audit alone reads, together with what is refused.
OF_THE_AUDIT = {"skus", "taken", "totals"}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_nothing_is_answered_from_a_data_set_that_was_emptied(
    shop: Shop, call: Callable[[StockStore], Awaitable[object]]
) -> None:
    await stocked(shop.store, 10)
    await shop.lose_data_set()
    with pytest.raises(StockUnavailable, match="restart") as caught:
        await call(shop.store)
    assert caught.value.reason == "epoch_mismatch"
    assert caught.value.retry_after_seconds is not None


def test_every_method_of_a_store_is_asked() -> None:
    assert {name for name in dir(StockStore) if not name.startswith("_")} == set(CALLS) | OF_THE_AUDIT


async def test_an_emptied_data_set_is_noticed_before_the_key_is_looked_up(shop: Shop) -> None:
    await stocked(shop.store, 10)
    await shop.store.reserve(a_reservation(), once("basket-1", "one"))
    await shop.lose_data_set()
    for fingerprint in ("one", "another"):
        with pytest.raises(StockUnavailable):
            await shop.store.reserve(a_reservation(), once("basket-1", fingerprint))


async def test_every_answer_tells_the_epoch_of_the_data_set(shop: Shop) -> None:
    await stocked(shop.store, 10)
    epoch = (await shop.store.availability([SOAP.sku])).epoch
    hold = await shop.store.reserve(a_reservation(4), once("basket-1"))
    again = await shop.store.reserve(a_reservation(4), once("basket-1"))
    refused = await shop.store.reserve(a_reservation(40), once())
    read = await shop.store.reservation(held(hold).reservation_id)
    confirmed = await shop.store.confirm(confirmation(held(hold).reservation_id), once())
    assert epoch > 0
    assert {each.epoch for each in (hold, again, refused, read, confirmed)} == {epoch}


async def test_taking_over_tells_a_new_owner_epoch_and_the_offset_to_go_on_from(shop: Shop) -> None:
    await stocked(shop.store, 10)
    first = await shop.store.take_over(TOPIC, [0, 3])
    second = await shop.store.take_over(TOPIC, [3])
    assert {partition: owned.next_offset for partition, owned in first.items()} == {0: 1, 3: 0}
    assert second[3].owner_epoch == first[3].owner_epoch + 1


async def test_an_owner_applies_until_another_takes_over(shop: Shop) -> None:
    old = (await shop.store.take_over(TOPIC, [0]))[0].owner_epoch
    await shop.store.apply_movements(TOPIC, positioned(a_movement(10)), {0: old})
    new = (await shop.store.take_over(TOPIC, [0]))[0].owner_epoch
    with pytest.raises(OwnerFenced):
        await shop.store.apply_movements(TOPIC, positioned(a_movement(5), start=1), {0: old})
    await shop.store.apply_movements(TOPIC, positioned(a_movement(7), start=1), {0: new})
    assert await numbers(shop.store) == (17, 0)


async def test_a_batch_with_one_partition_of_another_owner_is_refused_whole(shop: Shop) -> None:
    mine = {each: owned.owner_epoch for each, owned in (await shop.store.take_over(TOPIC, [0, 1])).items()}
    await shop.store.take_over(TOPIC, [1])
    batch = [*positioned(a_movement(10), SetAside("empty")), Positioned(1, 0, a_movement(1, BREAD))]
    with pytest.raises(OwnerFenced):
        await shop.store.apply_movements(TOPIC, batch, mine)
    assert await shop.store.offsets(TOPIC) == {}
    assert (await shop.store.availability([SOAP.sku, BREAD.sku])).skus == {SOAP.sku: {}, BREAD.sku: {}}
    assert (await shop.store.totals()).movements == 0


async def test_who_does_not_say_that_it_owns_a_partition_is_refused_once_somebody_does(shop: Shop) -> None:
    await shop.store.take_over(TOPIC, [0])
    with pytest.raises(OwnerFenced):
        await shop.store.apply_movements(TOPIC, positioned(a_movement(10)))
    with pytest.raises(OwnerFenced):
        await shop.store.apply_movements(TOPIC, positioned(a_movement(10)), {0: 99})


async def test_owners_of_two_partitions_do_not_disturb_each_other(shop: Shop) -> None:
    one = (await shop.store.take_over(TOPIC, [0]))[0].owner_epoch
    other = (await shop.store.take_over(TOPIC, [1]))[1].owner_epoch
    await shop.store.apply_movements(TOPIC, positioned(a_movement(10)), {0: one})
    await shop.store.apply_movements(TOPIC, positioned(a_movement(5), partition=1), {1: other})
    assert await numbers(shop.store) == (15, 0)
