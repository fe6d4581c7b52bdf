"""Sales of confirmed reservations on their way to Kafka, from the outbox in Redis."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from aiokafka.errors import KafkaError
from shopsphere_kit.logging import get_logger
from shopsphere_kit.topics import STOCK_MOVEMENTS

from inventory import metrics, movement
from inventory.errors import StockUnavailable
from inventory.store import Outgoing, StockStore

_log = get_logger(__name__)
# A thousand lines, the largest basket, in two rounds.
BATCH_MAX = 500
# A sale waits this long at most when all is well; an idle look costs one Redis call.
IDLE_SECONDS = 0.2
# Kafka being away is noticed by its own time-outs; this only spaces the attempts.
RETRY_SECONDS = 1.0
# Kafka being away must not hold up the end of the process.
STOP_SECONDS = 3.0
TROUBLE = (KafkaError, StockUnavailable, OSError)


class Producer(Protocol):
    """The part of AIOKafkaProducer that publishing needs."""

    async def send(self, topic: str, value: bytes, key: bytes) -> Awaitable[object]:
        """Queue a record; the awaitable it returns resolves when Kafka has acknowledged it."""
        ...

    async def stop(self) -> None:
        """Flush and close."""
        ...


Connect = Callable[[], Awaitable[Producer]]


class SalePublisher:
    """Sends every sale at least once; readers count it once, by its event id. Several workers may share the outbox."""

    def __init__(self, store: StockStore, connect: Connect) -> None:
        self._store = store
        self._connect = connect
        self._producer: Producer | None = None

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            try:
                sent = await self.publish_once()
                pause = 0 if sent else IDLE_SECONDS
            except TROUBLE as error:
                _log.warning("sales wait in the outbox; trying again", cause=type(error).__name__)
                # A producer that failed may be beyond repair (its sequence numbers are); a fresh one is not.
                await self.stop()
                pause = RETRY_SECONDS
            await asyncio.sleep(pause)

    async def publish_once(self) -> int:
        """Send one batch of the outbox and delete what Kafka acknowledged; return how many. Raises KafkaError."""
        waiting = await self._store.outbox(BATCH_MAX)
        if waiting:
            await self._send(waiting)
            await self._store.sent(waiting)
            metrics.SALES_PUBLISHED.inc(len(waiting))
        return len(waiting)

    async def stop(self) -> None:
        """Disconnect; the outbox keeps what was not acknowledged."""
        producer, self._producer = self._producer, None
        if producer:
            with suppress(*TROUBLE):
                async with asyncio.timeout(STOP_SECONDS):
                    await producer.stop()

    async def _send(self, waiting: Sequence[Outgoing]) -> None:
        if self._producer is None:
            self._producer = await self._connect()
        acknowledgements = [
            await self._producer.send(STOCK_MOVEMENTS.name, movement.encode(each.sale), _key(each)) for each in waiting
        ]
        await asyncio.gather(*acknowledgements)


def _key(outgoing: Outgoing) -> bytes:
    return f"{outgoing.sale.item.sku}@{outgoing.sale.item.location}".encode()
