"""Running again and again: when bronze has moved, not when it has not, and until told to stop."""

import threading
from collections.abc import Sequence

import pytest
from shopsphere_kit.errors import ShopSphereError
from transform import keep
from transform.errors import ChecksFailed, Superseded

FAILED, LOST = ChecksFailed("2 failing"), Superseded("run again")


def runs(looks: Sequence[int], troubles: Sequence[ShopSphereError | None] = ()) -> list[int]:
    """At which looks (from 0) a run happens, when bronze is at these snapshots and the runs end with these troubles."""
    stopping, ran = threading.Event(), list[int]()
    at, ends = iter(enumerate(looks)), iter(troubles)
    number = -1

    def look() -> keep.Heads:
        nonlocal number
        number, snapshot = next(at)
        if number == len(looks) - 1:
            stopping.set()
        return {"bronze.orders": snapshot}

    def run() -> None:
        ran.append(number)
        if trouble := next(ends, None):
            raise trouble

    keep.run_every(0, run, look, stopping)
    return ran


def test_the_first_look_runs_and_later_ones_when_bronze_has_moved() -> None:
    assert runs([1, 1, 2, 2, 2, 3]) == [0, 2, 5]


def test_a_refused_run_is_told_and_waits_for_bronze_to_move(capsys: pytest.CaptureFixture[str]) -> None:
    assert runs([1, 1, 2], [FAILED]) == [0, 2]
    assert capsys.readouterr().err == "checks_failed: 2 failing\n"


def test_a_superseded_run_is_tried_again_at_the_next_look() -> None:
    assert runs([1, 1, 1], [LOST]) == [0, 1]


def test_what_bronze_gains_during_a_run_is_found_by_the_next_look() -> None:
    stopping, heads = threading.Event(), [1]
    seen: list[int] = []

    def run() -> None:
        seen.append(heads[0])
        heads[0] += 1
        if len(seen) == 2:
            stopping.set()

    keep.run_every(0, run, lambda: {"bronze.orders": heads[0]}, stopping)
    assert seen == [1, 2]


def test_any_other_error_ends_the_process() -> None:
    def broken() -> None:
        raise ConnectionError("Java is gone")

    with pytest.raises(ConnectionError, match="Java is gone"):
        keep.run_every(0, broken, dict, threading.Event())
