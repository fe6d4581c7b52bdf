"""The checker tells histories that some order explains from those that none does, and says where they go wrong."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest_torture.chance import stream
from linearizability import register_model as register
from linearizability.breadth_first import first_unexplained
from linearizability.checker import Verdict, check
from linearizability.depth_first import finds_order
from linearizability.explain import explain
from linearizability.moments import AnyOperation, moments
from linearizability.naive import is_linearizable
from linearizability.partition import partition
from linearizability.register_model import CompareAndSet, RegisterModel, Write
from linearizability.simulation import Clients, RegisterClients, Shoppers, Trouble, in_turn, overlapping, recorded
from linearizability.stock_model import Adjust, Answer, Confirm, Read, Release, Reserve, StockModel
from linearizability_builders import lost, one_by_one, told

HELD, INSUFFICIENT, OK, NOT_HELD = Answer
RECEIVED = (Adjust(5), OK)
HOLDERS = [RegisterClients, Shoppers]


def of_stock(*operations: AnyOperation) -> Verdict:
    return check(operations, StockModel())


def of_register(*operations: AnyOperation) -> Verdict:
    return check(operations, RegisterModel())


def small_history(draw: Random, clients: Clients) -> list[AnyOperation]:
    """Two to seven operations, of a store that is right or at times wrong."""
    wrong = draw.choice((0, 0.5, 0.9))
    trouble = Trouble(lost=draw.choice((0, 0.1, 0.3)), stale=wrong, forgotten=wrong)
    return recorded(draw, "P1", clients, overlapping(draw, draw.choice((2, 5, 6, 7))), trouble)


# --- what goes wrong in shops


def test_operations_one_by_one_that_tell_the_truth_are_linearizable() -> None:
    history = one_by_one(
        RECEIVED,
        (Reserve("h1", 2), HELD),
        (Reserve("h2", 4), INSUFFICIENT),
        (Read(), (5, 2)),
        (Confirm("h1"), OK),
        (Confirm("h1"), NOT_HELD),
        (Reserve("h3", 3), HELD),
        (Release("h3"), OK),
        (Read(), (3, 0)),
    )
    assert of_stock(*history).is_linearizable


def test_a_stale_read_is_refused() -> None:
    assert of_stock(*one_by_one(RECEIVED, (Adjust(-1), OK), (Read(), (5, 0)))).is_refuted


def test_a_read_during_a_change_may_see_what_was_or_what_is() -> None:
    for seen in ((5, 0), (4, 0)):
        change, read = told(20, 40, Adjust(-1), OK), told(25, 35, Read(), seen)
        assert of_stock(*one_by_one(RECEIVED), change, read).is_linearizable


def test_two_reads_that_see_a_change_and_then_do_not_are_refused() -> None:
    change = told(20, 60, Adjust(-1), OK)
    reads = [told(25, 30, Read(), (4, 0)), told(35, 40, Read(), (5, 0))]
    assert of_stock(*one_by_one(RECEIVED), change, *reads).is_refuted
    assert of_stock(*one_by_one(RECEIVED), change, reads[0]).is_linearizable


def test_a_lost_update_is_refused() -> None:
    first, second = told(20, 40, Adjust(-1), OK), told(25, 45, Adjust(-2), OK)
    for seen in ((4, 0), (3, 0)):
        assert of_stock(*one_by_one(RECEIVED), first, second, told(50, 55, Read(), seen)).is_refuted
    assert of_stock(*one_by_one(RECEIVED), first, second, told(50, 55, Read(), (2, 0))).is_linearizable


def test_the_last_unit_promised_twice_by_check_then_decrement_is_refused() -> None:
    history = [*one_by_one((Adjust(1), OK)), told(20, 40, Reserve("h1", 1), HELD), told(21, 41, Reserve("h2", 1), HELD)]
    assert of_stock(*history).is_refuted


def test_the_last_unit_promised_twice_is_right_when_it_came_back_in_between() -> None:
    history = [*one_by_one((Adjust(1), OK)), told(20, 40, Reserve("h1", 1), HELD), told(21, 41, Reserve("h2", 1), HELD)]
    assert of_stock(*history, told(22, 39, Release("h1"), OK)).is_linearizable


def test_a_reservation_confirmed_twice_is_refused() -> None:
    held = one_by_one(RECEIVED, (Reserve("h1", 2), HELD))
    first, second = told(30, 50, Confirm("h1"), OK), told(31, 51, Confirm("h1"), OK)
    assert of_stock(*held, first, second).is_refuted
    assert of_stock(*held, first, second._replace(response=NOT_HELD)).is_linearizable


def test_a_basket_refused_though_there_was_stock_is_refused() -> None:
    assert of_stock(*one_by_one(RECEIVED, (Reserve("h1", 5), INSUFFICIENT))).is_refuted


# --- lost answers


@pytest.mark.parametrize("seen", [(5, 0), (4, 0)])
def test_a_change_whose_answer_was_lost_may_have_taken_effect_or_not(seen: tuple[int, int]) -> None:
    assert of_stock(*one_by_one(RECEIVED), lost(20, Adjust(-1)), told(30, 35, Read(), seen)).is_linearizable


def test_a_change_whose_answer_was_lost_may_take_effect_long_after() -> None:
    reads = one_by_one((Read(), (5, 0)), (Read(), (5, 0)), (Read(), (4, 0)), start=30)
    assert of_stock(*one_by_one(RECEIVED), lost(20, Adjust(-1)), *reads).is_linearizable


def test_a_change_whose_answer_was_lost_does_not_take_effect_twice() -> None:
    assert of_stock(*one_by_one(RECEIVED), lost(20, Adjust(-1)), told(30, 35, Read(), (3, 0))).is_refuted


def test_a_change_whose_answer_was_lost_is_not_taken_back() -> None:
    reads = one_by_one((Read(), (4, 0)), (Read(), (5, 0)), start=30)
    assert of_stock(*one_by_one(RECEIVED), lost(20, Adjust(-1)), *reads).is_refuted


def test_a_change_that_is_known_to_have_ended_takes_no_effect_later() -> None:
    reads = one_by_one((Read(), (5, 0)), (Read(), (4, 0)), start=30)
    assert of_stock(*one_by_one(RECEIVED), lost(20, Adjust(-1), ended=35), *reads).is_linearizable
    assert of_stock(*one_by_one(RECEIVED), lost(20, Adjust(-1), ended=29), *reads).is_refuted


def test_a_reservation_whose_answer_was_lost_can_be_confirmed() -> None:
    confirmed = told(30, 35, Confirm("h1"), OK)
    assert of_stock(*one_by_one(RECEIVED), lost(20, Reserve("h1", 2)), confirmed).is_linearizable
    assert of_stock(*one_by_one(RECEIVED), confirmed).is_refuted


# --- time


def test_operations_that_touch_at_one_instant_are_concurrent() -> None:
    touching = [told(0, 10, Write(1), None), told(10, 20, register.Read(), 0)]
    assert of_register(*touching).is_linearizable
    assert of_register(touching[0], touching[1]._replace(called=11)).is_refuted


def test_all_states_that_are_possible_at_a_cut_are_carried_over_it() -> None:
    writes = [told(0, 10, Write(1), None), told(0, 10, Write(2), None)]
    quiet = [told(20, 30, CompareAndSet(3, 4), False)]
    for value in (1, 2):
        assert of_register(*writes, *quiet, told(40, 50, register.Read(), value)).is_linearizable
    assert of_register(*writes, *quiet, *(told(40, 50, register.Read(), value) for value in (1, 2))).is_refuted


# --- objects


def test_objects_are_checked_apart_and_the_wrong_one_is_named() -> None:
    right, wrong = one_by_one(RECEIVED, (Read(), (5, 0))), one_by_one(RECEIVED, (Read(), (6, 0)))
    verdict = of_stock(*(each._replace(keys=("P2",)) for each in right), *wrong)
    assert (verdict.operations, list(verdict.stuck)) == (4, [("P1",)])


def test_operations_on_several_objects_tie_these_together() -> None:
    ties = [("P1", "P2"), ("P3",), ("P2", "P4"), ("P5", "P3"), ("P6",)]
    parts = partition([told(0, 1, "call", None, *keys) for keys in ties])
    assert {keys: len(operations) for keys, operations in parts.items()} == {
        ("P1", "P2", "P4"): 2,
        ("P3", "P5"): 2,
        ("P6",): 1,
    }


@given(st.lists(st.sets(st.sampled_from("ABCDEFGH"), min_size=1, max_size=3).map(tuple), max_size=8))
def test_two_objects_are_checked_together_only_when_a_chain_of_operations_ties_them(
    ties: list[tuple[str, ...]],
) -> None:
    together = {frozenset(keys) for keys in ties}
    for key in "ABCDEFGH":
        tied = {keys for keys in together if key in keys}
        together = together - tied | ({frozenset().union(*tied)} if tied else set())
    parts = partition(told(number, number, "call", None, *keys) for number, keys in enumerate(ties))
    assert set(parts) == {tuple(sorted(keys)) for keys in together}
    assert sum(map(len, parts.values())) == len(ties)


# --- long histories


@pytest.mark.parametrize("busy", [0.01, 0.3, 1])
def test_what_eight_clients_record_of_a_correct_store_is_linearizable(busy: float) -> None:
    draw, shoppers = stream(1, busy), Shoppers(receipt=50, foreign=0.1)
    history = recorded(draw, "P1", shoppers, in_turn(draw, 2_000, 8, busy), Trouble(lost=0.001))
    assert check(history, shoppers.model).is_linearizable


@pytest.mark.parametrize("busy", [0.01, 0.3, 1])
def test_the_one_wrong_answer_among_thousands_is_found(busy: float) -> None:
    draw, shoppers = stream(2, busy), Shoppers(receipt=50, foreign=0.1)
    history = recorded(draw, "P1", shoppers, in_turn(draw, 2_000, 8, busy))
    number = max(number for number, each in enumerate(history) if isinstance(each.invocation, Read))
    history[number] = history[number]._replace(response=(100_000, 0))
    stuck = check(history, shoppers.model).stuck["P1",]
    assert (stuck.unexplained, stuck.is_proven) == (history[number], True)


def test_an_order_that_only_the_thorough_search_finds_is_found() -> None:
    history = [*one_by_one((Adjust(3), OK)), told(20, 30, Adjust(-3), OK), told(20, 40, Adjust(1), OK)]
    history.append(told(20, 50, Reserve("h1", 4), HELD))
    assert not finds_order(StockModel(), moments(history, StockModel()))
    assert of_stock(*history).is_linearizable


def test_what_has_too_many_orders_to_try_them_all_is_neither_linearizable_nor_refuted() -> None:
    changes = [lost(10 + number, Adjust(2**number)) for number in range(30)]
    history = [*changes, told(50, 60, Read(), (-1, 0))]
    verdict = check(history, StockModel(), configurations_max=1_000)
    assert (verdict.is_linearizable, verdict.is_refuted) == (False, False)
    assert explain(verdict).startswith("P1: no order found, and too many to try them all\n  it ends at:")


def test_a_verdict_is_explained() -> None:
    reserved = [told(20, 40, Reserve("h1", 3), HELD), told(25, 45, Reserve("h2", 3), HELD)]
    after = "Stock(on_hand=5, reserved=3, holds=frozenset({('h1', 3)}))"
    assert explain(of_stock(*one_by_one(RECEIVED), *reserved)).splitlines() == [
        "P1: not linearizable",
        "  what no order explains:",
        "    client             25           45  Reserve(hold_id='h2', units=3) -> held",
        "  the last operations before nothing was open:",
        "    client              0            9  Adjust(delta=5) -> ok",
        "  the states possible then:",
        "    Stock(on_hand=5, reserved=0, holds=frozenset())",
        "  operations since then, by their calls:",
        "    client             20           40  Reserve(hold_id='h1', units=3) -> held",
        "    client             25           45  Reserve(hold_id='h2', units=3) -> held",
        "  an order of the longest prefix that has one:",
        f"    client   Reserve(hold_id='h1', units=3) -> held  leaves {after}",
    ]
    assert explain(of_stock(*one_by_one(RECEIVED))) == "1 operations: linearizable"


# --- agreement with the definition


@pytest.mark.parametrize("holders", HOLDERS)
def test_thousands_of_small_histories_are_judged_as_by_trying_every_order(holders: type[Clients]) -> None:
    draw, judged = stream(20_270_301, holders.__name__), Counter[bool]()
    for number in range(2_000):
        clients = holders()
        history = small_history(draw, clients)
        verdict, expected = check(history, clients.model), is_linearizable(history, clients.model)
        assert (verdict.is_linearizable, verdict.is_refuted) == (expected, not expected), (number, explain(verdict))
        judged[expected] += 1
    assert min(judged[True], judged[False]) > 300, judged


@pytest.mark.parametrize("holders", HOLDERS)
@given(draw=st.randoms(use_true_random=False))
def test_the_thorough_search_alone_judges_as_trying_every_order_does(holders: type[Clients], draw: Random) -> None:
    clients = holders()
    history = small_history(draw, clients)
    stuck = first_unexplained(clients.model, moments(history, clients.model), 100_000, thorough=True)
    assert (stuck is None) == is_linearizable(history, clients.model)


@pytest.mark.parametrize("holders", HOLDERS)
@given(draw=st.randoms(use_true_random=False))
def test_the_quick_search_finds_no_order_where_there_is_none(holders: type[Clients], draw: Random) -> None:
    clients = holders()
    history = small_history(draw, clients)
    found = finds_order(clients.model, moments(history, clients.model))
    assert not found or is_linearizable(history, clients.model)


@pytest.mark.parametrize("holders", HOLDERS)
@given(draw=st.randoms(use_true_random=False))
def test_what_only_observes_leaves_every_state_as_it_is(holders: type[Clients], draw: Random) -> None:
    clients = holders()
    model, state = clients.model, clients.model.initial()
    for client in range(20):
        call = clients.call(draw, client)
        answer = model.answer(state, call)
        after = model.step(state, call, answer)
        assert after == state or not model.observes(call, answer)
        state = after
