"""What a hold can do while it stands, on the store in memory and on the functions in a real Redis."""

from datetime import timedelta

import msgspec
import pytest
from inventory.holds import HoldState, Line
from inventory.journal import Item
from inventory.redis_store import RedisStockStore
from inventory.refusals import Refusal, Refused, Shortage
from inventory_builders import (
    BREAD,
    SOAP,
    TOPIC,
    a_movement,
    a_release,
    a_reservation,
    a_transfer,
    an_extension,
    confirmation,
    once,
    positioned,
    stocked,
)
from inventory_redis import empty_redis
from inventory_shop import Shop, held, numbers, refused, shop

__all__ = ["shop"]

ELSEWHERE = Item(SOAP.sku, "S2")
NEVER_THERE = Item(SOAP.sku, "S9")
SOON, LATER = timedelta(milliseconds=60), timedelta(hours=1)


async def test_a_partial_basket_holds_what_there_is_and_says_what_is_missing(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await stocked(shop.store, 0, BREAD)
    hold = held(await shop.store.reserve(a_reservation(5, SOAP, Line(BREAD, 2), allow_partial=True), once()))
    assert hold.lines == (Line(SOAP, 3),)
    assert hold.unfilled == (Line(SOAP, 2), Line(BREAD, 2))
    assert await numbers(shop.store) == (3, 3)


async def test_a_partial_basket_of_nothing_is_refused(shop: Shop) -> None:
    await stocked(shop.store, 0)
    refusal = refused(await shop.store.reserve(a_reservation(1, allow_partial=True), once()))
    assert refusal == Refused(Refusal.INSUFFICIENT_STOCK, shortages=(Shortage(SOAP, 1, 0),))


async def test_a_partial_basket_with_an_unknown_item_is_refused(shop: Shop) -> None:
    await stocked(shop.store, 3)
    refusal = refused(
        await shop.store.reserve(a_reservation(1, SOAP, Line(NEVER_THERE, 1), allow_partial=True), once())
    )
    assert refusal == Refused(Refusal.LOCATION_UNKNOWN, items=(NEVER_THERE,))


async def test_a_whole_basket_has_nothing_unfilled(shop: Shop) -> None:
    await stocked(shop.store, 3)
    assert held(await shop.store.reserve(a_reservation(3, allow_partial=True), once())).unfilled == ()


async def test_some_of_the_lines_are_confirmed_and_the_rest_is_free(shop: Shop) -> None:
    await stocked(shop.store, 10)
    await stocked(shop.store, 10, BREAD)
    hold = held(await shop.store.reserve(a_reservation(4, SOAP, Line(BREAD, 2)), once()))
    ended = held(await shop.store.confirm(confirmation(hold.reservation_id, Line(SOAP, 3)), once()))
    assert (ended.state, ended.confirmed) == (HoldState.CONFIRMED, (Line(SOAP, 3),))
    assert await numbers(shop.store) == (7, 0)
    assert await numbers(shop.store, BREAD) == (10, 0)
    assert [(each.movement.item, each.movement.quantity) for each in await shop.store.outbox(10)] == [(SOAP, -3)]


async def test_confirming_everything_tells_every_line(shop: Shop) -> None:
    await stocked(shop.store, 10)
    hold = held(await shop.store.reserve(a_reservation(4), once()))
    assert held(await shop.store.confirm(confirmation(hold.reservation_id), once())).confirmed == hold.lines


async def test_two_confirmed_lines_of_one_item_are_counted_together(shop: Shop) -> None:
    await stocked(shop.store, 10)
    hold = held(await shop.store.reserve(a_reservation(4), once()))
    refusal = refused(await shop.store.confirm(confirmation(hold.reservation_id, Line(SOAP, 3), Line(SOAP, 2)), once()))
    assert refusal == Refused(Refusal.LINES_NOT_HELD, shortages=(Shortage(SOAP, 5, 4),))
    assert await numbers(shop.store) == (10, 4)


async def test_what_is_not_held_cannot_be_confirmed(shop: Shop) -> None:
    await stocked(shop.store, 10)
    await stocked(shop.store, 10, BREAD)
    hold = held(await shop.store.reserve(a_reservation(4), once()))
    refusal = refused(await shop.store.confirm(confirmation(hold.reservation_id, Line(BREAD, 1)), once()))
    assert refusal.shortages == (Shortage(BREAD, 1, 0),)


async def test_an_extended_hold_stands_beyond_its_first_end(shop: Shop) -> None:
    await stocked(shop.store, 3)
    hold = held(await shop.store.reserve(a_reservation(3, expires_in=SOON), once()))
    extended = await shop.store.extend(an_extension(hold.reservation_id, LATER), once())
    assert held(extended).expires_at == extended.as_of + LATER
    assert held(extended).version == 2
    await shop.pass_time(SOON)
    assert await numbers(shop.store) == (3, 3)
    assert held(await shop.store.reservation(hold.reservation_id)).state is HoldState.HELD


async def test_an_extension_never_makes_a_hold_shorter(shop: Shop) -> None:
    await stocked(shop.store, 3)
    hold = held(await shop.store.reserve(a_reservation(3, expires_in=LATER), once()))
    assert held(await shop.store.extend(an_extension(hold.reservation_id, SOON), once())).expires_at == hold.expires_at


async def test_an_extended_hold_still_expires(shop: Shop) -> None:
    await stocked(shop.store, 3)
    hold = held(await shop.store.reserve(a_reservation(3, expires_in=SOON), once()))
    await shop.store.extend(an_extension(hold.reservation_id, SOON * 2), once())
    await shop.pass_time(SOON * 2)
    assert await numbers(shop.store) == (3, 0)


async def test_an_ended_hold_can_still_be_read(shop: Shop) -> None:
    await stocked(shop.store, 3)
    hold = held(await shop.store.reserve(a_reservation(3), once()))
    ended = held(await shop.store.release(a_release(hold.reservation_id), once()))
    await shop.pass_time(SOON)
    assert held(await shop.store.reservation(hold.reservation_id)) == ended


async def test_an_expired_hold_cannot_be_extended(shop: Shop) -> None:
    await stocked(shop.store, 3)
    hold = held(await shop.store.reserve(a_reservation(3, expires_in=SOON), once()))
    await shop.pass_time(SOON)
    refusal = refused(await shop.store.extend(an_extension(hold.reservation_id, LATER), once()))
    assert refusal == Refused(Refusal.RESERVATION_NOT_HELD, state=HoldState.EXPIRED)


async def test_a_hold_moves_to_another_location(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await stocked(shop.store, 5, ELSEWHERE)
    hold = held(await shop.store.reserve(a_reservation(3), once()))
    moved = held(await shop.store.transfer(a_transfer(hold.reservation_id, "S2"), once()))
    assert (moved.lines, moved.expires_at, moved.version) == ((Line(ELSEWHERE, 3),), hold.expires_at, 2)
    assert await numbers(shop.store) == (3, 0)
    assert await numbers(shop.store, ELSEWHERE) == (5, 3)


async def test_a_moved_hold_is_sold_where_it_is_held(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await stocked(shop.store, 5, ELSEWHERE)
    hold = held(await shop.store.reserve(a_reservation(3), once()))
    await shop.store.transfer(a_transfer(hold.reservation_id, "S2"), once())
    await shop.store.confirm(confirmation(hold.reservation_id), once())
    assert await numbers(shop.store) == (3, 0)
    assert await numbers(shop.store, ELSEWHERE) == (2, 0)


async def test_a_moved_hold_joins_what_is_held_there(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await stocked(shop.store, 5, ELSEWHERE)
    hold = held(await shop.store.reserve(a_reservation(3, SOAP, Line(ELSEWHERE, 2)), once()))
    moved = held(await shop.store.transfer(a_transfer(hold.reservation_id, "S2"), once()))
    assert moved.lines == (Line(ELSEWHERE, 5),)
    released = held(await shop.store.release(a_release(hold.reservation_id), once()))
    assert released.state is HoldState.RELEASED
    assert await numbers(shop.store, ELSEWHERE) == (5, 0)


async def test_only_the_units_of_the_named_location_move(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await stocked(shop.store, 5, ELSEWHERE)
    await stocked(shop.store, 2, BREAD)
    await stocked(shop.store, 2, Item(BREAD.sku, "S3"))
    hold = held(await shop.store.reserve(a_reservation(2, ELSEWHERE, Line(BREAD, 2)), once()))
    moved = held(await shop.store.transfer(a_transfer(hold.reservation_id, "S3", "S1"), once()))
    assert moved.lines == (Line(ELSEWHERE, 2), Line(Item(BREAD.sku, "S3"), 2))


async def test_lines_of_two_locations_that_meet_in_a_third_are_counted_together(shop: Shop) -> None:
    there = Item(SOAP.sku, "S3")
    for item in (SOAP, ELSEWHERE, there):
        await stocked(shop.store, 3, item)
    hold = held(await shop.store.reserve(a_reservation(2, SOAP, Line(ELSEWHERE, 2)), once()))
    refusal = refused(await shop.store.transfer(a_transfer(hold.reservation_id, "S3"), once()))
    assert refusal == Refused(Refusal.INSUFFICIENT_STOCK, shortages=(Shortage(there, 4, 3),))
    assert await numbers(shop.store, there) == (3, 0)


async def test_a_hold_does_not_move_where_there_is_too_little(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await stocked(shop.store, 2, ELSEWHERE)
    hold = held(await shop.store.reserve(a_reservation(3), once()))
    refusal = refused(await shop.store.transfer(a_transfer(hold.reservation_id, "S2"), once()))
    assert refusal == Refused(Refusal.INSUFFICIENT_STOCK, shortages=(Shortage(ELSEWHERE, 3, 2),))
    assert await numbers(shop.store) == (3, 3)


async def test_a_hold_does_not_move_where_its_sku_never_was(shop: Shop) -> None:
    await stocked(shop.store, 3)
    hold = held(await shop.store.reserve(a_reservation(3), once()))
    refusal = refused(await shop.store.transfer(a_transfer(hold.reservation_id, "S9"), once()))
    assert refusal == Refused(Refusal.LOCATION_UNKNOWN, items=(NEVER_THERE,))


@pytest.mark.parametrize(("to", "origin"), [("S1", None), ("S2", "S7")])
async def test_nothing_to_move_is_refused(shop: Shop, to: str, origin: str | None) -> None:
    await stocked(shop.store, 3)
    await stocked(shop.store, 3, ELSEWHERE)
    hold = held(await shop.store.reserve(a_reservation(3), once()))
    refusal = refused(await shop.store.transfer(a_transfer(hold.reservation_id, to, origin), once()))
    assert refusal == Refused(Refusal.LINES_NOT_HELD)


async def test_a_moved_hold_still_expires(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await stocked(shop.store, 5, ELSEWHERE)
    hold = held(await shop.store.reserve(a_reservation(3, expires_in=SOON), once()))
    await shop.store.transfer(a_transfer(hold.reservation_id, "S2"), once())
    await shop.pass_time(SOON)
    assert await numbers(shop.store, ELSEWHERE) == (5, 0)


@pytest.mark.servers
async def test_a_hold_that_an_older_library_kept_can_be_ended(redis_url: str) -> None:
    async with empty_redis(redis_url) as client:
        store = await RedisStockStore.open(client)
        await store.apply_movements(TOPIC, positioned(a_movement(5)))
        hold = held(await store.reserve(a_reservation(2), once()))
        kept = await client.get(f"inv:hold:{hold.reservation_id}")
        assert isinstance(kept, bytes)
        older = msgspec.msgpack.encode(msgspec.msgpack.decode(kept)[:6])
        await client.set(f"inv:hold:{hold.reservation_id}", older)
        ended = held(await store.confirm(confirmation(hold.reservation_id), once()))
        assert (ended.state, ended.confirmed) == (HoldState.CONFIRMED, hold.lines)
