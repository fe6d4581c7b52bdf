"""Decisions on their way to Kafka: from the outbox in Redis, and from this process while Redis is away."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from shopsphere_kit import topics
from shopsphere_kit.outbox import STOP_SECONDS, TROUBLE, Connect, Message, Sender, drain

from fraud import metrics
from fraud.store import Outgoing, VelocityStore

BATCH_MAX = 500
# About 5 MB of events: minutes of an outage at a hundred orders per second.
ASIDE_MAX = 10_000


class Publisher:
    """Sends every decision at least once; readers deduplicate by event id. Several processes may share the outbox."""

    def __init__(self, store: VelocityStore, connect: Connect) -> None:
        self._store = store
        self._sender = Sender(topics.FRAUD_DECISIONS.name, connect)
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
        await drain(self.publish_once, self._sender)

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
        await self._sender.disconnect()

    async def _publish_aside(self) -> int:
        held = list(self._aside)
        await self._send(held)
        for _ in held:
            self._aside.popleft()
        metrics.KEPT_ASIDE.set(len(self._aside))
        return len(held)

    async def _send(self, outgoing: Sequence[Outgoing]) -> None:
        await self._sender.send([Message(each.order_id.encode(), each.event) for each in outgoing])
        metrics.PUBLISHED.inc(len(outgoing))
