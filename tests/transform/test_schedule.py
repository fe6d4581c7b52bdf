"""Steps that wait for each other: in what order they run, and what stops them."""

import threading
from functools import partial
from itertools import permutations

import pytest
from shopsphere_kit.waiting import wait_until
from transform.schedule import Step, run_all

NEEDS: dict[str, list[str]] = {
    "fold": [],
    "judged": ["fold"],
    "table": ["judged", "fold"],
    "mart": ["table", "not a step"],
}


@pytest.mark.parametrize("names", list(permutations(NEEDS)))
def test_a_step_runs_after_what_it_needs_in_whatever_order_they_are_named(names: tuple[str, ...]) -> None:
    done: list[str] = []
    run_all([Step(name, NEEDS[name], partial(done.append, name)) for name in names], workers=3)
    assert done == list(NEEDS)


def test_steps_that_do_not_need_each_other_run_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=60)
    run_all([Step("one", [], both.wait), Step("other", [], both.wait)], workers=2)
    assert not both.broken


def test_no_more_steps_run_at_the_same_time_than_there_are_workers() -> None:
    lock = threading.Lock()

    def alone() -> None:
        assert lock.acquire(blocking=False)
        lock.release()

    run_all([Step(str(number), [], alone) for number in range(50)], workers=1)


def test_the_error_of_a_step_is_raised_when_the_running_ones_have_ended_and_no_further_one_starts() -> None:
    ended: list[str] = []
    failed = threading.Event()

    def fails() -> None:
        failed.set()
        raise ZeroDivisionError

    def ends_later() -> None:
        wait_until(failed.is_set, deadline_seconds=60, what="the other step's failure")
        ended.append("running")

    with pytest.raises(ZeroDivisionError):
        run_all(
            [
                Step("fails", [], fails),
                Step("running", [], ends_later),
                Step("next", ["fails"], lambda: ended.append("next")),
            ],
            workers=2,
        )
    assert ended == ["running"]


def test_a_step_that_could_start_but_for_a_free_worker_does_not_start_after_an_error() -> None:
    started: list[str] = []

    def fails() -> None:
        started.append("fails")
        raise ZeroDivisionError

    others = [Step(str(number), [], lambda: started.append("another")) for number in range(8)]
    with pytest.raises(ZeroDivisionError):
        run_all([Step("fails", [], fails), *others], workers=1)
    assert started == ["fails"]


def test_steps_that_wait_for_each_other_are_named() -> None:
    done: list[str] = []
    steps = [Step("first", [], lambda: done.append("first")), Step("b", ["c"], list), Step("c", ["b"], list)]
    with pytest.raises(ValueError, match="wait for each other: b, c"):
        run_all(steps, workers=2)
    assert done == ["first"]


def test_of_no_steps_there_is_nothing_to_do() -> None:
    run_all([], workers=1)
