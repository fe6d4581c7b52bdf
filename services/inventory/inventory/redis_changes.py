"""The changes of the stock store in Redis."""

from datetime import timedelta
from typing import Any

import msgspec

from inventory import wire
from inventory.changes import NEVER, Change, Changes, Cursor, trimmed
from inventory.journal import Item


class ChangeRecord(msgspec.Struct, array_like=True):
    """A change as the stream holds it; `crossing` is "low", "restocked" or empty."""

    sku: str
    shelf: str
    on_hand: int
    reserved: int
    version: int
    kind: str
    as_of: int
    crossing: str


_DECODER = msgspec.msgpack.Decoder(list[ChangeRecord])
_IS_LOW = {"low": True, "restocked": False}


class RedisChanges:
    """Reads the stream of changes, and keeps the cursor of what was sent of it."""

    _epoch: int

    async def changes(self, after: Cursor | None, most: int) -> Changes:
        """The entries of the stream after a cursor."""
        if after and after.epoch != self._epoch:
            raise trimmed(after)
        last, entries = await self._call("inventory_changes", str(after.number) if after else "", str(most))
        if after is None:
            return Changes(Cursor(self._epoch, last))
        kept = [change for entry in entries for change in self._changes_of(*entry)]
        if after.number > last or (after.number < last and not (kept and kept[0].cursor.number <= after.number + 1)):
            raise trimmed(after)
        found = tuple(each for each in kept if each.cursor > after)[:most]
        return Changes(found[-1].cursor if found else after, found)

    async def lead_changes(self, worker: str, lease: timedelta) -> Cursor | None:
        """Be the one worker that sends changes."""
        sent = await self._call("inventory_lead_changes", worker, str(wire.milliseconds(lease)))
        if sent is None:
            return None
        return Cursor.parse(sent.decode()) if sent else NEVER

    async def changes_sent(self, worker: str, before: Cursor, after: Cursor) -> bool:
        """Move the cursor of what was sent."""
        known = "" if before == NEVER else str(before)
        return bool(await self._call("inventory_changes_sent", worker, known, str(after)))

    async def set_low_stock(self, units: int) -> None:
        """How few units are low stock."""
        await self._call("inventory_set_low_stock", str(units))

    def _changes_of(self, entry_id: bytes, fields: list[bytes]) -> list[Change]:
        """An entry's id is the number of the last of its changes."""
        records = _DECODER.decode(fields[1])
        first = int(entry_id.partition(b"-")[2]) - len(records) + 1
        return [self._change(number, record) for number, record in enumerate(records, start=first)]

    def _change(self, number: int, record: ChangeRecord) -> Change:
        return Change(
            cursor=Cursor(self._epoch, number),
            item=Item.on(record.sku, record.shelf),
            quantity=record.on_hand,
            reserved=record.reserved,
            version=record.version,
            kind=record.kind,
            as_of=wire.moment(record.as_of),
            is_low=_IS_LOW.get(record.crossing),
        )

    async def _call(self, function: str, *args: bytes | str) -> Any:
        raise NotImplementedError
