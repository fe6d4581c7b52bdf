"""What a Kafka record must have to be good: JSON with an identity and a time, under the key that its topic asks for."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from shopsphere_kit import topics

Identity = Annotated[str, msgspec.Meta(min_length=1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

# The largest event of the platform is under 1 KiB; Kafka's own default for a record (message.max.bytes) is 1 MiB.
VALUE_BYTES_MAX = 2**20


class Fault(NamedTuple):
    """Why a record belongs in quarantine; the detail quotes no value."""

    reason: str
    detail: str


# A field that only the key is compared with may be of any type or missing: judging it is for silver's contracts.
class _Event(msgspec.Struct, gc=False):
    event_id: Identity
    occurred_at: Moment


class _OfASession(_Event, gc=False):
    session_id: Any = None

    def key(self) -> Any:
        return self.session_id


class _OfAShelf(_Event, gc=False):
    sku: Any = None
    location: Any = None

    def key(self) -> Any:
        told = isinstance(self.sku, str) and isinstance(self.location, str)
        return f"{self.sku}@{self.location}" if told else None


class _OfAnOrder(msgspec.Struct, gc=False):
    order_id: Identity
    occurred_at: Moment

    def key(self) -> Any:
        return self.order_id


_SHAPES: dict[str, type[_OfASession | _OfAShelf | _OfAnOrder]] = {
    "session_id": _OfASession,
    "sku@location": _OfAShelf,
    "order_id": _OfAnOrder,
}
_KEYED_BY = {topic.name: topic.keyed_by for topic in topics.ALL}


class Envelope:
    """The rule of one topic; a topic that the platform does not know may have any key."""

    def __init__(self, topic: str, value_bytes_max: int = VALUE_BYTES_MAX) -> None:
        self._value_bytes_max = value_bytes_max
        self._keyed_by = _KEYED_BY.get(topic)
        self._key: Callable[[Any], Any] | None = None
        shape: type[msgspec.Struct] = _Event
        if self._keyed_by is not None:
            shape = keyed = _SHAPES[self._keyed_by]
            self._key = keyed.key
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(shape).decode

    def faults(self, keys: Sequence[bytes | None], values: Sequence[bytes | None]) -> dict[int, Fault]:
        """The records that are not well formed, by their place in the sequences."""
        found: dict[int, Fault] = {}
        decode, key_of, most = self._decode, self._key, self._value_bytes_max
        # One pass, for this loop is what an ingest of Kafka spends its time in.
        for place, (key, value) in enumerate(zip(keys, values, strict=True)):
            if not value:
                found[place] = Fault("value_missing", "the record has no value")
                continue
            if len(value) > most:
                found[place] = Fault("value_too_large", f"{len(value)} bytes, at most {most} are decoded")
                continue
            try:
                if not value.isascii():
                    value.decode()
                event = decode(value)
            except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
                found[place] = _undecodable(error)
                continue
            if key_of is not None:
                expected = key_of(event)
                if key is None or (type(expected) is str and expected.encode() != key):
                    found[place] = self._misplaced(key)
        return found

    def _misplaced(self, key: bytes | None) -> Fault:
        if key is None:
            return Fault("key_missing", f"the topic is keyed by {self._keyed_by}, the record has no key")
        return Fault("key_wrong", f"the key is not the value's {self._keyed_by}")


def _undecodable(error: Exception) -> Fault:
    match error:
        case UnicodeDecodeError():
            return Fault("not_utf8", f"byte {error.start} is not UTF-8")
        case msgspec.ValidationError():
            return Fault("envelope_incomplete", str(error))
        case msgspec.DecodeError():
            return Fault("not_json", str(error))
    # Valid JSON may nest without end, a decoder's stack may not; no envelope needs such depth.
    return Fault("not_json", "nested too deep to be decoded")
