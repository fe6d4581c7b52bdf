from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from inventory.journal import Balance, Item
from inventory.stock import Hold, HoldState, Line, Refusal, Refused, ReserveStock, combine, due, end, reserve
from inventory_builders import BREAD, NOON, SOAP

TEN_MINUTES = timedelta(minutes=10)
A_HOLD = Hold("R1", (Line(SOAP, 2),), NOON, NOON + TEN_MINUTES)
endings = st.sampled_from([HoldState.CONFIRMED, HoldState.RELEASED, HoldState.EXPIRED])


def test_available_to_promise_is_what_is_on_hand_and_not_reserved() -> None:
    assert Balance(on_hand=7, reserved=3).available_to_promise == 4


def test_nothing_is_promised_of_stock_below_zero() -> None:
    assert Balance(on_hand=-2, reserved=3).available_to_promise == 0


def test_the_last_unit_can_be_reserved() -> None:
    outcome = reserve(ReserveStock("R1", (Line(SOAP, 2),), TEN_MINUTES), {SOAP: Balance(on_hand=2)}, {"P1"}, NOON)
    assert not isinstance(outcome, Refused)
    hold, events = outcome
    assert hold == A_HOLD
    assert [event.reserved_change for event in events] == [2]


def test_a_refused_basket_names_every_line_that_is_short() -> None:
    balances = {SOAP: Balance(on_hand=1), BREAD: Balance(on_hand=3, reserved=3)}
    outcome = reserve(ReserveStock("R1", (Line(SOAP, 2), Line(BREAD, 1)), TEN_MINUTES), balances, {"P1", "P2"}, NOON)
    assert isinstance(outcome, Refused)
    assert [(each.item, each.requested, each.available) for each in outcome.shortages] == [(SOAP, 2, 1), (BREAD, 1, 0)]


def test_an_unknown_sku_is_told_from_an_unknown_location() -> None:
    lines = (Line(Item("P1", "S9"), 1),)
    known = reserve(ReserveStock("R1", lines, TEN_MINUTES), {}, {"P1"}, NOON)
    unknown = reserve(ReserveStock("R1", lines, TEN_MINUTES), {}, set(), NOON)
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
    ended = end(A_HOLD, first, NOON)
    assert not isinstance(ended, Refused)
    assert end(ended[0], second, NOON) == Refused(Refusal.RESERVATION_NOT_HELD, state=first)


@given(st.integers(-5, 20), st.lists(st.integers(1, 8), min_size=1, max_size=6))
def test_reservations_never_promise_more_than_there_is(on_hand: int, wishes: list[int]) -> None:
    balance = Balance(on_hand=on_hand)
    for wish in wishes:
        outcome = reserve(ReserveStock("R1", (Line(SOAP, wish),), TEN_MINUTES), {SOAP: balance}, {"P1"}, NOON)
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
