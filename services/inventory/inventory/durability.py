"""What Redis promises of an acknowledged change when the power fails, and whether that is enough."""

from enum import StrEnum

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from inventory import redis_failures
from inventory.errors import StockUnavailable

REASON = "redis_not_durable"


class Durability(StrEnum):
    """How much of what was acknowledged may be gone after a power cut, the least first."""

    ALWAYS = "always"
    """Nothing: it is on disk (appendonly yes, appendfsync always)."""
    EVERYSEC = "everysec"
    """The last second or two (appendonly yes, appendfsync everysec)."""
    NONE = "none"
    """Anything."""


async def check(client: Redis, wanted: Durability) -> None:
    """Raise StockUnavailable unless Redis promises as much as is wanted, or more; `none` does not ask it."""
    if wanted is Durability.NONE:
        return
    promised = await promised_by(client)
    strongest_first = list(Durability)
    if strongest_first.index(promised) > strongest_first.index(wanted):
        raise _refusal(
            f"Redis promises '{promised}' of what it acknowledges, INVENTORY_DURABILITY wants '{wanted}':"
            f" set appendonly yes and appendfsync {wanted} in Redis, or ask for less"
        )


async def promised_by(client: Redis) -> Durability:
    """What Redis' configuration promises; raises StockUnavailable when it does not tell."""
    try:
        found = await client.config_get("appendonly", "appendfsync")
    except (NoPermissionError, ResponseError) as error:
        if redis_failures.failure_of(error) not in (redis_failures.REFUSED, redis_failures.UNKNOWN):
            raise redis_failures.refusal_of(error) from error
        raise _refusal(
            "Redis does not tell how it is made durable, CONFIG is forbidden: ask its operator for appendonly yes and"
            " appendfsync always, then set INVENTORY_DURABILITY=none, which does not look"
        ) from error
    except RedisError as error:
        raise redis_failures.refusal_of(error) from error
    told = {_text(name): _text(value) for name, value in found.items()}
    if told.get("appendonly") != "yes" or told.get("appendfsync") == "no":
        return Durability.NONE
    return Durability(told["appendfsync"])


def _refusal(detail: str) -> StockUnavailable:
    return StockUnavailable(detail, reason=REASON, retry_after_seconds=redis_failures.LATER_SECONDS)


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
