from collections.abc import Sequence

import pytest
from aiokafka.errors import KafkaTimeoutError
from inventory import audit
from inventory.memory_store import InMemoryStockStore
from inventory.stream import DeadLetter, InMemoryDeadLetters, create_handler
from inventory_builders import NOON, an_owner
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.stream import PartitionsLost, Record

RECEIPT = (
    b'{"event_id":"E%d","type":"receipt","occurred_at":"2026-03-01T08:00:00Z","source":"till",'
    b'"sku":"P1","location":"S1","quantity":5}'
)


def a_record(offset: int, value: bytes | None) -> Record:
    return Record("stock-movements", 0, offset, b"P1@S1", value, 0)


async def test_good_records_are_applied_and_bad_ones_set_aside_with_their_bytes() -> None:
    store, dead = InMemoryStockStore(ManualClock(NOON)), InMemoryDeadLetters()
    await create_handler(store, dead, await an_owner(store))(
        [a_record(0, RECEIPT % 1), a_record(1, b"{broken"), a_record(2, RECEIPT % 2)]
    )
    report = await audit.run(store)
    assert (report.units_on_hand, report.movements, report.applied, report.quarantined) == (10, 3, 2, 1)
    assert [(letter.record.value, letter.record.offset, letter.reason) for letter in dead.letters] == [
        (b"{broken", 1, "not_json")
    ]


async def test_a_batch_delivered_again_changes_nothing_and_sends_no_second_dead_letter() -> None:
    store, dead = InMemoryStockStore(ManualClock(NOON)), InMemoryDeadLetters()
    handle, batch = create_handler(store, dead, await an_owner(store)), [a_record(0, RECEIPT % 1), a_record(1, None)]
    await handle(batch)
    await handle(batch)
    report = await audit.run(store)
    assert (report.units_on_hand, report.movements, report.quarantined) == (5, 2, 1)
    assert len(dead.letters) == 1


async def test_json_nested_deeper_than_the_stack_is_set_aside_and_what_follows_is_taken() -> None:
    store, dead = InMemoryStockStore(ManualClock(NOON)), InMemoryDeadLetters()
    deep = (RECEIPT % 1)[:-1] + b',"till":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    await create_handler(store, dead, await an_owner(store))([a_record(0, deep), a_record(1, RECEIPT % 2)])
    report = await audit.run(store)
    assert (report.units_on_hand, report.applied, report.quarantined) == (5, 1, 1)
    assert [letter.reason for letter in dead.letters] == ["not_json"]


async def test_a_worker_whose_partition_was_taken_over_writes_nothing_until_it_is_assigned_again() -> None:
    store, dead = InMemoryStockStore(ManualClock(NOON)), InMemoryDeadLetters()
    zombie = await an_owner(store)
    handle = create_handler(store, dead, zombie)
    await handle([a_record(0, RECEIPT % 1)])
    successor = create_handler(store, dead, await an_owner(store))
    for offset in (1, 2):
        with pytest.raises(PartitionsLost):
            await handle([a_record(offset, RECEIPT % offset)])
    await successor([a_record(1, RECEIPT % 2), a_record(2, b"{broken")])
    assert await zombie.take_over(frozenset({0})) == {0: 3}
    await handle([a_record(3, RECEIPT % 4)])
    report = await audit.run(store)
    assert (report.units_on_hand, report.applied, report.quarantined, len(dead.letters)) == (15, 3, 1, 1)


async def test_a_worker_without_a_partition_sends_none_of_its_records_to_the_dead_letters() -> None:
    store, dead = InMemoryStockStore(ManualClock(NOON)), InMemoryDeadLetters()
    handle = create_handler(store, dead, await an_owner(store, 1))
    with pytest.raises(PartitionsLost, match=r"\[0\]"):
        await handle([a_record(0, b"{broken")])
    assert dead.letters == []


async def test_a_worker_that_lost_one_partition_takes_nothing_of_its_others_until_it_is_assigned_again() -> None:
    store, dead = InMemoryStockStore(ManualClock(NOON)), InMemoryDeadLetters()
    robbed = await an_owner(store, 0, 1)
    handle = create_handler(store, dead, robbed)
    await an_owner(store, 0)
    of_the_other = [Record("stock-movements", 1, offset, b"P1@S1", RECEIPT % offset, 0) for offset in (0, 1)]
    for batch in ([a_record(0, RECEIPT % 7), of_the_other[0]], [of_the_other[1]]):
        with pytest.raises(PartitionsLost):
            await handle(batch)
    assert await robbed.take_over(frozenset({1})) == {1: 0}


class DeadLettersAway(InMemoryDeadLetters):
    async def send(self, letters: Sequence[DeadLetter]) -> None:
        raise KafkaTimeoutError("no acknowledgement")


async def test_nothing_of_a_batch_is_taken_before_its_dead_letters_are_safe() -> None:
    store = InMemoryStockStore(ManualClock(NOON))
    handle = create_handler(store, DeadLettersAway(), await an_owner(store))
    with pytest.raises(KafkaTimeoutError):
        await handle([a_record(0, RECEIPT % 1), a_record(1, b"{broken")])
    assert await store.offsets("stock-movements") == {}
