"""The changes of the store in this process's memory."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from shopsphere_kit.clock import Clock

from inventory.changes import NEVER, Change, Changes, Cursor, crossing, trimmed
from inventory.fence import Fence
from inventory.journal import Balance, Bucket, Item, StockEvent


class InMemoryChanges:
    """Collects the items that a call changes, and tells each once when the call ends."""

    def __init__(self, clock: Clock, epoch: int) -> None:
        self.fence = Fence(epoch)
        self._clock = clock
        self._kept: list[Change] = []
        self._last = 0
        self._touched: dict[Item, tuple[str, int]] = {}
        self._low_stock = 0
        self._leader: tuple[str, datetime] | None = None
        self._sent = NEVER

    async def changes(self, after: Cursor | None, most: int) -> Changes:
        """The changes after a cursor."""
        self.fence.admit()
        now = Cursor(self.fence.epoch, self._last)
        if after is None:
            return Changes(now)
        first = self._last - len(self._kept) + 1
        if after.epoch != now.epoch or not first - 1 <= after.number <= self._last:
            raise trimmed(after)
        start = after.number + 1 - first
        found = tuple(self._kept[start : start + most])
        return Changes(found[-1].cursor if found else after, found)

    async def lead_changes(self, worker: str, lease: timedelta) -> Cursor | None:
        """Be the one worker that sends changes."""
        self.fence.admit()
        now = self._clock.now()
        if self._leader and self._leader[0] != worker and now < self._leader[1]:
            return None
        self._leader = (worker, now + lease)
        return self._sent

    async def changes_sent(self, worker: str, before: Cursor, after: Cursor) -> bool:
        """Move the cursor of what was sent."""
        self.fence.admit()
        leads = self._leader is not None and self._leader[0] == worker and self._clock.now() < self._leader[1]
        if not leads or self._sent != before:
            return False
        self._sent = after
        return True

    async def set_low_stock(self, units: int) -> None:
        """How few units are low stock."""
        self.fence.admit()
        self._low_stock = units

    def trim_changes(self) -> None:
        """Forget all changes, as a full log forgets its oldest ones."""
        self._kept.clear()

    def _touch(self, event: StockEvent) -> None:
        promised = self._touched.get(event.item, ("", 0))[1] + event.on_hand_change - event.reserved_change
        self._touched[event.item] = (event.kind, promised)

    def _tell(self, balances: Mapping[Item, Balance], now: datetime) -> None:
        for item, (kind, promised) in self._touched.items():
            balance, self._last = balances[item], self._last + 1
            is_low = (
                crossing(balance.unreserved - promised, balance.unreserved, self._low_stock)
                if item.bucket is Bucket.ON_HAND
                else None
            )
            cursor = Cursor(self.fence.epoch, self._last)
            figures = (balance.on_hand, balance.reserved, balance.version)
            self._kept.append(Change(cursor, item, *figures, kind, now, is_low))
        self._touched.clear()
