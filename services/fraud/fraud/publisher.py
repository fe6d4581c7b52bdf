"""Decisions on their way to Kafka: from the outbox in Redis, and from this process while Redis is away."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from aiokafka.errors import KafkaError
from shopsphere_kit import topics
from shopsphere_kit.logging import get_logger

from fraud import metrics
from fraud.errors import VelocityUnavailable
from fraud.store import Outgoing, VelocityStore

_log = get_logger(__name__)
BATCH_MAX = 500
# A decision waits this long at most when all is well; an idle look costs one Redis call.
IDLE_SECONDS = 0.1
# Kafka being away is noticed by its own time-outs; this only spaces the attempts.
RETRY_SECONDS = 1.0
# Kafka being away must not hold up the end of the process.
STOP_SECONDS = 5.0
TROUBLE = (KafkaError, VelocityUnavailable, OSError)
# About 5 MB of events: minutes of an outage at a hundred orders per second.
ASIDE_MAX = 10_000


class Producer(Protocol):
    """The part of AIOKafkaProducer that publishing needs."""

    async def send(self, topic: str, value: bytes, key: bytes) -> Awaitable[object]:
        """Queue a record; the awaitable it returns resolves when Kafka has acknowledged it."""
        ...

    async def stop(self) -> None:
        """Flush and close."""
        ...


Connect = Callable[[], Awaitable[Producer]]


class Publisher:
    """Sends every decision at least once; readers deduplicate by event id. Several processes may share the outbox."""

    def __init__(self, store: VelocityStore, connect: Connect) -> None:
        self._store = store
        self._connect = connect
        self._producer: Producer | None = None
        self._aside: deque[Outgoing] = deque()

    def keep_aside(self, order_id: str, event: bytes) -> None:
        """Hold a decision in this process until Kafka has it; the oldest goes when there are too many."""
        if len(self._aside) >= ASIDE_MAX:
            self._aside.popleft()
            metrics.LOST.inc()
        self._aside.append(Outgoing("", order_id, event))
        metrics.KEPT_ASIDE.set(len(self._aside))

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            try:
                sent = await self.publish_once()
                pause = 0 if sent else IDLE_SECONDS
            except TROUBLE as error:
                _log.warning("decisions wait; trying again", cause=type(error).__name__)
                # A producer that failed may be beyond repair (its sequence numbers are); a fresh one is not.
                await self._disconnect()
                pause = RETRY_SECONDS
            await asyncio.sleep(pause)

    async def publish_once(self) -> int:
        """Send what is held here, then one batch of the outbox; return how many decisions Kafka acknowledged."""
        sent = await self._publish_aside()
        waiting = await self._store.outbox(BATCH_MAX)
        await self._send(waiting)
        await self._store.sent(waiting)
        return sent + len(waiting)

    async def stop(self) -> None:
        """Send what is held here if Kafka is there, and disconnect; the outbox keeps the rest."""
        with suppress(*TROUBLE):
            async with asyncio.timeout(STOP_SECONDS):
                await self._publish_aside()
        await self._disconnect()

    async def _disconnect(self) -> None:
        producer, self._producer = self._producer, None
        if producer:
            with suppress(*TROUBLE):
                async with asyncio.timeout(STOP_SECONDS):
                    await producer.stop()

    async def _publish_aside(self) -> int:
        held = list(self._aside)
        await self._send(held)
        for _ in held:
            self._aside.popleft()
        metrics.KEPT_ASIDE.set(len(self._aside))
        return len(held)

    async def _send(self, outgoing: Sequence[Outgoing]) -> None:
        """Send decisions and wait for the acknowledgement of each; raises KafkaError."""
        if not outgoing:
            return
        if self._producer is None:
            self._producer = await self._connect()
        acknowledgements = [
            await self._producer.send(topics.FRAUD_DECISIONS.name, each.event, each.order_id.encode())
            for each in outgoing
        ]
        await asyncio.gather(*acknowledgements)
        metrics.PUBLISHED.inc(len(outgoing))
