"""The terms on which stock is promised, on the store in memory and on the functions in a real Redis."""

from datetime import timedelta

import pytest
from inventory.holds import Line
from inventory.journal import Balance, Item
from inventory.refusals import Refusal, Refused, Shortage
from inventory.store import Decision, View
from inventory.terms import (
    ANY,
    Allowance,
    Bundle,
    Component,
    Incoming,
    Promise,
    SafetyStock,
    SetTerms,
    SkuClass,
    Term,
    Terms,
    TermsSet,
)
from inventory_builders import BREAD, NOON, SOAP, a_reservation, a_transfer, once, stocked
from inventory_shop import Shop, held, numbers, refused, shop

__all__ = ["shop"]

ELSEWHERE = Item(SOAP.sku, "S2")
DAY = timedelta(days=1)


async def agreed(shop: Shop, *terms: Term) -> Decision:
    return await shop.store.set_terms(SetTerms(terms), once())


async def promise(shop: Shop, item: Item = SOAP, view: View | None = None) -> Promise:
    return (await shop.store.availability([item.sku], view or View())).promises[item]


async def reserve(shop: Shop, quantity: int, channel: str = "", item: Item = SOAP) -> Decision:
    command = a_reservation(quantity, item, channel=channel)
    return await shop.store.reserve(command, once())


async def test_without_terms_everything_on_the_shelf_is_promised(shop: Shop) -> None:
    await stocked(shop.store, 3)
    assert await promise(shop) == Promise()
    assert held(await reserve(shop, 3)).lines == (Line(SOAP, 3),)


async def test_what_a_channel_keeps_back_cannot_be_reserved_there(shop: Shop) -> None:
    await stocked(shop.store, 5)
    assert (await agreed(shop, SafetyStock("web", ANY, ANY, 2))).outcome == TermsSet(1)
    assert (await promise(shop, view=View(channel="web"))).safety_stock == 2
    assert refused(await reserve(shop, 4, "web")).shortages == (Shortage(SOAP, 4, 3),)
    assert held(await reserve(shop, 4, "till")).channel == "till"


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        (((ANY, ANY, ANY, 1),), 1),
        (((ANY, ANY, ANY, 1), (ANY, ANY, "soap", 2)), 2),
        (((ANY, ANY, "soap", 2), ("web", ANY, ANY, 3)), 3),
        ((("web", ANY, ANY, 3), (ANY, "S1", ANY, 4)), 4),
        (((ANY, "S1", ANY, 4), ("web", ANY, "soap", 5)), 5),
        ((("web", ANY, "soap", 5), (ANY, "S1", "soap", 6)), 6),
        (((ANY, "S1", "soap", 6), ("web", "S1", ANY, 7)), 7),
        ((("web", "S1", ANY, 7), ("web", "S1", "soap", 8)), 8),
        ((("till", "S1", ANY, 7), (ANY, "S2", ANY, 8), (ANY, ANY, "bread", 9)), 0),
    ],
)
async def test_the_rule_that_names_most_holds(
    shop: Shop, rules: tuple[tuple[str, str, str, int], ...], kept: int
) -> None:
    await stocked(shop.store, 9)
    await agreed(shop, SkuClass(SOAP.sku, "soap"), *(SafetyStock(*rule) for rule in rules))
    assert (await promise(shop, view=View(channel="web"))).safety_stock == kept


async def test_a_rule_of_nothing_ends_it(shop: Shop) -> None:
    await stocked(shop.store, 5)
    await agreed(shop, SafetyStock(ANY, ANY, ANY, 2), SkuClass(SOAP.sku, "soap"), Allowance(SOAP, 3))
    await agreed(shop, SafetyStock(ANY, ANY, ANY, 0), SkuClass(SOAP.sku, ""), Allowance(SOAP, 0))
    assert await shop.store.terms(SOAP.sku) == Terms()
    assert await promise(shop) == Promise()


async def test_when_a_rule_ends_a_wider_one_holds_again(shop: Shop) -> None:
    await stocked(shop.store, 5)
    await agreed(shop, SafetyStock(ANY, ANY, ANY, 1), SafetyStock("web", ANY, ANY, 3))
    await agreed(shop, SafetyStock("web", ANY, ANY, 0))
    assert (await promise(shop, view=View(channel="web"))).safety_stock == 1


async def test_a_backorder_is_promised_up_to_its_quota(shop: Shop) -> None:
    await stocked(shop.store, 2)
    await agreed(shop, Allowance(SOAP, 3))
    assert held(await reserve(shop, 4)).lines == (Line(SOAP, 4),)
    assert refused(await reserve(shop, 2)).shortages == (Shortage(SOAP, 2, 1),)
    assert await numbers(shop.store) == (2, 4)


async def test_a_preorder_is_promised_up_to_what_is_incoming(shop: Shop) -> None:
    await stocked(shop.store, 0)
    await agreed(shop, Allowance(SOAP, 0, preorder_limit=10))
    assert refused(await reserve(shop, 1)).shortages == (Shortage(SOAP, 1, 0),)
    await agreed(shop, Incoming(SOAP, "PO1", 4, NOON + DAY), Incoming(SOAP, "PO2", 3, NOON + 5 * DAY))
    assert refused(await reserve(shop, 8)).shortages == (Shortage(SOAP, 8, 7),)
    await agreed(shop, Allowance(SOAP, 0, preorder_limit=5))
    assert held(await reserve(shop, 5)).lines == (Line(SOAP, 5),)


async def test_what_is_incoming_counts_up_to_the_time_asked_for(shop: Shop) -> None:
    await stocked(shop.store, 1)
    await agreed(shop, Incoming(SOAP, "PO1", 4, NOON + DAY), Incoming(SOAP, "PO2", 3, NOON + 5 * DAY))
    assert (await promise(shop, view=View(until=NOON + DAY - timedelta(microseconds=1)))).incoming == 0
    assert (await promise(shop, view=View(until=NOON + DAY))).incoming == 4
    assert (await promise(shop)).incoming == 7
    assert (await promise(shop, view=View("S1"))).incoming == 7


async def test_what_is_expected_elsewhere_is_not_expected_here(shop: Shop) -> None:
    await stocked(shop.store, 1)
    await stocked(shop.store, 1, ELSEWHERE)
    await agreed(shop, Incoming(ELSEWHERE, "PO1", 4, NOON + DAY))
    assert (await promise(shop)).incoming == 0
    assert (await promise(shop, ELSEWHERE)).incoming == 4


async def test_a_delivery_that_came_is_no_longer_expected(shop: Shop) -> None:
    await stocked(shop.store, 1)
    await agreed(shop, Incoming(SOAP, "PO1", 4, NOON + DAY))
    await agreed(shop, Incoming(SOAP, "PO1", 0, NOON + DAY))
    assert (await promise(shop)).incoming == 0


async def test_a_moved_hold_leaves_what_its_channel_keeps_back_there(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await stocked(shop.store, 3, ELSEWHERE)
    await agreed(shop, SafetyStock("web", "S2", ANY, 1))
    hold = held(await reserve(shop, 3, "web"))
    refusal = refused(await shop.store.transfer(a_transfer(hold.reservation_id, "S2"), once()))
    assert refusal.shortages == (Shortage(ELSEWHERE, 3, 2),)


async def test_a_bundle_is_held_as_its_components(shop: Shop) -> None:
    await stocked(shop.store, 5)
    await stocked(shop.store, 9, BREAD)
    await agreed(shop, Bundle("GIFT", (Component(SOAP.sku, 1), Component(BREAD.sku, 3))))
    hold = held(await reserve(shop, 2, item=Item("GIFT", "S1")))
    assert hold.lines == (Line(SOAP, 2), Line(BREAD, 6))
    refusal = refused(await reserve(shop, 2, item=Item("GIFT", "S1")))
    assert refusal.shortages == (Shortage(BREAD, 6, 3),)


async def test_a_bundle_is_available_as_often_as_it_can_be_made(shop: Shop) -> None:
    await stocked(shop.store, 5)
    await stocked(shop.store, 9, BREAD)
    await stocked(shop.store, 4, ELSEWHERE)
    await agreed(
        shop, Bundle("GIFT", (Component(SOAP.sku, 1), Component(BREAD.sku, 3))), SafetyStock("web", ANY, ANY, 1)
    )
    found = await shop.store.availability(["GIFT"])
    assert found.skus == {"GIFT": {"S1": Balance(3, 0, 2)}}
    assert (await shop.store.availability(["GIFT"], View(channel="web"))).skus["GIFT"]["S1"].on_hand == 2
    assert (await shop.store.availability(["GIFT"], View(channel="web"))).promises[Item("GIFT", "S1")] == Promise()
    assert (await shop.store.availability(["GIFT"], View("S2"))).skus == {"GIFT": {}}
    await reserve(shop, 3)
    assert (await shop.store.availability(["GIFT"])).skus["GIFT"]["S1"].on_hand == 2


async def test_an_expired_hold_of_a_component_does_not_count(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await agreed(shop, Bundle("PAIR", (Component(SOAP.sku, 1),)))
    await shop.store.reserve(a_reservation(3, expires_in=timedelta(milliseconds=60)), once())
    await shop.pass_time(timedelta(milliseconds=60))
    assert (await shop.store.availability(["PAIR"])).skus["PAIR"]["S1"].on_hand == 3


async def test_a_bundle_and_its_component_in_one_basket_are_counted_together(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await agreed(shop, Bundle("PAIR", (Component(SOAP.sku, 2),)))
    basket = a_reservation(1, Item("PAIR", "S1"), Line(SOAP, 2))
    assert refused(await shop.store.reserve(basket, once())).shortages == (Shortage(SOAP, 4, 3),)


async def test_a_bundle_of_what_nobody_has_is_unknown(shop: Shop) -> None:
    await agreed(shop, Bundle("GIFT", (Component("P404", 1),)))
    refusal = refused(await reserve(shop, 1, item=Item("GIFT", "S1")))
    assert refusal == Refused(Refusal.SKU_UNKNOWN, items=(Item("P404", "S1"),))


async def test_a_bundle_without_components_is_an_ordinary_sku(shop: Shop) -> None:
    await stocked(shop.store, 3)
    await agreed(shop, Bundle(SOAP.sku, (Component(BREAD.sku, 1),)))
    await agreed(shop, Bundle(SOAP.sku, ()))
    assert held(await reserve(shop, 1)).lines == (Line(SOAP, 1),)


async def test_terms_are_told_as_they_were_set(shop: Shop) -> None:
    await stocked(shop.store, 1)
    terms: tuple[Term, ...] = (
        SafetyStock("web", ANY, "soap", 2),
        SkuClass(SOAP.sku, "soap"),
        Allowance(SOAP, 3, 4),
        Incoming(SOAP, "PO1", 5, NOON + DAY),
        Bundle(SOAP.sku, (Component(BREAD.sku, 6),)),
    )
    await agreed(shop, *terms, SkuClass(BREAD.sku, "bread"))
    expected = Terms()
    for term in terms:
        expected = expected.having(term)
    assert await shop.store.terms(SOAP.sku) == expected
    assert await shop.store.terms() == Terms(safety_stocks={("web", ANY, "soap"): 2})


async def test_the_same_key_sets_terms_once(shop: Shop) -> None:
    await stocked(shop.store, 5)
    await shop.store.set_terms(SetTerms((SafetyStock(ANY, ANY, ANY, 2),)), once("terms-1"))
    await agreed(shop, SafetyStock(ANY, ANY, ANY, 3))
    again = await shop.store.set_terms(SetTerms((SafetyStock(ANY, ANY, ANY, 2),)), once("terms-1"))
    assert again.is_replay
    assert (await promise(shop)).safety_stock == 3
