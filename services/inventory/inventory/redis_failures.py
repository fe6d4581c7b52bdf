"""What Redis' refusals and silences mean to a caller: each a 503 with a stable reason, and the remedy in the text."""

from dataclasses import dataclass

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from shopsphere_kit.logging import get_logger

from inventory.errors import OwnerFenced, StockUnavailable

_log = get_logger(__name__)

# Loading, a failover or a long script take seconds; what an operator has to mend takes longer.
SOON_SECONDS, LATER_SECONDS = 1, 30


@dataclass(frozen=True, slots=True)
class Failure:
    """One way in which Redis fails: its stable reason, what it means, and when to try again, seconds."""

    reason: str
    meaning: str
    retry_after_seconds: int = SOON_SECONDS
    is_before_the_call: bool = True
    """True when Redis refused the call before its first effect; False when nobody knows whether it took place."""


AWAY = Failure("redis_away", "Redis is away or ended the connection", is_before_the_call=False)
TIMED_OUT = Failure("redis_timeout", "Redis did not answer in time", is_before_the_call=False)
EXHAUSTED = Failure("redis_connections_exhausted", "every connection to Redis is in use")
UNKNOWN = Failure("stock_unavailable", "Redis refused", LATER_SECONDS)
REFUSED = Failure(
    "redis_access_refused",
    "Redis refuses the user or the password in INVENTORY_REDIS_URL, or what they may do; mend either and restart",
    LATER_SECONDS,
)
# By the first word of Redis' error.
BY_CODE = {
    "LOADING": Failure("redis_loading", "Redis is loading its data from disk"),
    "READONLY": Failure(
        "redis_read_only", "Redis is a replica; point INVENTORY_REDIS_URL at the primary", LATER_SECONDS
    ),
    "MASTERDOWN": Failure("redis_read_only", "Redis is a replica without its primary", LATER_SECONDS),
    "NOREPLICAS": Failure("redis_without_replicas", "Redis has fewer replicas than it must write to", LATER_SECONDS),
    "OOM": Failure("redis_out_of_memory", "Redis has used its maxmemory; raise it", LATER_SECONDS),
    "BUSY": Failure("redis_busy", "Redis runs a script that does not end; see SCRIPT KILL and FUNCTION KILL"),
    "MISCONF": Failure("redis_disk_failed", "Redis cannot write to its disk; see its log", LATER_SECONDS),
    "NOAUTH": REFUSED,
    "WRONGPASS": REFUSED,
    "NOPERM": REFUSED,
    "EPOCHMISMATCH": Failure(
        "epoch_mismatch",
        "Redis holds another data set than at this process's start; restore the right one, or restart the process to"
        " work on this one",
        LATER_SECONDS,
    ),
    "STATEWENTBACK": Failure(
        "state_went_back",
        "Redis holds an older copy of its data set, and what came after it is missing; restore a newer one, or take"
        " this one as it is: python -m inventory reopen, then restart",
        LATER_SECONDS,
    ),
    "NOEPOCH": Failure(
        "epoch_missing",
        "the database has keys but no data set of inventory; give inventory an empty database of its own",
        LATER_SECONDS,
    ),
}
LIBRARY_MISSING = Failure(
    "library_missing", "Redis lacks the functions of inventory; restart the process, which loads them", LATER_SECONDS
)


def failure_of(error: RedisError) -> Failure:
    """Which way of failing an error of the driver is."""
    text = str(error)
    code = getattr(error, "status_code", None) or text.partition(" ")[0]
    if failure := BY_CODE.get(code):
        return failure
    if "Function not found" in text:
        return LIBRARY_MISSING
    return _by_class(error, text)


def _by_class(error: RedisError, text: str) -> Failure:
    if isinstance(error, AuthenticationError | NoPermissionError):
        return REFUSED
    if isinstance(error, RedisTimeoutError):
        return TIMED_OUT
    if text.startswith("No connection available"):
        return EXHAUSTED
    return AWAY if isinstance(error, RedisConnectionError) else UNKNOWN


def refusal_of(error: RedisError, *, changes: bool = False) -> StockUnavailable | OwnerFenced:
    """The error that a caller gets; `changes` when the call would have changed the state."""
    text = str(error)
    if text.startswith("OWNERFENCED"):
        return OwnerFenced(text.partition(" ")[2])
    failure = failure_of(error)
    if failure is UNKNOWN:
        _log.error("Redis refused", error=text)
    told = f"{failure.meaning} ({type(error).__name__})"
    if changes and not failure.is_before_the_call:
        told += "; whether the call took place is unknown: send it again with the same idempotency key"
    return StockUnavailable(told, reason=failure.reason, retry_after_seconds=failure.retry_after_seconds)
