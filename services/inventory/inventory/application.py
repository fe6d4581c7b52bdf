"""What inventory does for its callers, once for both doors: checks the request, decides, answers or raises."""

from collections.abc import Callable, Sequence
from datetime import datetime

from shopsphere_kit.errors import ShopSphereError

from inventory import metrics, requests
from inventory.adjustments import Adjusted, Adjustment, AdjustStock
from inventory.answers import (
    Adjustments,
    BatchAvailability,
    Reservation,
    Shelf,
    SkuAvailability,
    SkuLedger,
    TermsAnswer,
)
from inventory.changes import Cursor
from inventory.errors import LocationUnknown, SkuUnknown, StockUnavailable, error_of
from inventory.feed import ChangeFeed, Watch
from inventory.holds import Hold, Line
from inventory.journal import fold
from inventory.refusals import Refused
from inventory.reservations import (
    ConfirmReservation,
    ExtendReservation,
    ReleaseReservation,
    ReserveStock,
    TransferReservation,
)
from inventory.store import EVERYWHERE, Availability, Decision, Ledger, StockStore, View
from inventory.terms import SetTerms, Term, Terms, TermsSet


class Inventory:
    """The calls that both doors offer."""

    def __init__(self, store: StockStore, new_id: Callable[[], str], feed: ChangeFeed | None = None) -> None:
        self._store = store
        self._new_id = new_id
        self._feed = feed or ChangeFeed(store)

    async def availability(self, sku: str, view: View = EVERYWHERE) -> SkuAvailability:
        """What can be promised of one sku, at one location or at all; raises SkuUnknown, LocationUnknown."""
        requests.check_name(sku, "sku")
        batch = await self.batch_availability([sku], view)
        if batch.availabilities:
            return batch.availabilities[0]
        if view.location and (await self._store.availability([sku])).skus[sku]:
            raise LocationUnknown(f"no stock of {sku} is recorded at {view.location}; check it", field="location")
        raise SkuUnknown(f"no stock of {sku} is recorded; check the sku", field="sku")

    async def batch_availability(self, skus: Sequence[str], view: View = EVERYWHERE) -> BatchAvailability:
        """What can be promised of several skus, in the order asked for, each once; raises AnswerTooLarge."""
        requests.check_count(skus, requests.SKUS_MAX, "skus")
        for position, sku in enumerate(skus):
            requests.check_name(sku, f"skus.{position}")
        requests.check_view(view)
        found = await self._store.availability(list(dict.fromkeys(skus)), view)
        known = tuple(_of_sku(found, sku) for sku, balances in found.skus.items() if balances)
        missing = tuple(sku for sku, balances in found.skus.items() if not balances)
        return BatchAvailability(found.as_of, known, missing, found.epoch)

    async def reserve(
        self,
        client_id: str,
        idempotency_key: str,
        lines: Sequence[Line],
        expires_in_seconds: int,
        *,
        allow_partial: bool = False,
        channel: str = "",
    ) -> Reservation:
        """Set all lines apart or none, or what there is of each.

        Raises InsufficientStock, SkuUnknown, LocationUnknown, IdempotencyKeyReused.
        """
        requests.check_lines(lines)
        expires_in = requests.duration(expires_in_seconds)
        if channel:
            requests.check_name(channel, "channel")
        # What is asked for by default has no part in the fingerprint, so that older requests keep theirs.
        more = [*(["partial"] if allow_partial else []), *([f"channel {channel}"] if channel else [])]
        once = requests.once(client_id, idempotency_key, "reserve", requests.plain(lines), expires_in_seconds, *more)
        command = ReserveStock(f"R{self._new_id()}", tuple(lines), expires_in, allow_partial, channel)
        return _answer("reserve", await self._store.reserve(command, once))

    async def extend(
        self, client_id: str, idempotency_key: str, reservation_id: str, expires_in_seconds: int
    ) -> Reservation:
        """Hold for at least so long from now; raises ReservationUnknown, ReservationNotHeld, IdempotencyKeyReused."""
        requests.check_reservation_id(reservation_id)
        expires_in = requests.duration(expires_in_seconds)
        once = requests.once(client_id, idempotency_key, "extend", reservation_id, expires_in_seconds)
        decision = await self._store.extend(ExtendReservation(reservation_id, expires_in), once)
        return _answer("extend", decision, reservation_id)

    async def transfer(
        self, client_id: str, idempotency_key: str, reservation_id: str, to_location: str, from_location: str = ""
    ) -> Reservation:
        """Hold the units at another location, those of `from_location` alone when given.

        Raises ReservationUnknown, ReservationNotHeld, LinesNotHeld, InsufficientStock, LocationUnknown,
        IdempotencyKeyReused.
        """
        requests.check_reservation_id(reservation_id)
        requests.check_name(to_location, "to_location")
        if from_location:
            requests.check_name(from_location, "from_location")
        once = requests.once(client_id, idempotency_key, "transfer", reservation_id, to_location, from_location)
        command = TransferReservation(reservation_id, to_location, from_location or None)
        return _answer("transfer", await self._store.transfer(command, once), reservation_id)

    async def reservation(self, reservation_id: str) -> Reservation:
        """The reservation as it stands now; raises ReservationUnknown."""
        requests.check_reservation_id(reservation_id)
        return _answer("read", await self._store.reservation(reservation_id), reservation_id)

    async def confirm(
        self, client_id: str, idempotency_key: str, reservation_id: str, lines: Sequence[Line] = ()
    ) -> Reservation:
        """The held units leave; with `lines` only these, and the others are free again.

        Raises ReservationUnknown, ReservationNotHeld, LinesNotHeld, IdempotencyKeyReused.
        """
        requests.check_reservation_id(reservation_id)
        if lines:
            requests.check_lines(lines)
        named = [requests.plain(lines)] if lines else []
        once = requests.once(client_id, idempotency_key, "confirm", reservation_id, *named)
        decision = await self._store.confirm(ConfirmReservation(reservation_id, tuple(lines)), once)
        return _answer("confirm", decision, reservation_id)

    async def release(self, client_id: str, idempotency_key: str, reservation_id: str) -> Reservation:
        """The held units are free again; raises ReservationUnknown, ReservationNotHeld, IdempotencyKeyReused."""
        requests.check_reservation_id(reservation_id)
        once = requests.once(client_id, idempotency_key, "release", reservation_id)
        decision = await self._store.release(ReleaseReservation(reservation_id), once)
        return _answer("release", decision, reservation_id)

    async def adjust(self, client_id: str, idempotency_key: str, adjustments: Sequence[Adjustment]) -> Adjustments:
        """Make all adjustments or none; raises StockChanged, CountAhead, InsufficientStock, IdempotencyKeyReused."""
        requests.check_adjustments(adjustments)
        once = requests.once(client_id, idempotency_key, "adjust", requests.plain_adjustments(adjustments))
        decision = await self._store.adjust(AdjustStock(f"A{self._new_id()}", tuple(adjustments)), once)
        outcome = decision.outcome
        if isinstance(outcome, Adjusted):
            metrics.DECISIONS.labels("adjust", "replayed" if decision.is_replay else "adjusted").inc()
            return Adjustments(outcome, decision.as_of, decision.is_replay, decision.epoch)
        raise _refusal("adjust", decision)

    async def set_terms(self, client_id: str, idempotency_key: str, terms: Sequence[Term]) -> TermsAnswer:
        """Let terms hold from now on, all or none; raises InvalidArgument, IdempotencyKeyReused."""
        requests.check_terms(terms)
        once = requests.once(client_id, idempotency_key, "terms", requests.plain_terms(terms))
        decision = await self._store.set_terms(SetTerms(tuple(terms)), once)
        if not isinstance(decision.outcome, TermsSet):
            raise _refusal("terms", decision)
        return TermsAnswer(decision.outcome.count, decision.as_of, decision.is_replay, decision.epoch)

    async def terms(self, sku: str = "") -> Terms:
        """The safety stocks that hold, and of a sku all its terms."""
        if sku:
            requests.check_name(sku, "sku")
        return await self._store.terms(sku or None)

    async def ledger(self, sku: str, at: datetime | None = None, most: int = requests.ENTRIES_DEFAULT) -> SkuLedger:
        """The sku as its journals tell it, now or as of `at`, with the newest entries; raises SkuUnknown."""
        requests.check_name(sku, "sku")
        requests.check_entries(most)
        found = await self._store.ledgers(sku)
        if not found:
            raise SkuUnknown(f"no stock of {sku} is recorded; check the sku", field="sku")
        now = await self._store.availability([])
        until = min(at, now.as_of) if at else now.as_of
        return SkuLedger(sku, until, tuple(_shelf(ledger, until, most) for ledger in found), now.epoch)

    async def watch(self, client_id: str, after: str = "", skus: Sequence[str] = (), location: str = "") -> Watch:
        """Follow what changes, from a cursor or from now; raises ChangesTrimmed, TooManyWatchers."""
        wanted = requests.wanted(skus, location)
        return await self._feed.watch(client_id, Cursor.parse(after) if after else None, wanted)


def _shelf(ledger: Ledger, until: datetime, most: int) -> Shelf:
    told = [event for event in ledger.journal if event.recorded_at <= until]
    return Shelf(ledger.item, fold(told), told[: -most - 1 : -1])


def _of_sku(found: Availability, sku: str) -> SkuAvailability:
    set_aside = {item: units for item, units in found.set_aside.items() if item.sku == sku}
    return SkuAvailability(sku, found.as_of, found.skus[sku], found.epoch, set_aside, found.promises)


def _refusal(command: str, decision: Decision, reservation_id: str = "") -> ShopSphereError:
    if not isinstance(decision.outcome, Refused):
        return StockUnavailable("the stock answered another question than was asked; its library is not ours")
    reason = decision.outcome.reason.value
    metrics.DECISIONS.labels(command, "replayed" if decision.is_replay else reason).inc()
    return error_of(decision.outcome, reservation_id)


def _answer(command: str, decision: Decision, reservation_id: str = "") -> Reservation:
    outcome = decision.outcome
    if not isinstance(outcome, Hold):
        raise _refusal(command, decision, reservation_id)
    metrics.DECISIONS.labels(command, "replayed" if decision.is_replay else outcome.state.value).inc()
    return Reservation(outcome, decision.as_of, decision.is_replay, decision.epoch)
