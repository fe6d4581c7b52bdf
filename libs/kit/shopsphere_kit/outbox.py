"""Draining an outbox to Kafka: what stands in a store reaches the topic at least once, whatever is away meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from aiokafka.errors import KafkaError

from shopsphere_kit.errors import Unavailable
from shopsphere_kit.logging import get_logger

_log = get_logger(__name__)
# An entry waits this long at most when all is well; an idle look costs one call of the store.
IDLE_SECONDS = 0.1
# Kafka being away is noticed by its own time-outs; this only spaces the attempts.
RETRY_SECONDS = 1.0
# Kafka being away must not hold up the end of a process.
STOP_SECONDS = 3.0
# What passes by itself: Kafka or the store is away.
TROUBLE = (KafkaError, Unavailable, OSError)


class Producer(Protocol):
    """The part of AIOKafkaProducer that sending needs."""

    async def send(self, topic: str, value: bytes, key: bytes) -> Awaitable[object]:
        """Queue a record; the awaitable it returns resolves when Kafka has acknowledged it."""
        ...

    async def stop(self) -> None:
        """Flush and close."""
        ...


Connect = Callable[[], Awaitable[Producer]]


@dataclass(frozen=True, slots=True)
class Message:
    """A record to be sent."""

    key: bytes
    value: bytes


class Sender:
    """Sends to one topic through a producer that is made when it is needed, and anew after trouble."""

    def __init__(self, topic: str, connect: Connect) -> None:
        self._topic = topic
        self._connect = connect
        self._producer: Producer | None = None

    async def send(self, messages: Sequence[Message]) -> None:
        """Send, and wait for the acknowledgement of each; raises KafkaError."""
        if not messages:
            return
        if self._producer is None:
            self._producer = await self._connect()
        acknowledgements = [await self._producer.send(self._topic, each.value, each.key) for each in messages]
        await asyncio.gather(*acknowledgements)

    async def disconnect(self) -> None:
        """Let go of the producer; what it had not sent yet is still in the outbox."""
        producer, self._producer = self._producer, None
        if producer:
            with suppress(*TROUBLE):
                async with asyncio.timeout(STOP_SECONDS):
                    await producer.stop()


async def drain(publish_once: Callable[[], Awaitable[int]], sender: Sender) -> None:
    """Publish until cancelled: at once again after a batch, after a pause when idle or in trouble."""
    while True:
        try:
            sent = await publish_once()
            pause = 0.0 if sent else IDLE_SECONDS
        except TROUBLE as error:
            _log.warning("the outbox waits; trying again", cause=type(error).__name__)
            # A producer that failed may be beyond repair (its sequence numbers are); a fresh one is not.
            await sender.disconnect()
            pause = RETRY_SECONDS
        await asyncio.sleep(pause)
