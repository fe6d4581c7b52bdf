"""The proof that what is kept is what happened: each balance against the fold of its journal, each figure recounted."""

from collections.abc import Callable
from dataclasses import dataclass

from shopsphere_kit.logging import get_logger
from shopsphere_kit.topics import STOCK_MOVEMENTS

from inventory.journal import Bucket, ReservationConfirmed, StockMoved, fold
from inventory.store import Ledger, StockStore, Taken, Tally

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was read back, all from the state itself; `differences` is 0 when every law holds.

    `movements` are the records taken from the topic (from the offsets), `applied` those that the journals hold,
    `quarantined` those whose positions were set aside, `duplicates` all the others. `confirmed` are the lines sold by
    reservations, `adjusted` the movements of adjustments, `outbox` those of both that the topic still lacks.
    """

    keys: int
    units_on_hand: int
    movements: int
    applied: int
    duplicates: int
    quarantined: int
    confirmed: int
    adjusted: int
    outbox: int
    differences: int


@dataclass(slots=True)
class _Read:
    """Sums over the ledgers read so far."""

    keys: int = 0
    units_on_hand: int = 0
    applied: int = 0
    confirmed: int = 0
    adjusted: int = 0
    differences: int = 0

    def add(self, ledger: Ledger) -> None:
        self.keys += 1
        if ledger.item.bucket is Bucket.ON_HAND:
            self.units_on_hand += ledger.balance.on_hand
        own = [event.is_own for event in ledger.journal if isinstance(event, StockMoved)]
        self.adjusted += sum(own)
        self.applied += len(own) - sum(own)
        self.confirmed += sum(
            isinstance(event, ReservationConfirmed) and not event.is_known_sale for event in ledger.journal
        )


def differences_of(ledger: Ledger) -> list[str]:
    """The laws that an item breaks: its balance is the fold of its journal, its reserved units are in live holds."""
    told = fold(ledger.journal)
    broken = []
    if told != ledger.balance:
        broken.append(f"the balance is {ledger.balance}, its journal folds to {told}")
    if ledger.held != ledger.balance.reserved:
        broken.append(f"{ledger.balance.reserved} units are reserved, live holds have {ledger.held}")
    return broken


def differences_of_figures(recounted: Tally, own: int, taken: Taken, counters: Tally) -> list[str]:
    """The laws of the whole: each event id is in one journal, and the counters kept on the way agree.

    `own` are the entries of movements that were decided here.
    """
    broken = []
    if recounted.applied + own != taken.event_ids:
        broken.append(f"{recounted.applied} + {own} entries of journals, {taken.event_ids} event ids taken")
    if recounted != counters:
        broken.append(f"the state tells {recounted}, the counters {counters}")
    return broken


async def run(store: StockStore, show: Callable[[Ledger], None] = lambda _: None) -> AuditReport:
    """Audit every item and show each; a sku is read in one step, but figures agree only while nobody writes."""
    read = _Read()
    async for sku in store.skus():
        for ledger in await store.ledgers(sku):
            read.add(ledger)
            show(ledger)
            for broken in differences_of(ledger):
                read.differences += 1
                _log.error("audit difference", sku=ledger.item.sku, shelf=ledger.item.shelf, law=broken)
    taken = await store.taken(STOCK_MOVEMENTS.name)
    duplicates = taken.movements - read.applied - taken.quarantined
    recounted = Tally(taken.movements, read.applied, duplicates, taken.quarantined)
    for broken in differences_of_figures(recounted, read.confirmed + read.adjusted, taken, await store.totals()):
        read.differences += 1
        _log.error("audit difference", law=broken)
    return AuditReport(
        keys=read.keys,
        units_on_hand=read.units_on_hand,
        movements=taken.movements,
        applied=read.applied,
        duplicates=duplicates,
        quarantined=taken.quarantined,
        confirmed=read.confirmed,
        adjusted=read.adjusted,
        outbox=taken.outbox,
        differences=read.differences,
    )
