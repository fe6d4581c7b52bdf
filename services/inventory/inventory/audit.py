"""The proof that what is kept is what happened: each balance against the fold of its journal."""

from dataclasses import dataclass

from shopsphere_kit.logging import get_logger

from inventory.journal import StockMoved, fold
from inventory.store import Ledger, StockStore

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was read back; `differences` is 0 when every law holds."""

    keys: int
    units_on_hand: int
    movements: int
    applied: int
    duplicates: int
    quarantined: int
    differences: int


def differences_of(ledger: Ledger) -> list[str]:
    """The laws that an item breaks: its balance is the fold of its journal, its reserved units are in live holds."""
    told = fold(ledger.journal)
    broken = []
    if told != ledger.balance:
        broken.append(f"the balance is {ledger.balance}, its journal folds to {told}")
    if ledger.held != ledger.balance.reserved:
        broken.append(f"{ledger.balance.reserved} units are reserved, live holds have {ledger.held}")
    return broken


async def run(store: StockStore) -> AuditReport:
    """Audit every item; each sku is read in one step, so writers may go on (the counters then run ahead)."""
    keys = units = applied = differences = 0
    async for sku in store.skus():
        for ledger in await store.ledgers(sku):
            keys += 1
            units += ledger.balance.on_hand
            applied += sum(isinstance(event, StockMoved) for event in ledger.journal)
            for broken in differences_of(ledger):
                differences += 1
                _log.error("audit difference", sku=ledger.item.sku, location=ledger.item.location, law=broken)
    totals = await store.totals()
    if applied != totals.applied or totals.movements != totals.applied + totals.duplicates + totals.quarantined:
        differences += 1
        _log.error("audit difference", law=f"the journals hold {applied} movements, the counters say {totals}")
    return AuditReport(
        keys, units, totals.movements, totals.applied, totals.duplicates, totals.quarantined, differences
    )
