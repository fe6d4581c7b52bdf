"""The stock store in Redis; all decisions fall inside the library in `functions/`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Self

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from inventory import command_records, metrics, redis_failures, wire
from inventory.adjustments import AdjustStock
from inventory.errors import AnswerTooLarge, IdempotencyKeyReused, StockUnavailable
from inventory.holds import Hold, HoldState
from inventory.journal import Balance, Bucket, Item
from inventory.redis_changes import RedisChanges
from inventory.reservations import (
    ConfirmReservation,
    ExtendReservation,
    ReleaseReservation,
    ReserveStock,
    TransferReservation,
)
from inventory.store import (
    BALANCES_MAX,
    EVERYWHERE,
    Availability,
    DataSet,
    Decision,
    Ledger,
    Once,
    Outgoing,
    Owned,
    Positioned,
    Retention,
    SetAside,
    Taken,
    Tally,
    View,
)
from inventory.terms import Promise, SetTerms, Terms

# Event ids lie in 65,536 sets; counting them all in one call would hold up the others for tens of milliseconds.
_SHARD_GROUPS = [f"{group:02x}" for group in range(256)]


# Functions that change nothing but what is due anyway; whether such a call took place does not matter.
_READS = frozenset(
    f"inventory_{name}"
    for name in ("availability", "reservation", "ledger", "terms", "event_ids", "outbox", "offsets", "changes")
)


class RedisStockStore(RedisChanges):
    """Stock in Redis: each method is one call of one function of the library in `functions/`.

    It works on the data set it was opened on: each call tells its epoch and the highest sequence seen, and Redis
    refuses it when it holds another data set, or an older copy of this one.
    """

    def __init__(
        self,
        client: Redis,
        data_set: DataSet,
        retention: Retention | None = None,
        balances_max: int = BALANCES_MAX,
    ) -> None:
        self._client = client
        self._epoch, self._sequence = data_set.epoch, data_set.sequence
        self._balances_max = balances_max
        kept = retention or Retention()
        self._once_ms = wire.milliseconds(kept.answers)
        self._retention_ms = wire.milliseconds(kept.ended_holds)

    @classmethod
    async def open(cls, client: Redis, retention: Retention | None = None, balances_max: int = BALANCES_MAX) -> Self:
        """A store on the data set that Redis holds now; an empty database becomes one."""
        return cls(client, await open_data_set(client), retention, balances_max)

    @property
    def epoch(self) -> int:
        """The data set that this store works on."""
        return self._epoch

    async def availability(self, skus: Sequence[str], view: View = EVERYWHERE) -> Availability:
        """One call for all skus; refused before anything is read when the answer would be too large."""
        asked = {
            "skus": list(skus),
            "location": view.location or "",
            "channel": view.channel,
            **({"till": wire.microseconds(view.until)} if view.until else {}),
        }
        bounds = {"retention_ms": self._retention_ms, "balances_max": self._balances_max}
        packed = await self._call("inventory_availability", _pack(**asked, **bounds))
        record = msgspec.msgpack.decode(packed, type=wire.AvailabilityRecord)
        if record.too_many:
            raise AnswerTooLarge.of_balances(record.too_many, self._balances_max)
        return _availability(record, self._epoch)

    async def reserve(self, command: ReserveStock, once: Once) -> Decision:
        """Hold all lines or none, or what there is of each."""
        asked = {
            "lines": wire.line_records(command.lines),
            "expires_in": wire.span(command.expires_in),
            "allow_partial": command.allow_partial,
            "channel": command.channel,
        }
        return await self._decide("inventory_reserve", once, reservation_id=command.reservation_id, **asked)

    async def extend(self, command: ExtendReservation, once: Once) -> Decision:
        """Let a hold end later."""
        expires_in = wire.span(command.expires_in)
        return await self._decide(
            "inventory_extend", once, reservation_id=command.reservation_id, expires_in=expires_in
        )

    async def transfer(self, command: TransferReservation, once: Once) -> Decision:
        """Hold the units at another location."""
        asked = {"to_location": command.to_location, "from_location": command.from_location or ""}
        return await self._decide("inventory_transfer", once, reservation_id=command.reservation_id, **asked)

    async def confirm(self, command: ConfirmReservation, once: Once) -> Decision:
        """End a hold as confirmed and put its sales into the outbox."""
        lines = wire.line_records(command.lines)
        return await self._decide("inventory_confirm", once, reservation_id=command.reservation_id, lines=lines)

    async def release(self, command: ReleaseReservation, once: Once) -> Decision:
        """End a hold as released."""
        return await self._decide("inventory_release", once, reservation_id=command.reservation_id)

    async def adjust(self, command: AdjustStock, once: Once) -> Decision:
        """Make all adjustments or none."""
        adjustments = [command_records.adjustment_record(each) for each in command.adjustments]
        return await self._decide("inventory_adjust", once, batch_id=command.batch_id, adjustments=adjustments)

    async def set_terms(self, command: SetTerms, once: Once) -> Decision:
        """Let terms hold, all or none."""
        terms = [command_records.term_record(term) for term in command.terms]
        return await self._decide("inventory_set_terms", once, terms=terms)

    async def terms(self, sku: str | None = None) -> Terms:
        """The safety stocks, and of a sku all its terms."""
        return command_records.terms_of(sku or "", await self._call("inventory_terms", sku or ""))

    async def reservation(self, reservation_id: str) -> Decision:
        """The hold as it stands now."""
        request = _pack(reservation_id=reservation_id, retention_ms=self._retention_ms)
        return self._decision(await self._call("inventory_reservation", request), is_replay=False)

    async def take_over(self, topic: str, partitions: Sequence[int]) -> dict[int, Owned]:
        """One call for all partitions."""
        packed = await self._call("inventory_take_over", topic, msgspec.msgpack.encode(list(partitions)))
        taken = msgspec.msgpack.decode(packed, type=list[tuple[int, int, int]])
        return {partition: Owned(epoch, last + 1) for partition, epoch, last in taken}

    async def apply_movements(
        self, topic: str, batch: Sequence[Positioned], owners: Mapping[int, int] | None = None
    ) -> Tally:
        """One call for the whole batch."""
        packed = msgspec.msgpack.encode([_position_record(positioned) for positioned in batch])
        claims = msgspec.msgpack.encode(dict(owners or {}))
        return msgspec.msgpack.decode(await self._call("inventory_apply_movements", topic, packed, claims), type=Tally)

    async def offsets(self, topic: str) -> dict[int, int]:
        """The last offset taken of each partition."""
        flat = [int(each) for each in await self._call("inventory_offsets", topic)]
        return dict(zip(flat[::2], flat[1::2], strict=True))

    async def totals(self) -> Tally:
        """The counters, as the functions kept them."""
        names = ("movements", "applied", "duplicates", "quarantined")
        values = await _guard(self._client.hmget("inv:counters", names))
        return Tally(*(int(value or 0) for value in values))

    async def taken(self, topic: str) -> Taken:
        """Counted from offsets, positions set aside, and the sets of event ids."""
        taken = sum(offset + 1 for offset in (await self.offsets(topic)).values())
        missing = sum(int(count) for count in await _guard(self._client.hvals(f"inv:missing:{topic}")))
        return Taken(
            movements=taken - missing,
            quarantined=await _guard(self._client.hlen(f"inv:quarantined:{topic}")),
            event_ids=sum([await self._call("inventory_event_ids", group) for group in _SHARD_GROUPS]),
            outbox=await _guard(self._client.xlen("inv:outbox")),
        )

    async def outbox(self, most: int) -> list[Outgoing]:
        """The oldest entries of the outbox stream."""
        entries = await self._call("inventory_outbox", str(most))
        return [Outgoing(position.decode(), wire.owed_movement(packed)) for position, (_, packed) in entries]

    async def sent(self, outgoing: Sequence[Outgoing]) -> None:
        """Delete these entries and no others: another worker may have added or sent some meanwhile."""
        if outgoing:
            await self._call("inventory_sent", *[each.position for each in outgoing])

    def skus(self) -> AsyncIterator[str]:
        """All skus with a balance."""
        return skus_in(self._client)

    async def ledgers(self, sku: str) -> list[Ledger]:
        """Balance, journal and live holds of the sku at every location."""
        balances, packed_holds = await self._call("inventory_ledger", sku)
        holds = [wire.hold_of(msgspec.msgpack.decode(packed, type=wire.HoldRecord)) for packed in packed_holds]
        return [
            _ledger(Item.on(sku, shelf.decode()), wire.balance_of(packed), entries, holds)
            for shelf, packed, entries in balances
        ]

    async def _decide(self, function: str, once: Once, **asked: Any) -> Decision:
        kept = {"once_ms": self._once_ms, "retention_ms": self._retention_ms}
        request = _pack(slot=once.slot, fingerprint=once.fingerprint, **kept, **asked)
        outcome, answer = await self._call(function, request)
        if outcome == b"reused":
            raise IdempotencyKeyReused.of_request()
        return self._decision(answer, is_replay=outcome == b"replayed")

    def _decision(self, packed: bytes, *, is_replay: bool) -> Decision:
        record = msgspec.msgpack.decode(packed, type=wire.DecisionRecord)
        if not (record.hold or record.adjusted or record.terms is not None or record.refusal):
            raise StockUnavailable("Redis answered with neither a decision nor a refusal; its library is not ours")
        return Decision(wire.moment(record.now), wire.outcome_of(record), is_replay, self._epoch)

    async def _call(self, function: str, *args: bytes | str) -> Any:
        with metrics.FUNCTION_SECONDS.labels(function).time():
            call = self._client.fcall(function, 0, str(self._epoch), str(self._sequence), *args)
            sequence, answer = await _guard(call, changes=function not in _READS)
        self._sequence = max(self._sequence, sequence)
        return answer


async def skus_in(client: Redis) -> AsyncIterator[str]:
    """All skus with a balance; Redis' SCAN may show one twice, so those seen are remembered."""
    seen: set[bytes] = set()
    cursor = None
    while cursor != 0:
        cursor, keys = await _guard(client.scan(cursor or 0, match="inv:stock:*", count=1000))
        for key in keys:
            if key not in seen:
                seen.add(key)
                yield key.decode().removeprefix("inv:stock:")


async def open_data_set(client: Redis) -> DataSet:
    """The data set that Redis holds; an empty database becomes one, a foreign one is refused."""
    epoch, sequence = await _guard(client.fcall("inventory_open", 0))
    return DataSet(int(epoch), int(sequence))


async def reopen_data_set(client: Redis) -> DataSet:
    """Take what Redis holds as it is, under a new epoch; every process that knew it before is refused."""
    epoch, sequence = await _guard(client.fcall("inventory_reopen", 0), changes=True)
    return DataSet(int(epoch), int(sequence))


async def _guard(answer: Any, *, changes: bool = False) -> Any:
    try:
        return await answer
    except RedisError as error:
        raise redis_failures.refusal_of(error, changes=changes) from error


def _pack(**request: Any) -> bytes:
    return msgspec.msgpack.encode(request)


def _availability(record: wire.AvailabilityRecord, epoch: int) -> Availability:
    shelves: dict[str, dict[Item, Balance]] = {}
    promises: dict[Item, Promise] = {}
    for sku, found in record.skus:
        shelves[sku] = {}
        for each in found:
            item = Item.on(sku, each.shelf)
            shelves[sku][item] = Balance(each.on_hand, each.reserved, each.version)
            if item.bucket is Bucket.ON_HAND:
                promises[item] = Promise(each.safety_stock, each.allowance, each.incoming)
    return Availability.of(wire.moment(record.now), shelves, epoch, promises)


def _position_record(positioned: Positioned) -> list[int | str]:
    content = positioned.content
    if isinstance(content, SetAside):
        return [positioned.partition, positioned.offset, content.reason]
    return wire.movement_record(positioned.partition, positioned.offset, content)


def _ledger(item: Item, balance: Balance, entries: list[bytes], holds: list[Hold]) -> Ledger:
    journal = [wire.event_of(item, msgspec.msgpack.decode(entry, type=wire.EntryRecord)) for entry in entries]
    live = (hold for hold in holds if hold.state is HoldState.HELD)
    held = sum(line.quantity for hold in live for line in hold.lines if line.item == item)
    return Ledger(item, balance, journal, held)
