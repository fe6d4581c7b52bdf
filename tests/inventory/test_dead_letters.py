"""Dead letters on a real broker: shown safely, and sent again once today's rules accept them."""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from inventory import dead_letters
from inventory.dead_letters import SHOWN_BYTES, KafkaReplay, Letter, Selection
from inventory.journal import StockMoved
from inventory.memory_store import InMemoryStockStore
from inventory.movement import encode
from inventory.rebuilding import fill, values_of
from inventory.stream import DeadLetter, KafkaDeadLetters
from inventory.topic_reader import TopicReader
from inventory_builders import NOON, a_movement
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.stream import Record
from shopsphere_kit.topics import STOCK_MOVEMENTS, STOCK_MOVEMENTS_DLQ


def a_letter(value: bytes | None) -> Letter:
    return Letter(3, ("stock-movements", "1", "17"), "not_json", "expected a value", b"P1@S1", value)


def test_the_first_bytes_of_a_letter_are_shown_as_text_that_no_terminal_obeys() -> None:
    line = json.dumps(a_letter(b'{"sku":"\x1b[2J\xff\x00' + b"x" * 10_000).as_line())
    assert line.isascii()
    assert line.isprintable()
    shown = json.loads(line)
    assert (shown["size"], shown["first_bytes"][:16]) == (10_014, '{"sku":"\x1b[2J\\xff')
    assert len(a_letter(b"x" * 10_000).as_line()["first_bytes"]) == SHOWN_BYTES


def test_a_letter_without_a_value_is_shown_as_one() -> None:
    line = a_letter(None).as_line()
    assert (line["size"], line["first_bytes"]) == (None, None)


@dataclass
class Office:
    """The dead-letter topic of a real broker, and letters of one test, known by their reason and their topic."""

    bootstrap: str
    producer: AIOKafkaProducer
    reason: str

    async def write(self, *values: bytes | None, first_offset: int = 0) -> None:
        """One letter for each value, whose records stood at consecutive offsets."""
        records = [
            Record(self.reason, 1, first_offset + step, f"key-{self.reason}".encode(), value, 0)
            for step, value in enumerate(values)
        ]
        await KafkaDeadLetters(self.producer).send([DeadLetter(each, self.reason, "a detail") for each in records])

    async def shown(self, limit: int | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async with a_reader(self.bootstrap, STOCK_MOVEMENTS_DLQ.name) as reader:
            await dead_letters.show(reader, Selection(self.reason, limit), found.append)
        return found

    async def replayed(self, *, is_trial: bool = False) -> list[str]:
        found: list[dict[str, Any]] = []
        to = None if is_trial else KafkaReplay(self.producer)
        async with a_reader(self.bootstrap, STOCK_MOVEMENTS_DLQ.name) as reader:
            await dead_letters.replay(reader, Selection(self.reason), to, found.append)
        return [each["outcome"] for each in found]

    async def sent(self) -> list[bytes]:
        """The values of the records on stock-movements under the key of this test."""
        async with a_reader(self.bootstrap, STOCK_MOVEMENTS.name) as reader:
            chunks = [chunk async for chunk in reader.chunks(await reader.extent())]
        key = f"key-{self.reason}".encode()
        return [record.value for chunk in chunks for record in chunk if record.key == key]


@asynccontextmanager
async def a_reader(bootstrap: str, topic: str) -> AsyncIterator[TopicReader]:
    """A reader of a topic, for as long as it is needed."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    yield TopicReader(consumer, topic)
    await consumer.stop()


@pytest.fixture
async def office(kafka_bootstrap: str) -> AsyncIterator[Office]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all")
    await producer.start()
    yield Office(kafka_bootstrap, producer, f"old_rule_{uuid.uuid4().hex}")
    await producer.stop()


@pytest.mark.servers
async def test_letters_are_shown_with_their_position_reason_and_what_todays_rules_say(office: Office) -> None:
    await office.write(b"{broken", None, encode(a_movement(-1, kind="sale")), first_offset=40)
    broken, empty, fine = await office.shown()
    assert (broken["topic"], broken["partition"], broken["offset"]) == (office.reason, "1", "40")
    assert (broken["reason"], broken["detail"], broken["size"]) == (office.reason, "a detail", 7)
    assert broken["today"].startswith("not_json: value: ")
    assert (empty["today"], fine["today"]) == ("empty: value: the record has no value", None)
    assert broken["letter"] < empty["letter"] < fine["letter"]


@pytest.mark.servers
async def test_a_limit_shows_the_oldest(office: Office) -> None:
    await office.write(b"1", b"2", b"3")
    assert [each["first_bytes"] for each in await office.shown(limit=2)] == ["1", "2"]


@pytest.mark.servers
async def test_what_passes_today_is_sent_with_its_key_and_what_fails_is_told(office: Office) -> None:
    sale = encode(a_movement(-1, kind="sale"))
    await office.write(b"{broken", sale)
    assert await office.replayed() == ["still_fails", "sent"]
    assert await office.sent() == [sale]


@pytest.mark.servers
async def test_two_letters_of_one_record_are_sent_once(office: Office) -> None:
    sale = encode(a_movement(-1, kind="sale"))
    for _ in range(2):
        await office.write(sale)
    assert await office.replayed() == ["sent", "repeated"]
    assert await office.sent() == [sale]


@pytest.mark.servers
async def test_a_dry_run_sends_nothing(office: Office) -> None:
    await office.write(encode(a_movement(-1, kind="sale")), b"{broken")
    assert await office.replayed(is_trial=True) == ["would_send", "still_fails"]
    assert await office.sent() == []


@pytest.mark.servers
async def test_a_letter_replayed_twice_counts_once(office: Office) -> None:
    receipt = a_movement(7, event_id=f"E-{office.reason}")
    await office.write(encode(receipt))
    for _ in range(2):
        assert await office.replayed() == ["sent"]
    assert len(await office.sent()) == 2
    store = InMemoryStockStore(ManualClock(NOON))
    async with a_reader(office.bootstrap, STOCK_MOVEMENTS.name) as reader:
        await fill(store, values_of(reader.chunks(await reader.extent())), lambda _: None)
    journal = [event for ledger in await store.ledgers(receipt.item.sku) for event in ledger.journal]
    told = [event for event in journal if isinstance(event, StockMoved) and event.event_id == receipt.event_id]
    assert [event.on_hand_change for event in told] == [7]


@pytest.mark.servers
async def test_the_verb_prints_json_lines(office: Office) -> None:
    await office.write(encode(a_movement(2)), b"{broken")
    environment = {**os.environ, "SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS": office.bootstrap}
    command = [sys.executable, "-m", "inventory", "dlq", "--replay", "--dry-run", "--reason", office.reason]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert process.returncode == 0
    assert [json.loads(line)["outcome"] for line in told.splitlines()] == ["would_send", "still_fails"]
