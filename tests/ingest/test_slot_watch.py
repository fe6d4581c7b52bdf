"""The alarm for a replication slot that fills its server's disk."""

from threading import Event
from typing import cast

import pytest
from ingest import bootstrap
from ingest.pump import Pump
from ingest.settings import Settings
from ingest.slot_watch import SlotLimit, SlotWatch
from ingest.sources.postgres_slot import Slot, SlotState
from ingest_builders import execute
from prometheus_client import REGISTRY
from pydantic import SecretStr
from shopsphere_kit.errors import FailedPrecondition
from structlog.testing import capture_logs

MEGABYTE = 2**20


def a_state(retained: int | None, keep: int | None = None) -> SlotState:
    return SlotState(0, retained, active=False, wal_status="reserved", keep_bytes_max=keep)


@pytest.mark.parametrize(
    ("state", "crossed"),
    [
        (a_state(0), False),
        (a_state(100), False),
        (a_state(101), True),
        (a_state(31, keep=60), True),  # the server gives the slot up at 60, so 100 would be too late
        (a_state(30, keep=60), False),
        (a_state(101, keep=1000), True),
        (a_state(None), True),  # it is given up
    ],
)
def test_the_limit_comes_before_the_servers_own(state: SlotState, crossed: bool) -> None:
    assert SlotLimit(100).crossed(state) is crossed


def gauge(name: str, slot: str) -> float | None:
    return REGISTRY.get_sample_value(f"shopsphere_ingest_slot_{name}", {"slot": slot})


@pytest.mark.servers
def test_a_slot_that_nobody_reads_raises_the_alarm_once_and_clears_it(
    settings: Settings, dsn: str, pump: Pump, capsys: pytest.CaptureFixture[str]
) -> None:
    name = settings.postgres_slot
    (watch,) = bootstrap.slot_watches(settings.model_copy(update={"postgres_slot_lag_bytes_max": MEGABYTE}), Event())
    watch.look()
    assert gauge("lag_alarm", name) is None  # there is no slot yet
    pump.open()
    while pump.step():
        pass
    watch.look()
    assert gauge("lag_alarm", name) == 0
    execute(
        dsn,
        "select pg_logical_emit_message(true, 'noise', repeat('x', 9999)) from generate_series(1, 200)",
        "checkpoint",
    )
    for _ in range(3):
        watch.look()
    assert gauge("lag_alarm", name) == 1
    assert (gauge("lag_bytes", name) or 0) > MEGABYTE
    assert (gauge("retained_bytes", name) or 0) >= (gauge("lag_bytes", name) or 0)
    catch_up(pump, watch, dsn, name)
    watch._slot.close()


def catch_up(pump: Pump, watch: SlotWatch, dsn: str, name: str) -> None:
    """Read on until the server lets the log go, which it does at its own moments."""
    for _ in range(50):
        execute(dsn, "insert into empty select coalesce(max(id), 0) + 1 from empty", "checkpoint")
        pump.step()
        watch.look()
        if gauge("lag_alarm", name) == 0:
            return
    raise AssertionError(f"{gauge('retained_bytes', name)} bytes are still kept")


@pytest.mark.servers
def test_a_server_that_is_away_and_back_is_watched_on(settings: Settings, dsn: str, pump: Pump) -> None:
    pump.open()
    while pump.step():
        pass
    pump._source.close()
    (watch,) = bootstrap.slot_watches(settings, Event())
    watch.look()
    execute(
        dsn,
        "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_replication_slots%'"
        " and pid <> pg_backend_pid()",
    )
    watch.look()  # finds its connection broken
    execute(dsn, "select pg_logical_emit_message(true, 'noise', repeat('x', 9999)) from generate_series(1, 200)")
    watch.look()
    assert (gauge("lag_bytes", settings.postgres_slot) or 0) > MEGABYTE
    watch._slot.close()
    (nowhere,) = bootstrap.slot_watches(
        settings.model_copy(update={"postgres_dsn": SecretStr("postgresql://127.0.0.1:1/away")}), Event()
    )
    nowhere.look()


class TroubledSlot:
    """A slot whose server answers with an error that does not pass."""

    name = "troubled"

    def state(self) -> SlotState | None:
        raise FailedPrecondition("the slot cannot be read")


def test_an_error_of_the_slot_is_told_once_and_the_watch_goes_on() -> None:
    watch = SlotWatch(cast("Slot", TroubledSlot()), SlotLimit(100), Event())
    with capture_logs() as lines:
        for _ in range(3):
            watch.look()
    assert [line["event"] for line in lines] == ["slot cannot be seen"]
