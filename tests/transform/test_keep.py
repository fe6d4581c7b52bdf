"""Running again and again: when bronze has moved, not when it has not, and until told to stop."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest
from shopsphere_kit.errors import ShopSphereError
from shopsphere_kit.settings import LakeSettings
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State
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


# What `python -m transform run --every` does, with a run short enough for a test.
PROGRAM = """
from shopsphere_kit import logging
from shopsphere_kit.settings import read
from shopsphere_kit.waiting import wait_until
from transform import bootstrap, keep
from transform.settings import Settings

logging.configure("transform", "WARNING")
stopping = keep.until_sigterm()
with bootstrap.lake(read(Settings)) as lake:
    def run():
        lake.spark.range(1).count()
        print("running", flush=True)
        wait_until(stopping.is_set, deadline_seconds=60, what="SIGTERM")
        print(sum(lake.spark.range(number).count() for number in range(20)), flush=True)
    keep.run_every(600, run, lambda: keep.heads(lake), stopping)
print("stopped", flush=True)
"""


@pytest.mark.servers
def test_a_sigterm_to_the_whole_group_lets_the_run_in_hand_end(lake_settings: LakeSettings) -> None:
    cache = State(LocalSettings().state_dir).cache
    environment = os.environ | {
        "SHOPSPHERE_LAKE_CATALOG_URI": lake_settings.catalog_uri,
        "SHOPSPHERE_LAKE_WAREHOUSE": lake_settings.warehouse,
        "TRANSFORM_CACHE_DIR": str(cache),
        "TRANSFORM_MASTER": "local[1]",
    }
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "running\n"
        os.killpg(child.pid, signal.SIGTERM)
        told, trouble = child.communicate(timeout=120)
    assert (told.splitlines(), child.returncode) == (["190", "stopped"], 0), trouble
