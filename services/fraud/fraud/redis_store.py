"""Velocity in Redis: every operation is one call of a function in functions/velocity.lua."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from importlib import resources
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError
from shopsphere_kit.clock import Clock

from fraud.errors import KeyReused, OrderDiffers, VelocityUnavailable
from fraud.features import HISTORY_MS
from fraud.orders import History, Label, Order
from fraud.store import Outgoing, Reject, ScoreOrder

# The braces are a hash tag: in a Redis cluster everything of fraud lives in one slot, as one function call needs.
PREFIX = "{fraud}"
# Answers are replayed for a day, as payment providers do.
ANSWER_LIFETIME = timedelta(hours=24)
MISSING = "Function not found"


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def library() -> tuple[str, str]:
    """Return the function library and the version in its names: two releases of the service may share a Redis."""
    source = resources.files("fraud").joinpath("functions", "velocity.lua").read_text()
    version = hashlib.sha256(source.encode()).hexdigest()[:8]
    return source.replace("VERSION", version), version


def encode_order(order: Order) -> str:
    """Write an order as a JSON array; the store is text, as Lua holds integers only up to 2^53."""
    return msgspec.json.encode(
        (
            order.order_id,
            order.user_id,
            str(order.store_id),
            order.card_token,
            order.amount_minor,
            order.units,
            order.line_count,
            order.ordered_at_ms,
        )
    ).decode()


def decode_order(payload: str) -> Order:
    """Read what encode_order wrote."""
    order_id, user_id, store_id, *others = msgspec.json.decode(payload)
    return Order(order_id, user_id, int(store_id), *others)


def _decode_labels(order_id: str, known: str) -> tuple[Label, ...]:
    moments = (each.split(":") for each in known.split(","))
    return tuple(Label(order_id, flag == "1", int(known_at)) for known_at, flag in moments)


def _encode_reject(reject: Reject) -> str:
    value = None if reject.value is None else base64.b64encode(reject.value).decode()
    return msgspec.json.encode({"reason": reject.reason, "detail": reject.detail, "value_base64": value}).decode()


class RedisVelocityStore:
    """The velocity store over a client with `decode_responses=True`; the functions are loaded when they are missing."""

    def __init__(self, client: Redis, clock: Clock, retention: timedelta) -> None:
        self._client = client
        self._clock = clock
        self._retention_ms = _milliseconds(retention)
        self._source, self._version = library()

    async def open(self, request: ScoreOrder) -> History | bytes:
        """Record the order and return its history, or the first answer."""
        order = request.order
        now_ms = self._now_ms()
        reply = await self._call(
            "open",
            request.answer_key,
            request.digest,
            order.order_id,
            encode_order(order),
            order.ordered_at_ms,
            order.ordered_at_ms - HISTORY_MS,
            now_ms,
            now_ms - self._retention_ms,
            _milliseconds(ANSWER_LIFETIME),
        )
        return _opened(reply)

    async def close(self, request: ScoreOrder, answer: bytes, event: bytes) -> bytes:
        """Keep the first answer and its event."""
        kept = await self._call(
            "close",
            request.answer_key,
            request.digest,
            answer,
            request.order.order_id,
            event,
            _milliseconds(ANSWER_LIFETIME),
        )
        return str(kept).encode()

    async def record(self, orders: Sequence[Order]) -> int:
        """Take in the lake's orders."""
        rows = [item for each in orders for item in (each.order_id, encode_order(each), each.ordered_at_ms)]
        return int(await self._call("record", *self._forgetting(), *rows))

    async def label(self, labels: Sequence[Label], rejects: Sequence[Reject] = ()) -> int:
        """Take in labels and rejects, each once."""
        rows = [item for each in labels for item in (each.order_id, f"{each.known_at_ms}:{int(each.is_fraud)}")]
        aside = [
            item for each in rejects for item in (f"{each.topic}/{each.partition}/{each.offset}", _encode_reject(each))
        ]
        return int(await self._call("label", *self._forgetting(), len(labels), *rows, *aside))

    async def outbox(self, limit: int) -> list[Outgoing]:
        """Return the oldest unsent decisions."""
        entries = await self._reach(self._client.xrange(f"{PREFIX}:outbox", count=limit))
        return [Outgoing(entry_id, fields["order_id"], fields["event"].encode()) for entry_id, fields in entries]

    async def sent(self, outgoing: Sequence[Outgoing]) -> None:
        """Remove what was sent."""
        ids = [each.outgoing_id for each in outgoing]
        if ids:
            await self._reach(self._client.xdel(f"{PREFIX}:outbox", *ids))

    async def load_functions(self) -> None:
        """Load the function library; raises VelocityUnavailable."""
        await self._reach(self._client.function_load(self._source, replace=True))

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    def _forgetting(self) -> tuple[int, int]:
        now_ms = self._now_ms()
        return now_ms, now_ms - self._retention_ms

    async def _call(self, function: str, *arguments: str | bytes | int) -> Any:
        """Call a function, loading the library when Redis has lost it (a restart without persistence)."""
        name = f"fraud_{function}_{self._version}"
        try:
            return await self._reach(self._client.fcall(name, 1, PREFIX, *arguments))
        except ResponseError:
            await self.load_functions()
        return await self._reach(self._client.fcall(name, 1, PREFIX, *arguments))

    @staticmethod
    async def _reach(command: Any) -> Any:
        try:
            return await command
        except (RedisError, OSError) as error:
            if MISSING in str(error):
                raise
            raise VelocityUnavailable("the velocity store does not answer; try again", retry_after_seconds=1) from error


def _opened(reply: list[Any]) -> History | bytes:
    """Turn the reply of `open` into a history, a first answer, or the error it names."""
    outcome, *rest = reply
    if outcome == "key_reused":
        raise KeyReused
    if outcome == "order_differs":
        raise OrderDiffers
    if outcome == "answered":
        return str(rest[0]).encode()
    payloads, labels = rest
    known = dict(zip(labels[::2], labels[1::2], strict=True))
    return History(
        [decode_order(payload) for payload in payloads],
        {order_id: _decode_labels(order_id, moments) for order_id, moments in known.items()},
    )
