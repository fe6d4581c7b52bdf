"""The order of a change stream's resume tokens, which tells whether a stream has passed a mark."""

from bson import Timestamp, decode
from bson.errors import BSONError
from shopsphere_kit.errors import FailedPrecondition

# MongoDB's tokens are KeyStrings in hexadecimal and compare as text (manual, "Resume Tokens"). They begin with the
# type byte of a timestamp and the cluster time, big-endian.
_TIMESTAMP_TYPE = 0x82
_TIME_END = 9


def order(token: object) -> int:
    """A number that never falls along the stream: MongoDB's cluster time, or SecantusDB's place in the oplog."""
    try:
        data = bytes.fromhex(token["_data"])  # type: ignore[index]
    except (TypeError, KeyError, ValueError) as error:
        raise _unknown() from error
    if _is_bson(data):
        return _secantus(data)
    if len(data) < _TIME_END or data[0] != _TIMESTAMP_TYPE:
        raise _unknown()
    return int.from_bytes(data[1:_TIME_END], "big")


def time_order(time: Timestamp) -> int:
    """The order of MongoDB's token of that cluster time; above every place in an oplog."""
    return time.time << 32 | time.inc


def _is_bson(data: bytes) -> bool:
    # A KeyString cannot be taken for it: read as a length, its first bytes are far beyond any token's.
    return int.from_bytes(data[:4], "little") == len(data)


def _secantus(data: bytes) -> int:
    try:
        return int(decode(data)["s"])
    except (BSONError, KeyError, TypeError, ValueError) as error:
        raise _unknown() from error


def _unknown() -> FailedPrecondition:
    return FailedPrecondition(
        "the server's resume tokens are neither MongoDB's nor SecantusDB's, so nobody can tell whether its change "
        "stream has reached its end",
        reason="unknown_resume_token",
    )
