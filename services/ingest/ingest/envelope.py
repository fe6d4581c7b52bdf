"""What a Kafka record must have to become a bronze row: JSON with an identity and a time, and nothing else."""

from datetime import datetime
from typing import Annotated

import msgspec
from shopsphere_kit import topics

Identity = Annotated[str, msgspec.Meta(min_length=1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _EventEnvelope(msgspec.Struct):
    event_id: Identity
    occurred_at: Moment


class _OrderEnvelope(msgspec.Struct):
    order_id: Identity
    occurred_at: Moment


_EVENT = msgspec.json.Decoder(_EventEnvelope)
_ORDER = msgspec.json.Decoder(_OrderEnvelope)
_KEYED_BY_ORDER = {topics.FRAUD_LABELS.name, topics.FRAUD_DECISIONS.name}


def fault(topic: str, value: bytes | None) -> tuple[str, str] | None:
    """Why the record belongs in quarantine, as (reason, detail), or None when it is well formed."""
    if not value:
        return "value_missing", "the record has no value"
    decoder = _ORDER if topic in _KEYED_BY_ORDER else _EVENT
    try:
        value.decode()
        decoder.decode(value)
    except UnicodeDecodeError as error:
        return "not_utf8", f"byte {error.start} is not UTF-8"
    except msgspec.ValidationError as error:
        return "envelope_incomplete", str(error)
    except msgspec.DecodeError as error:
        return "not_json", str(error)
    except RecursionError:
        # Valid JSON may nest without end, a decoder's stack may not; no envelope needs such depth.
        return "not_json", "nested too deep to be decoded"
    return None
