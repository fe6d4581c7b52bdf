"""What every stock store tells of its changes: each once, in order, from any cursor on, or that some are gone."""

from datetime import timedelta

import pytest
from inventory.adjustments import AdjustStock, MoveTo
from inventory.changes import NEVER, Change, Cursor
from inventory.errors import ChangesTrimmed
from inventory.holds import Line
from inventory.journal import Bucket, Item
from inventory.store import StockStore
from inventory_builders import (
    BREAD,
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
from inventory_shop import Shop, held, shop

__all__ = ["shop"]

BLINK, HOUR = timedelta(milliseconds=30), timedelta(hours=1)


async def start_of(store: StockStore) -> Cursor:
    return Cursor((await store.changes(None, 1)).cursor.epoch, 0)


async def told(store: StockStore, after: Cursor | None = None, most: int = 100) -> list[Change]:
    return list((await store.changes(after or await start_of(store), most)).changes)


def figures(changes: list[Change], item: Item = SOAP) -> list[tuple[int, int, int, str]]:
    return [(each.quantity, each.reserved, each.version, each.kind) for each in changes if each.item == item]


async def crossings(store: StockStore, item: Item = SOAP) -> list[bool | None]:
    return [each.is_low for each in await told(store) if each.item == item]


async def test_every_change_is_told_once_in_the_order_of_versions(shop: Shop) -> None:
    await stocked(shop.store, 10)
    sold = held(await shop.store.reserve(a_reservation(4), once()))
    freed = held(await shop.store.reserve(a_reservation(1), once()))
    await shop.store.confirm(confirmation(sold.reservation_id), once("paid"))
    await shop.store.confirm(confirmation(sold.reservation_id), once("paid"))
    await shop.store.release(a_release(freed.reservation_id), once())
    assert figures(await told(shop.store)) == [
        (10, 0, 1, "receipt"),
        (10, 4, 2, "reserved"),
        (10, 5, 3, "reserved"),
        (6, 1, 4, "confirmed"),
        (6, 0, 5, "released"),
    ]


async def test_a_call_tells_each_item_that_it_changed_as_it_left_it(shop: Shop) -> None:
    await shop.store.apply_movements(TOPIC, positioned(a_movement(10), a_movement(5), a_movement(7, BREAD)))
    await shop.store.reserve(a_reservation(2, SOAP, Line(BREAD, 3)), once())
    changes = await told(shop.store)
    assert figures(changes) == [(15, 0, 2, "receipt"), (15, 2, 3, "reserved")]
    assert figures(changes, BREAD) == [(7, 0, 1, "receipt"), (7, 3, 2, "reserved")]
    assert [each.cursor.number for each in changes] == [1, 2, 3, 4]


async def test_nothing_is_told_where_nothing_changed(shop: Shop) -> None:
    receipt = a_movement(10)
    await shop.store.apply_movements(TOPIC, positioned(receipt, receipt))
    await shop.store.apply_movements(TOPIC, positioned(receipt))
    await shop.store.reserve(a_reservation(11), once())
    await shop.store.availability([SOAP.sku])
    assert len(await told(shop.store)) == 1


async def test_goods_that_are_set_aside_are_items_of_their_own(shop: Shop) -> None:
    await stocked(shop.store, 10)
    move = MoveTo(item=SOAP, quantity=3, bucket=Bucket.DAMAGED)
    await shop.store.adjust(AdjustStock("A1", (move,)), once())
    changes = await told(shop.store)
    assert figures(changes)[-1] == (7, 0, 2, "adjustment")
    assert figures(changes, move.target) == [(3, 0, 1, "adjustment")]


async def test_a_reader_goes_on_where_it_stopped(shop: Shop) -> None:
    await stocked(shop.store, 10)
    seen, cursor = list[Change](), await start_of(shop.store)
    for _ in range(7):
        await shop.store.reserve(a_reservation(1), once())
        found = await shop.store.changes(cursor, 2)
        seen += found.changes
        cursor = found.cursor
    assert [each.version for each in seen] == list(range(1, 9))
    assert (await shop.store.changes(cursor, 2)).cursor == cursor


async def test_without_a_cursor_a_reader_begins_now(shop: Shop) -> None:
    await stocked(shop.store, 10)
    now = await shop.store.changes(None, 10)
    assert now.changes == ()
    await stocked(shop.store, 5)
    assert figures(await told(shop.store, now.cursor)) == [(15, 0, 2, "receipt")]


async def test_a_reader_of_what_was_trimmed_is_told(shop: Shop) -> None:
    await stocked(shop.store, 10)
    before = (await shop.store.changes(None, 1)).cursor
    await stocked(shop.store, 5)
    await shop.trim_changes()
    for lost in (await start_of(shop.store), before):
        with pytest.raises(ChangesTrimmed, match="read everything again"):
            await shop.store.changes(lost, 10)


async def test_a_reader_who_knew_all_that_was_trimmed_goes_on(shop: Shop) -> None:
    await stocked(shop.store, 10)
    cursor = (await shop.store.changes(None, 1)).cursor
    await shop.trim_changes()
    assert await told(shop.store, cursor) == []
    await stocked(shop.store, 5)
    assert figures(await told(shop.store, cursor)) == [(15, 0, 2, "receipt")]


async def test_a_cursor_of_another_data_set_or_of_a_later_copy_is_told(shop: Shop) -> None:
    await stocked(shop.store, 10)
    now = (await shop.store.changes(None, 1)).cursor
    for foreign in (Cursor(now.epoch + 1, now.number), Cursor(now.epoch, now.number + 1)):
        with pytest.raises(ChangesTrimmed):
            await shop.store.changes(foreign, 10)


async def test_an_expiry_is_told_when_it_is_decided(shop: Shop) -> None:
    await stocked(shop.store, 10)
    await shop.store.reserve(a_reservation(4, expires_in=timedelta(milliseconds=30)), once())
    await shop.pass_time(timedelta(milliseconds=60))
    assert len(await told(shop.store)) == 2
    as_of = (await shop.store.availability([SOAP.sku])).as_of
    changes = await told(shop.store)
    assert figures(changes)[2:] == [(10, 0, 3, "expired")]
    assert changes[-1].as_of == as_of


async def test_low_stock_is_told_when_it_is_crossed_and_only_then(shop: Shop) -> None:
    await shop.store.set_low_stock(3)
    await stocked(shop.store, 10)
    hold = held(await shop.store.reserve(a_reservation(6), once()))
    low = held(await shop.store.reserve(a_reservation(1), once()))
    await shop.store.reserve(a_reservation(1), once())
    await shop.store.confirm(confirmation(low.reservation_id), once())
    await shop.store.release(a_release(hold.reservation_id), once())
    assert await crossings(shop.store) == [False, None, True, None, None, False]


async def test_without_a_threshold_low_is_sold_out(shop: Shop) -> None:
    await stocked(shop.store, 2)
    await shop.store.reserve(a_reservation(1), once())
    await shop.store.reserve(a_reservation(1), once())
    assert await crossings(shop.store) == [False, None, True]


async def test_what_is_set_aside_is_never_low(shop: Shop) -> None:
    await stocked(shop.store, 10)
    move = MoveTo(item=SOAP, quantity=3, bucket=Bucket.DAMAGED)
    await shop.store.adjust(AdjustStock("A1", (move,)), once())
    assert await crossings(shop.store, move.target) == [None]


async def test_one_worker_at_a_time_sends_changes(shop: Shop) -> None:
    assert await shop.store.lead_changes("one", HOUR) == NEVER
    assert await shop.store.lead_changes("other", HOUR) is None
    assert await shop.store.lead_changes("one", HOUR) == NEVER


async def test_another_worker_goes_on_when_the_lease_of_the_first_is_over(shop: Shop) -> None:
    await shop.store.lead_changes("one", BLINK)
    await shop.pass_time(2 * BLINK)
    assert await shop.store.lead_changes("other", HOUR) == NEVER
    assert await shop.store.lead_changes("one", HOUR) is None


async def test_the_cursor_of_what_was_sent_moves_only_from_where_it_stood_and_by_who_leads(shop: Shop) -> None:
    one, two = Cursor(7, 1), Cursor(7, 2)
    assert not await shop.store.changes_sent("one", NEVER, one)
    await shop.store.lead_changes("one", HOUR)
    assert not await shop.store.changes_sent("other", NEVER, one)
    assert await shop.store.changes_sent("one", NEVER, one)
    assert not await shop.store.changes_sent("one", NEVER, two)
    assert await shop.store.changes_sent("one", one, two)
    assert await shop.store.lead_changes("one", HOUR) == two
