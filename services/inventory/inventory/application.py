"""What inventory does for its callers, once for both doors: checks the request, decides, answers or raises."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from shopsphere_kit.errors import InvalidArgument

from inventory import metrics
from inventory.errors import IdempotencyKeyMissing, LocationUnknown, ReservationUnknown, SkuUnknown, error_of
from inventory.journal import NAME, Balance, Item
from inventory.stock import UNITS_MAX, ConfirmReservation, Hold, Line, Refused, ReleaseReservation, ReserveStock
from inventory.store import Decision, Once, StockStore

# A basket of a thousand lines is one function call of a few milliseconds; more would hold up the others.
LINES_MAX = 1000
SKUS_MAX = 1000
EXPIRES_IN_SECONDS_MAX = 31 * 24 * 3600
# Longer than any UUID or ULID, short enough to keep.
IDEMPOTENCY_KEY_LENGTH_MAX = 255


@dataclass(frozen=True, slots=True)
class SkuAvailability:
    """A sku's balances by location; its own figures are their sums."""

    sku: str
    as_of: datetime
    locations: dict[str, Balance]
    epoch: int

    @property
    def on_hand(self) -> int:
        """Units on hand over all locations."""
        return sum(balance.on_hand for balance in self.locations.values())

    @property
    def reserved(self) -> int:
        """Units reserved over all locations."""
        return sum(balance.reserved for balance in self.locations.values())

    @property
    def available_to_promise(self) -> int:
        """Units that may be promised; a location below zero takes nothing from the others."""
        return sum(balance.available_to_promise for balance in self.locations.values())

    @property
    def version(self) -> int:
        """Grows with each change at any of the locations."""
        return sum(balance.version for balance in self.locations.values())


@dataclass(frozen=True, slots=True)
class BatchAvailability:
    """Availability of several skus at one moment, and the skus without a stock record."""

    as_of: datetime
    availabilities: tuple[SkuAvailability, ...]
    missing: tuple[str, ...]
    epoch: int

    @property
    def version(self) -> int:
        """Grows with each change of any of the skus."""
        return sum(availability.version for availability in self.availabilities)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A hold as it was at `as_of`; `is_replay` when the key had been answered before."""

    hold: Hold
    as_of: datetime
    is_replay: bool = False
    epoch: int = 0


class Inventory:
    """The calls that both doors offer."""

    def __init__(self, store: StockStore, new_reservation_id: Callable[[], str]) -> None:
        self._store = store
        self._new_reservation_id = new_reservation_id

    async def availability(self, sku: str, location: str | None = None) -> SkuAvailability:
        """What can be promised of one sku, at one location or at all; raises SkuUnknown, LocationUnknown."""
        _check_name(sku, "sku")
        batch = await self.batch_availability([sku], location)
        if batch.availabilities:
            return batch.availabilities[0]
        if location and (await self._store.availability([sku])).skus[sku]:
            raise LocationUnknown(f"no stock of {sku} is recorded at {location}; check the location", field="location")
        raise SkuUnknown(f"no stock of {sku} is recorded; check the sku", field="sku")

    async def batch_availability(self, skus: Sequence[str], location: str | None = None) -> BatchAvailability:
        """What can be promised of several skus, in the order asked for, each once; raises AnswerTooLarge."""
        _check_count(skus, SKUS_MAX, "skus")
        for position, sku in enumerate(skus):
            _check_name(sku, f"skus.{position}")
        if location:
            _check_name(location, "location")
        found = await self._store.availability(list(dict.fromkeys(skus)), location or None)
        known = tuple(
            SkuAvailability(sku, found.as_of, balances, found.epoch) for sku, balances in found.skus.items() if balances
        )
        missing = tuple(sku for sku, balances in found.skus.items() if not balances)
        return BatchAvailability(found.as_of, known, missing, found.epoch)

    async def reserve(
        self, client_id: str, idempotency_key: str, lines: Sequence[Line], expires_in_seconds: int
    ) -> Reservation:
        """Set all lines apart or none; raises InsufficientStock, SkuUnknown, LocationUnknown, IdempotencyKeyReused."""
        _check_lines(lines)
        if not 1 <= expires_in_seconds <= EXPIRES_IN_SECONDS_MAX:
            raise InvalidArgument(
                f"expires_in_seconds must be 1 to {EXPIRES_IN_SECONDS_MAX}", field="expires_in_seconds"
            )
        once = _once(client_id, idempotency_key, "reserve", _plain(lines), expires_in_seconds)
        command = ReserveStock(self._new_reservation_id(), tuple(lines), timedelta(seconds=expires_in_seconds))
        return _answer("reserve", await self._store.reserve(command, once))

    async def reservation(self, reservation_id: str) -> Reservation:
        """The reservation as it stands now; raises ReservationUnknown."""
        _check_reservation_id(reservation_id)
        return _answer("read", await self._store.reservation(reservation_id), reservation_id)

    async def confirm(self, client_id: str, idempotency_key: str, reservation_id: str) -> Reservation:
        """The held units leave; raises ReservationUnknown, ReservationNotHeld, IdempotencyKeyReused."""
        _check_reservation_id(reservation_id)
        once = _once(client_id, idempotency_key, "confirm", reservation_id)
        decision = await self._store.confirm(ConfirmReservation(reservation_id), once)
        return _answer("confirm", decision, reservation_id)

    async def release(self, client_id: str, idempotency_key: str, reservation_id: str) -> Reservation:
        """The held units are free again; raises ReservationUnknown, ReservationNotHeld, IdempotencyKeyReused."""
        _check_reservation_id(reservation_id)
        once = _once(client_id, idempotency_key, "release", reservation_id)
        decision = await self._store.release(ReleaseReservation(reservation_id), once)
        return _answer("release", decision, reservation_id)


def _answer(command: str, decision: Decision, reservation_id: str = "") -> Reservation:
    outcome = decision.outcome
    name = outcome.reason.value if isinstance(outcome, Refused) else outcome.state.value
    metrics.DECISIONS.labels(command, "replayed" if decision.is_replay else name).inc()
    if isinstance(outcome, Refused):
        raise error_of(outcome, reservation_id)
    return Reservation(outcome, decision.as_of, decision.is_replay, decision.epoch)


def _once(client_id: str, key: str, *request: object) -> Once:
    if not key:
        raise IdempotencyKeyMissing(
            "send an Idempotency-Key, a new one for each request that is not a retry", field="idempotency_key"
        )
    if len(key) > IDEMPOTENCY_KEY_LENGTH_MAX or not (key.isascii() and key.isprintable()):
        raise IdempotencyKeyMissing(
            f"the Idempotency-Key must be 1 to {IDEMPOTENCY_KEY_LENGTH_MAX} printable ASCII characters",
            field="idempotency_key",
        )
    return Once(_digest([client_id, key]), _digest(list(request)))


def _digest(value: list[object] | list[str]) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()


def _plain(lines: Sequence[Line]) -> list[list[str | int]]:
    return [[line.item.sku, line.item.location, line.quantity] for line in lines]


def _check_lines(lines: Sequence[Line]) -> None:
    _check_count(lines, LINES_MAX, "lines")
    totals: dict[Item, int] = {}
    for position, line in enumerate(lines):
        _check_name(line.item.sku, f"lines.{position}.sku")
        _check_name(line.item.location, f"lines.{position}.location")
        totals[line.item] = totals.get(line.item, 0) + line.quantity
        if not 1 <= line.quantity <= UNITS_MAX or totals[line.item] > UNITS_MAX:
            raise InvalidArgument(f"a quantity must be 1 to {UNITS_MAX}", field=f"lines.{position}.quantity")


def _check_count(values: Sequence[object], most: int, field: str) -> None:
    if not 1 <= len(values) <= most:
        raise InvalidArgument(f"send 1 to {most} {field}, not {len(values)}", field=field)


def _check_reservation_id(reservation_id: str) -> None:
    if not NAME.fullmatch(reservation_id):
        raise ReservationUnknown("no reservation has such an id", field="reservation_id")


def _check_name(value: str, field: str) -> None:
    if not NAME.fullmatch(value):
        raise InvalidArgument(f"{field} must be 1 to 64 letters, digits, dots, underscores or hyphens", field=field)
