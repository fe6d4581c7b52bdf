"""The audit finds nothing after honest changes, and finds what was changed behind the functions' back."""

import pytest
from inventory import audit
from inventory.holds import Hold, Line
from inventory.memory_store import InMemoryStockStore
from inventory.redis_store import RedisStockStore
from inventory.store import SetAside, StockStore
from inventory_builders import (
    BREAD,
    NOON,
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
from inventory_redis import empty_redis
from shopsphere_kit.clock import ManualClock


async def busy_day(store: StockStore) -> None:
    """Every kind of change: received, reserved, confirmed, released, held, adjusted, set aside, delivered twice."""
    await stocked(store, 10)
    await stocked(store, 5, BREAD)
    decisions = [await store.reserve(a_reservation(2, SOAP, Line(BREAD, 1)), once()) for _ in range(3)]
    holds = [decision.outcome for decision in decisions if isinstance(decision.outcome, Hold)]
    await store.confirm(confirmation(holds[0].reservation_id), once())
    await store.release(a_release(holds[1].reservation_id), once())
    adjustment = a_movement(-3, kind="adjustment")
    await store.apply_movements(TOPIC, positioned(adjustment, SetAside("empty"), adjustment, start=2))


EXPECTED = audit.AuditReport(
    keys=2,
    units_on_hand=5 + 4,
    movements=5,
    applied=3,
    duplicates=1,
    quarantined=1,
    confirmed=2,
    adjusted=0,
    outbox=2,
    differences=0,
)


async def test_the_audit_finds_no_difference_after_every_kind_of_change() -> None:
    store = InMemoryStockStore(ManualClock(NOON))
    await busy_day(store)
    assert await audit.run(store) == EXPECTED


@pytest.mark.servers
async def test_the_audit_of_redis_says_the_same(redis_url: str) -> None:
    async with empty_redis(redis_url) as client:
        store = await RedisStockStore.open(client)
        await busy_day(store)
        assert await audit.run(store) == EXPECTED


@pytest.mark.servers
@pytest.mark.parametrize(
    "tamper",
    [
        ("HSET", "inv:stock:P1", "S1", "9:2:9::"),
        ("RPOP", "inv:journal:P2@S1"),
        ("HINCRBY", "inv:counters", "applied", "1"),
        ("DEL", "inv:due:P1"),
        ("DEL", "inv:quarantined:stock-movements"),
        ("HINCRBY", "inv:offsets:stock-movements", "0", "1"),
        ("SADD", "inv:events:0000", "made up"),
    ],
    ids=["balance", "journal", "counter", "hold", "position set aside", "offset", "event id"],
)
async def test_a_change_behind_the_functions_back_is_found(redis_url: str, tamper: tuple[str, ...]) -> None:
    async with empty_redis(redis_url) as client:
        store = await RedisStockStore.open(client)
        await busy_day(store)
        await client.execute_command(*tamper)  # type: ignore[no-untyped-call]
        assert (await audit.run(store)).differences > 0


async def test_records_that_were_never_delivered_are_no_duplicates() -> None:
    store = InMemoryStockStore(ManualClock(NOON))
    await store.apply_movements(TOPIC, positioned(a_movement(1), start=5))
    report = await audit.run(store)
    assert (report.movements, report.applied, report.duplicates, report.differences) == (1, 1, 0, 0)


@pytest.mark.servers
async def test_records_that_were_never_delivered_are_no_duplicates_in_redis(redis_url: str) -> None:
    async with empty_redis(redis_url) as client:
        store = await RedisStockStore.open(client)
        await store.apply_movements(TOPIC, positioned(a_movement(1), start=5))
        report = await audit.run(store)
        assert (report.movements, report.applied, report.duplicates, report.differences) == (1, 1, 0, 0)
