"""Scoring one order as checkout asks for it: the function behind both doors."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import msgspec
from shopsphere_kit.clock import Clock
from shopsphere_kit.logging import get_logger

from fraud import metrics
from fraud.breaker import Breaker
from fraud.decisions import OrderScored, decode_answer, encode_answer, encode_event, scored
from fraud.errors import KeyReused, ModelMissing, OrderDiffers, VelocityUnavailable
from fraud.features import features
from fraud.orders import History, Order
from fraud.scoring import Policy, ScoringModel, judge
from fraud.store import ScoreOrder, VelocityStore

_log = get_logger(__name__)
Reply = TypeVar("Reply")


@dataclass(frozen=True, slots=True)
class Served:
    """The model in use and its card."""

    model: ScoringModel
    card: dict[str, object]


@dataclass
class ModelSlot:
    """Holds the model in use; empty until one was trained."""

    served: Served | None = None

    def require(self) -> Served:
        """Return the model in use; raises ModelMissing."""
        if self.served is None:
            raise ModelMissing("no model was trained yet; run `python -m fraud train`")
        return self.served


def score_order(client_id: str, idempotency_key: str, order: Order) -> ScoreOrder:
    """Name a request: keys belong to the client that sent them, and the digest covers all that was sent."""
    key = hashlib.sha256(f"{client_id}\0{idempotency_key}".encode()).hexdigest()[:32]
    return ScoreOrder(key, hashlib.sha256(msgspec.json.encode(order)).hexdigest()[:32], order)


@dataclass
class Checkout:
    """Opens the order in the velocity store, judges it, and closes it with the answer that holds.

    When the store is away for longer than `velocity_timeout`, rules decide alone and `keep_aside` takes the event; the
    orders that come while the breaker is open do not wait for it.
    """

    store: VelocityStore
    slot: ModelSlot
    policy: Policy
    clock: Clock
    velocity_timeout: timedelta
    breaker: Breaker
    keep_aside: Callable[[str, bytes], None] = field(default=lambda _order_id, _event: None)

    async def score(self, request: ScoreOrder) -> OrderScored:
        """Decide about an order; the same request gives the same answer. Raises KeyReused, OrderDiffers."""
        opened = await self._open(request)
        if isinstance(opened, bytes):
            return decode_answer(opened)
        order = request.order
        seen = features(order, opened) if opened else None
        served = self.slot.served
        verdict = judge(order, seen, served.model if served else None, self.policy)
        answer = scored(order, verdict, self.clock.now())
        event = encode_event(answer, order, request.answer_key)
        if opened:
            answer = await self._close(request, answer, event)
        else:
            self.keep_aside(order.order_id, event)
        metrics.DECISIONS.labels(answer.decision, "rules" if answer.score is None else "model").inc()
        return answer

    async def _open(self, request: ScoreOrder) -> History | bytes | None:
        """Open the request; None when velocity is away or was a moment ago."""
        if not self.breaker.admits():
            metrics.DEGRADED.labels("skipped").inc()
            return None
        try:
            return await self._in_time(self.store.open(request))
        except (VelocityUnavailable, TimeoutError) as error:
            metrics.DEGRADED.labels("open").inc()
            _log.warning("velocity is away; rules decide alone", cause=repr(error.__cause__ or error))
            return None

    async def _close(self, request: ScoreOrder, answer: OrderScored, event: bytes) -> OrderScored:
        """Close the request; when velocity went away in between, the answer stands and its event is kept aside."""
        try:
            return decode_answer(await self._in_time(self.store.close(request, encode_answer(answer), event)))
        except (VelocityUnavailable, TimeoutError):
            metrics.DEGRADED.labels("close").inc()
            _log.warning("velocity went away before the answer was kept")
            self.keep_aside(request.order.order_id, event)
            return answer

    async def _in_time(self, call: Awaitable[Reply]) -> Reply:
        """Call the store within the time it has, and tell the breaker how that went."""
        try:
            async with asyncio.timeout(self.velocity_timeout.total_seconds()):
                reply = await call
        except (VelocityUnavailable, TimeoutError):
            self.breaker.failed()
            raise
        except (KeyReused, OrderDiffers):
            self.breaker.succeeded()
            raise
        self.breaker.succeeded()
        return reply
