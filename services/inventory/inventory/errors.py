"""What can go wrong here, under the kit's tree; each maps once to an HTTP status and a gRPC code.

NotFound            SkuUnknown, LocationUnknown, ReservationUnknown, TopicMissing, NoRelease
FailedPrecondition  InsufficientStock, ReservationNotHeld, LinesNotHeld, CountAhead, DataSetLost, NotEmpty,
                    TopicTruncated
Conflict            IdempotencyKeyReused, StockChanged, OwnerFenced
InvalidArgument     IdempotencyKeyMissing, MovementRejected
Gone                ChangesTrimmed
TooLarge            AnswerTooLarge
RateLimited         TooManyWatchers
Unavailable         StockUnavailable, LakeUnavailable
"""

from shopsphere_kit.errors import (
    Conflict,
    FailedPrecondition,
    Gone,
    InvalidArgument,
    NotFound,
    RateLimited,
    ShopSphereError,
    TooLarge,
    Unavailable,
)

from inventory.refusals import Refusal, Refused


class SkuUnknown(NotFound):
    """No stock of the sku was ever recorded."""

    default_reason = "sku_unknown"


class LocationUnknown(NotFound):
    """The sku is known, but not at this location."""

    default_reason = "location_unknown"


class ReservationUnknown(NotFound):
    """There is no such reservation, or it ended so long ago that it was forgotten."""

    default_reason = "reservation_unknown"


class InsufficientStock(FailedPrecondition):
    """Not every line can be promised, so none is."""

    default_reason = "insufficient_stock"


class ReservationNotHeld(FailedPrecondition):
    """The reservation ended already; it ends once."""

    default_reason = "reservation_not_held"


class LinesNotHeld(FailedPrecondition):
    """The reservation does not hold the units that the command names."""

    default_reason = "lines_not_held"


class CountAhead(FailedPrecondition):
    """A count is dated after now."""

    default_reason = "count_ahead"


class StockChanged(Conflict):
    """What the caller saw is no longer so."""

    default_reason = "stock_changed"


class IdempotencyKeyReused(Conflict):
    """The key was used for another request."""

    default_reason = "idempotency_key_reused"

    @classmethod
    def of_request(cls) -> "IdempotencyKeyReused":
        """The one wording of it."""
        return cls(
            "the Idempotency-Key was used for another request; send a new key with this one", field="idempotency_key"
        )


class IdempotencyKeyMissing(InvalidArgument):
    """A mutation came without a usable key."""

    default_reason = "idempotency_key_missing"


class MovementRejected(InvalidArgument):
    """A record on the topic is no movement that can be applied."""

    default_reason = "wrong_schema"


class AnswerTooLarge(TooLarge):
    """More balances were asked for than one answer holds."""

    default_reason = "answer_too_large"

    @classmethod
    def of_balances(cls, asked: int, most: int) -> "AnswerTooLarge":
        """The one wording of it."""
        return cls(
            f"these skus have {asked} balances and an answer holds {most}; ask for fewer skus, or for one location",
            field="skus",
        )


class ChangesTrimmed(Gone):
    """What changed after a cursor is no longer kept, or the cursor is of another data set."""

    default_reason = "changes_trimmed"


class TooManyWatchers(RateLimited):
    """The client, or this process as a whole, follows the changes too many times at once."""

    default_reason = "too_many_watchers"


class NotEmpty(FailedPrecondition):
    """A rebuild was asked for where stock is kept already."""

    default_reason = "not_empty"


class TopicTruncated(FailedPrecondition):
    """The topic has lost its first records, so stock cannot be told from it alone."""

    default_reason = "topic_truncated"


class TopicMissing(NotFound):
    """Kafka does not know a topic that is to be read."""

    default_reason = "topic_missing"


class NoRelease(NotFound):
    """The lake has published nothing to compare with yet."""

    default_reason = "no_release"


class LakeUnavailable(Unavailable):
    """The catalog or the warehouse does not answer."""

    default_reason = "lake_unavailable"


class StockUnavailable(Unavailable):
    """Redis is away, loading, read-only, full, or holds another state; `redis_failures.py` lists the reasons."""

    default_reason = "stock_unavailable"

    @property
    def is_of_another_state(self) -> bool:
        """True when Redis answers, but not with the state that this process knows: no waiting will mend that."""
        return self.reason in ("epoch_mismatch", "state_went_back")


class DataSetLost(FailedPrecondition):
    """Redis holds another state than this process knows, which ends a worker: started anew it works on that one."""

    default_reason = "epoch_mismatch"


class OwnerFenced(Conflict):
    """Another worker took a partition over; what this one sends of it is refused as a whole."""

    default_reason = "owner_fenced"


def error_of(refused: Refused, reservation_id: str = "") -> ShopSphereError:
    """The error that answers a refusal, naming what was refused and the remedy."""
    items = ", ".join(f"{item.sku} at {item.shelf}" for item in refused.items)
    match refused.reason:
        case Refusal.SKU_UNKNOWN:
            return SkuUnknown(f"no stock is recorded of {items}; check the sku", field="lines")
        case Refusal.LOCATION_UNKNOWN:
            return LocationUnknown(f"no stock is recorded of {items}; check the location", field="lines")
        case Refusal.INSUFFICIENT_STOCK:
            return InsufficientStock(f"nothing was changed: {_told(refused, 'available')}", field="lines")
        case Refusal.STOCK_CHANGED:
            found = "; ".join(
                f"adjustments.{each.position} found version {each.version}, {each.quantity} units"
                for each in refused.mismatches
            )
            return StockChanged(f"nothing was changed, read again: {found}", field="adjustments")
        case Refusal.COUNT_AHEAD:
            return CountAhead(f"the count of {items} is dated after now", field="adjustments")
        case Refusal.RESERVATION_UNKNOWN:
            return ReservationUnknown(f"there is no reservation {reservation_id}", field="reservation_id")
        case Refusal.RESERVATION_NOT_HELD:
            state = refused.state.value if refused.state else "ended"
            return ReservationNotHeld(f"the reservation is {state}; a hold ends once", field="reservation_id")
        case Refusal.LINES_NOT_HELD if refused.shortages:
            return LinesNotHeld(f"name at most what is held: {_told(refused, 'held')}", field="lines")
        case Refusal.LINES_NOT_HELD:
            return LinesNotHeld("the reservation holds nothing there that could move", field="from_location")


def _told(refused: Refused, what: str) -> str:
    return "; ".join(
        f"{line.item.sku} at {line.item.shelf}: {line.requested} requested, {line.available} {what}"
        for line in refused.shortages
    )
