from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from inventory.journal import Balance, MovementType, ReservationConfirmed, StockEvent, StockReserved, fold
from inventory.stock import ApplyMovement, move
from inventory_builders import NOON, SOAP, a_movement


def taken(movements: list[ApplyMovement]) -> list[StockEvent]:
    """The journal after the movements, in this order of arrival."""
    journal: list[StockEvent] = []
    for command in movements:
        journal.append(move(command, fold(journal), journal, NOON))
    return journal


@st.composite
def movements(draw: st.DrawFn) -> ApplyMovement:
    kind = draw(st.sampled_from(MovementType))
    quantity = draw(st.integers(0, 20) if kind is MovementType.COUNT else st.integers(-20, 20))
    return a_movement(quantity, kind=kind, occurred_at=NOON + timedelta(hours=draw(st.integers(0, 5))))


def test_an_empty_journal_folds_to_nothing() -> None:
    assert fold([]) == Balance()


def test_a_reserved_unit_that_is_confirmed_has_left() -> None:
    receipt = move(a_movement(5), Balance(), [], NOON)
    confirmed = ReservationConfirmed(SOAP, NOON, "R1", 2, sold_at=NOON)
    journal: list[StockEvent] = [receipt, StockReserved(SOAP, NOON, "R1", 2), confirmed]
    folded = fold(journal)
    assert (folded.on_hand, folded.reserved, folded.version) == (3, 0, 3)


@given(st.lists(movements(), max_size=12), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_stock(commands: list[ApplyMovement], random: Random) -> None:
    shuffled = list(commands)
    random.shuffle(shuffled)
    first, second = fold(taken(commands)), fold(taken(shuffled))
    assert (first.on_hand, first.counted_at) == (second.on_hand, second.counted_at)


@given(st.lists(movements(), max_size=12))
def test_stock_is_the_last_count_and_what_came_after_it(commands: list[ApplyMovement]) -> None:
    counts = [command for command in commands if command.type is MovementType.COUNT]
    last = max(counts, key=lambda count: (count.occurred_at, -count.quantity), default=None)
    since = [
        command.quantity
        for command in commands
        if command.type is not MovementType.COUNT and (last is None or command.occurred_at >= last.occurred_at)
    ]
    assert fold(taken(commands)).on_hand == (last.quantity if last else 0) + sum(since)
