"""Changes of stock on their way to Kafka, from their stream in Redis.

One worker at a time leads, by a lease, and moves the cursor of what was sent by compare-and-set. What remains: a worker
that dies after sending, or one that was stopped in the middle for longer than its lease, leaves a batch that its
successor sends again, and its own may arrive late, behind newer records of the same item. Records tell figures with
their version and not differences, so a reader keeps the highest version of an item and is right.
"""

from datetime import timedelta

from shopsphere_kit.events import InventoryChanged, encode_event
from shopsphere_kit.logging import get_logger
from shopsphere_kit.outbox import Connect, Message, Sender, drain
from shopsphere_kit.topics import INVENTORY_CHANGES

from inventory import metrics, movement
from inventory.changes import Change, Cursor
from inventory.errors import ChangesTrimmed
from inventory.publisher import ending_with_its_data_set
from inventory.store import Ledger, StockStore

BATCH_MAX = 500
# Three times as long as Kafka may take to refuse a batch, so that who sends still leads when it is done.
LEASE = timedelta(seconds=15)

_log = get_logger(__name__)


class ChangePublisher:
    """Sends every change at least once, of each item in its order; `worker` is this process's name among its kind."""

    def __init__(self, store: StockStore, connect: Connect, worker: str) -> None:
        self._store = store
        self._sender = Sender(INVENTORY_CHANGES.name, connect)
        self._worker = worker

    async def run(self) -> None:
        """Publish until cancelled."""
        await drain(self.publish_once, self._sender)

    async def publish_once(self) -> int:
        """Send one batch of changes; return how many, 0 also when another worker leads.

        Raises KafkaError, StockUnavailable, and DataSetLost when no waiting will bring the changes back.
        """
        with ending_with_its_data_set():
            sent = await self._store.lead_changes(self._worker, LEASE)
            return 0 if sent is None else await self._publish(sent)

    async def stop(self) -> None:
        """Disconnect; the cursor says what was not acknowledged."""
        await self._sender.disconnect()

    async def _publish(self, sent: Cursor) -> int:
        try:
            found = await self._store.changes(sent, BATCH_MAX)
        except ChangesTrimmed:
            return await self._tell_anew(sent)
        if found.changes:
            await self._send([_message(each) for each in found.changes])
            await self._move(sent, found.cursor)
        return len(found.changes)

    async def _tell_anew(self, sent: Cursor) -> int:
        """Tell every item as it stands: what changed after the cursor is gone, or it is of another data set."""
        now, count = (await self._store.changes(None, 1)).cursor, 0
        _log.warning(
            "changes were trimmed before they were sent; telling every item anew", sent=str(sent), now=str(now)
        )
        async for sku in self._store.skus():
            ledgers = await self._store.ledgers(sku)
            await self._send([_anew(now.epoch, ledger) for ledger in ledgers if ledger.journal])
            count += len(ledgers)
            if await self._store.lead_changes(self._worker, LEASE) != sent:
                return count
        await self._move(sent, now)
        return count

    async def _send(self, messages: list[Message]) -> None:
        await self._sender.send(messages)
        metrics.CHANGES_PUBLISHED.inc(len(messages))

    async def _move(self, before: Cursor, after: Cursor) -> None:
        if not await self._store.changes_sent(self._worker, before, after):
            _log.warning("another worker sends changes meanwhile; some were sent twice", sent=str(after))


def _message(change: Change) -> Message:
    item = change.item
    event = InventoryChanged(
        event_id=f"change:{change.cursor}",
        occurred_at=change.as_of,
        source=movement.SOURCE,
        sequence=change.cursor.number,
        sku=item.sku,
        location=item.location,
        bucket=item.bucket.value,
        quantity=change.quantity,
        reserved=change.reserved,
        version=change.version,
        epoch=change.cursor.epoch,
        kind=change.kind,
        is_low=change.is_low,
    )
    return Message(movement.key_of(item), encode_event(event))


def _anew(epoch: int, ledger: Ledger) -> Message:
    item, balance = ledger.item, ledger.balance
    event = InventoryChanged(
        event_id=f"balance:{epoch}:{item.sku}@{item.shelf}:{balance.version}",
        occurred_at=ledger.journal[-1].recorded_at,
        source=movement.SOURCE,
        sku=item.sku,
        location=item.location,
        bucket=item.bucket.value,
        quantity=balance.on_hand,
        reserved=balance.reserved,
        version=balance.version,
        epoch=epoch,
        kind="told_anew",
    )
    return Message(movement.key_of(item), encode_event(event))
