from collections.abc import Container
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from inventory.holds import Hold, HoldState, Line, combine, due
from inventory.journal import Balance, Item, MovementType
from inventory.refusals import Refusal, Refused
from inventory.reservations import (
    Change,
    ConfirmReservation,
    ReserveStock,
    TransferReservation,
    confirm,
    end,
    reserve,
    sales_of,
    transfer,
)
from inventory.stock import ApplyMovement
from inventory.terms import Promise, Terms
from inventory_builders import BREAD, NOON, SOAP

TEN_MINUTES = timedelta(minutes=10)
A_HOLD = Hold("R1", (Line(SOAP, 2),), NOON, NOON + TEN_MINUTES)
endings = st.sampled_from([HoldState.CONFIRMED, HoldState.RELEASED, HoldState.EXPIRED])


def confirmed(
    hold: Hold, balances: dict[Item, Balance], *lines: Line, event_ids: Container[str] = frozenset()
) -> Change:
    return confirm(ConfirmReservation(hold.reservation_id, lines), hold, balances, event_ids, NOON)


def ended(hold: Hold, state: HoldState) -> Change:
    return confirmed(hold, {SOAP: Balance(2, 2)}) if state is HoldState.CONFIRMED else end(hold, state, NOON)


def test_available_to_promise_is_what_is_on_hand_and_not_reserved() -> None:
    assert Promise().available(Balance(on_hand=7, reserved=3)) == 4


def test_nothing_is_promised_of_stock_below_zero() -> None:
    assert Promise().available(Balance(on_hand=-2, reserved=3)) == 0


def test_the_last_unit_can_be_reserved() -> None:
    outcome = reserve(
        ReserveStock("R1", (Line(SOAP, 2),), TEN_MINUTES), {SOAP: Balance(on_hand=2)}, {"P1"}, Terms(), NOON
    )
    assert not isinstance(outcome, Refused)
    hold, events = outcome
    assert hold == A_HOLD
    assert [event.reserved_change for event in events] == [2]


def test_a_refused_basket_names_every_line_that_is_short() -> None:
    balances = {SOAP: Balance(on_hand=1), BREAD: Balance(on_hand=3, reserved=3)}
    outcome = reserve(
        ReserveStock("R1", (Line(SOAP, 2), Line(BREAD, 1)), TEN_MINUTES), balances, {"P1", "P2"}, Terms(), NOON
    )
    assert isinstance(outcome, Refused)
    assert [(each.item, each.requested, each.available) for each in outcome.shortages] == [(SOAP, 2, 1), (BREAD, 1, 0)]


def test_an_unknown_sku_is_told_from_an_unknown_location() -> None:
    lines = (Line(Item("P1", "S9"), 1),)
    known = reserve(ReserveStock("R1", lines, TEN_MINUTES), {}, {"P1"}, Terms(), NOON)
    unknown = reserve(ReserveStock("R1", lines, TEN_MINUTES), {}, set(), Terms(), NOON)
    assert isinstance(known, Refused)
    assert isinstance(unknown, Refused)
    assert (known.reason, unknown.reason) == (Refusal.LOCATION_UNKNOWN, Refusal.SKU_UNKNOWN)


def test_a_hold_is_due_at_its_last_moment_and_not_before() -> None:
    assert not A_HOLD.is_due(A_HOLD.expires_at - timedelta(microseconds=1))
    assert A_HOLD.is_due(A_HOLD.expires_at)


def test_the_earliest_hold_expires_first() -> None:
    later = replace(A_HOLD, reservation_id="R0", expires_at=A_HOLD.expires_at + TEN_MINUTES)
    assert due([later, A_HOLD], "P1", later.expires_at) == [A_HOLD, later]
    assert due([later, A_HOLD], "P2", later.expires_at) == []


@given(endings, endings)
def test_a_hold_ends_once(first: HoldState, second: HoldState) -> None:
    outcome = ended(A_HOLD, first)
    assert not isinstance(outcome, Refused)
    assert ended(outcome[0], second) == Refused(Refusal.RESERVATION_NOT_HELD, state=first)


def test_a_confirmed_hold_owes_the_topic_one_sale_per_line() -> None:
    hold = replace(A_HOLD, lines=(Line(SOAP, 2), Line(BREAD, 1)))
    outcome = confirmed(hold, {SOAP: Balance(5, 2), BREAD: Balance(5, 1)})
    assert not isinstance(outcome, Refused)
    assert [event.on_hand_change for event in outcome[1]] == [-2, -1]
    assert sales_of(*outcome) == [
        ApplyMovement("reservation:R1:1", MovementType.SALE, SOAP, -2, NOON),
        ApplyMovement("reservation:R1:2", MovementType.SALE, BREAD, -1, NOON),
    ]


def test_a_sale_that_the_topic_told_before_takes_nothing_and_is_not_told_again() -> None:
    outcome = confirmed(A_HOLD, {SOAP: Balance(5, 2)}, event_ids={"reservation:R1:1"})
    assert not isinstance(outcome, Refused)
    assert [(event.on_hand_change, event.reserved_change) for event in outcome[1]] == [(0, -2)]
    assert sales_of(*outcome) == []


def test_a_sale_is_never_dated_before_the_count_it_was_taken_from() -> None:
    counted_at = NOON + TEN_MINUTES
    outcome = confirmed(A_HOLD, {SOAP: Balance(5, 2, counted_at=counted_at)})
    assert not isinstance(outcome, Refused)
    assert [sale.occurred_at for sale in sales_of(*outcome)] == [counted_at]


def test_what_is_not_confirmed_is_free_again() -> None:
    hold = replace(A_HOLD, lines=(Line(SOAP, 2), Line(BREAD, 3)))
    outcome = confirmed(hold, {SOAP: Balance(5, 2), BREAD: Balance(5, 3)}, Line(BREAD, 1))
    assert not isinstance(outcome, Refused)
    assert [(event.item, event.on_hand_change, event.reserved_change) for event in outcome[1]] == [
        (SOAP, 0, -2),
        (BREAD, -1, -1),
        (BREAD, 0, -2),
    ]
    assert [(sale.event_id, sale.quantity) for sale in sales_of(*outcome)] == [("reservation:R1:2", -1)]


def test_two_lines_that_meet_elsewhere_are_counted_together() -> None:
    there = Item("P1", "S3")
    hold = replace(A_HOLD, lines=(Line(SOAP, 2), Line(Item("P1", "S2"), 2)))
    outcome = transfer(TransferReservation("R1", "S3"), hold, {there: Balance(on_hand=3)}, {"P1"}, Terms(), NOON)
    assert isinstance(outcome, Refused)
    assert [(each.item, each.requested, each.available) for each in outcome.shortages] == [(there, 4, 3)]


@given(st.integers(-5, 20), st.lists(st.integers(1, 8), min_size=1, max_size=6))
def test_reservations_never_promise_more_than_there_is(on_hand: int, wishes: list[int]) -> None:
    balance = Balance(on_hand=on_hand)
    for wish in wishes:
        outcome = reserve(ReserveStock("R1", (Line(SOAP, wish),), TEN_MINUTES), {SOAP: balance}, {"P1"}, Terms(), NOON)
        if not isinstance(outcome, Refused):
            balance = replace(balance, reserved=balance.reserved + wish)
        assert balance.reserved <= max(0, on_hand)


@given(st.lists(st.builds(Line, st.sampled_from([SOAP, BREAD]), st.integers(1, 9)), min_size=1))
def test_combined_lines_ask_for_the_same_units_with_one_line_per_item(lines: list[Line]) -> None:
    combined = combine(lines)
    assert len({line.item for line in combined}) == len(combined)
    for item in (SOAP, BREAD):
        assert sum(line.quantity for line in combined if line.item == item) == sum(
            line.quantity for line in lines if line.item == item
        )
