"""Where velocity lives: orders and labels of the last weeks, first answers, and decisions on their way out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from shopsphere_kit.clock import Clock

from fraud.errors import KeyReused, OrderDiffers
from fraud.orders import History, Label, Order
from fraud.replay import OrderIndex

# Unreadable label records that are kept at most; functions/velocity.lua has the same number. The lake has all of them.
QUARANTINE_MAX = 1_000


@dataclass(frozen=True, slots=True)
class ScoreOrder:
    """A request to score an order: who asks with which key (as one digest), for what (as another)."""

    answer_key: str
    digest: str
    order: Order


@dataclass(frozen=True, slots=True)
class Reject:
    """A label record that could not be read: where it stood, why, and its bytes."""

    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A decision event that Kafka does not have yet."""

    outgoing_id: str
    order_id: str
    event: bytes


class VelocityStore(Protocol):
    """The histories of users, cards and stores, and what belongs with them in one atomic step."""

    async def open(self, request: ScoreOrder) -> History | bytes:
        """Record the order and return its history, or the first answer to the same request.

        Raises KeyReused, OrderDiffers, VelocityUnavailable. The same request may be opened any number of times.
        """
        ...

    async def close(self, request: ScoreOrder, answer: bytes, event: bytes) -> bytes:
        """Keep the answer and queue its event, unless there is a first answer; return the one that holds."""
        ...

    async def record(self, orders: Sequence[Order]) -> int:
        """Take in orders from the lake, whose version wins; return how many were new or changed."""
        ...

    async def label(self, labels: Sequence[Label], rejects: Sequence[Reject] = ()) -> int:
        """Take in labels, each once, and put unreadable records aside; return how many labels were new.

        Of the unreadable records the newest QUARANTINE_MAX are kept, as long as orders are.
        """
        ...

    async def outbox(self, limit: int) -> list[Outgoing]:
        """Return the oldest decisions that Kafka does not have yet."""
        ...

    async def sent(self, outgoing: Sequence[Outgoing]) -> None:
        """Remove decisions that Kafka has acknowledged."""
        ...


@dataclass
class _Answer:
    digest: str
    answer: bytes | None = None


@dataclass
class InMemoryVelocityStore:
    """The same behaviour within one process, for tests and for trying things out; answers do not expire."""

    clock: Clock
    retention: timedelta
    rejects: dict[tuple[str, int, int], Reject] = field(default_factory=dict)
    _index: OrderIndex = field(default_factory=OrderIndex)
    _recorded_at: dict[str, float] = field(default_factory=dict)
    _rejected_at: dict[tuple[str, int, int], float] = field(default_factory=dict)
    _labels: dict[str, list[Label]] = field(default_factory=dict)
    _answers: dict[str, _Answer] = field(default_factory=dict)
    _outbox: dict[str, Outgoing] = field(default_factory=dict)
    _sent: int = 0

    async def open(self, request: ScoreOrder) -> History | bytes:
        """Record the order and return its history, or the first answer."""
        first = self._answers.get(request.answer_key, _Answer(request.digest))
        if first.digest != request.digest:
            raise KeyReused
        if first.answer is not None:
            return first.answer
        known = self._index.get(request.order.order_id)
        if known is not None and known != request.order:
            raise OrderDiffers
        self._answers[request.answer_key] = first
        if known is None:
            self._add(request.order)
        self._forget()
        orders = self._index.related(request.order)
        return History(orders, {each.order_id: self._labels.get(each.order_id, []) for each in orders})

    async def close(self, request: ScoreOrder, answer: bytes, event: bytes) -> bytes:
        """Keep the first answer and its event."""
        kept = self._answers.setdefault(request.answer_key, _Answer(request.digest))
        if kept.answer is None:
            kept.answer = answer
            outgoing_id = f"{len(self._outbox) + self._sent:020d}"
            self._outbox[outgoing_id] = Outgoing(outgoing_id, request.order.order_id, event)
        return kept.answer

    async def record(self, orders: Sequence[Order]) -> int:
        """Take in the lake's orders."""
        changed = 0
        for order in orders:
            if self._index.get(order.order_id) != order:
                self._index.discard(order.order_id)
                changed += 1
            self._add(order)
        self._forget()
        return changed

    async def label(self, labels: Sequence[Label], rejects: Sequence[Reject] = ()) -> int:
        """Take in labels and rejects, each once."""
        changed = 0
        for label in labels:
            known = self._labels.setdefault(label.order_id, [])
            if label not in known:
                known.append(label)
                changed += 1
        for reject in rejects:
            self._put_aside(reject)
        return changed

    async def outbox(self, limit: int) -> list[Outgoing]:
        """Return the oldest unsent decisions."""
        return [self._outbox[key] for key in sorted(self._outbox)[:limit]]

    async def sent(self, outgoing: Sequence[Outgoing]) -> None:
        """Remove what was sent."""
        for each in outgoing:
            self._sent += self._outbox.pop(each.outgoing_id, None) is not None

    def _add(self, order: Order) -> None:
        self._index.add(order)
        self._recorded_at[order.order_id] = self.clock.now().timestamp()

    def _put_aside(self, reject: Reject) -> None:
        position = (reject.topic, reject.partition, reject.offset)
        self.rejects.setdefault(position, reject)
        self._rejected_at.setdefault(position, self.clock.now().timestamp())
        for oldest in list(self.rejects)[:-QUARANTINE_MAX]:
            del self.rejects[oldest], self._rejected_at[oldest]

    def _forget(self) -> None:
        before = (self.clock.now() - self.retention).timestamp()
        for order_id in [each for each, recorded in self._recorded_at.items() if recorded <= before]:
            self._index.discard(order_id)
            del self._recorded_at[order_id]
        for position in [each for each, rejected in self._rejected_at.items() if rejected <= before]:
            del self.rejects[position], self._rejected_at[position]
