"""Movements that were decided here on their way to Kafka, from the outbox in Redis."""

from collections.abc import Iterator
from contextlib import contextmanager

from shopsphere_kit.outbox import Connect, Message, Sender, drain
from shopsphere_kit.topics import STOCK_MOVEMENTS

from inventory import metrics, movement
from inventory.errors import DataSetLost, StockUnavailable
from inventory.store import Outgoing, StockStore

# A thousand lines, the largest basket, in two rounds.
BATCH_MAX = 500


@contextmanager
def ending_with_its_data_set() -> Iterator[None]:
    """Raise DataSetLost in place of a StockUnavailable that no waiting will mend."""
    try:
        yield
    except StockUnavailable as error:
        if error.is_of_another_state:
            raise DataSetLost(error.detail, reason=error.reason) from error
        raise


class MovementPublisher:
    """Sends every movement at least once; readers count it once, by its event id. Workers may share the outbox."""

    def __init__(self, store: StockStore, connect: Connect) -> None:
        self._store = store
        self._sender = Sender(STOCK_MOVEMENTS.name, connect)

    async def run(self) -> None:
        """Publish until cancelled."""
        await drain(self.publish_once, self._sender)

    async def publish_once(self) -> int:
        """Send one batch of the outbox and delete what Kafka acknowledged; return how many.

        Raises KafkaError, StockUnavailable, and DataSetLost when no waiting will bring the outbox back.
        """
        with ending_with_its_data_set():
            return await self._publish()

    async def _publish(self) -> int:
        waiting = await self._store.outbox(BATCH_MAX)
        if waiting:
            await self._sender.send([_message(each) for each in waiting])
            await self._store.sent(waiting)
            metrics.MOVEMENTS_PUBLISHED.inc(len(waiting))
        return len(waiting)

    async def stop(self) -> None:
        """Disconnect; the outbox keeps what was not acknowledged."""
        await self._sender.disconnect()


def _message(outgoing: Outgoing) -> Message:
    return Message(movement.key_of(outgoing.movement.item), movement.encode(outgoing.movement))
