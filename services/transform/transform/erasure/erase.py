"""An erasure from end to end. Whatever kills it, running it again finishes it.

Suppression comes first, so that nothing new of the person enters. Tables that hold whole records as text come before
those that hold the person's values in columns: what names the person in the records is known from the columns, also to
a run that finishes another one. The users of bronze, from which everything could be made again, come last.
"""

import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from shopsphere_kit.clock import Clock
from shopsphere_kit.lake import BRONZE
from shopsphere_kit.logging import get_logger
from shopsphere_kit.suppressed_people import suppress

from transform.erasure import known, sweep
from transform.erasure.history import sql_catalog
from transform.erasure.journal import Journal
from transform.erasure.person import Person
from transform.erasure.table import Outcome, Step, TableErasure, named_now
from transform.scanner.canaries import Canaries
from transform.scanner.finds import Findings
from transform.scanner.scan import Scan
from transform.tables import FOLDS, TABLES
from transform.warehouse import Warehouse

# Rows that were on their way when the suppression was written; a second look finds them, a third finds none.
_LOOKS_MAX = 3

log = get_logger(__name__)


@dataclass(frozen=True)
class Request:
    """Who is to be forgotten. `reference` is the number of their request, say: nothing personal.

    Files that no table names go from `orphan_age` on: a younger one may be about to be committed.
    """

    customers: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    reference: str = ""
    orphan_age: timedelta = timedelta(hours=1)
    scan: bool = True


@dataclass
class Receipt:
    """What was done, in numbers; it holds nothing that is personal."""

    receipt_id: str
    erased_at: datetime
    reference: str
    customers: list[str]
    users: int
    values: int
    values_shared: int
    texts_not_sought: int
    """Texts that stand inside longer values of others, and so are not looked for in bytes."""
    suppressed: int = 0
    restate: list[str] = field(default_factory=list)
    """The users as "shop:12", for the run that follows; not kept."""
    tables: dict[str, Outcome] = field(default_factory=dict)
    files_finished: int = 0
    orphans_removed: int = 0
    orphans_left: int = 0
    scan: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The receipt as plain values; tables that held nothing of the person are left out."""
        touched = {name: asdict(done) for name, done in sorted(self.tables.items()) if done != Outcome()}
        told = {**asdict(self), "erased_at": self.erased_at.isoformat(), "tables": touched}
        del told["restate"]
        return told

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left that this run knows of."""
        return not self.orphans_left and not (self.scan and self.scan["hits"])


class Erasure:
    """One run."""

    def __init__(
        self, catalog: Catalog, warehouse: Warehouse, key: bytes, clock: Clock, step: Step = lambda _: None
    ) -> None:
        self._catalog, self._warehouse, self._key, self._clock, self._step = catalog, warehouse, key, clock, step
        self._journal = Journal(warehouse)
        self._declared = {stored.name: stored for stored in (*FOLDS, *TABLES)}

    def run(self, request: Request) -> Receipt:
        """Forget the person. Raises NotFound, InvalidArgument, FailedPrecondition, Unavailable."""
        sql_catalog(self._catalog)
        finished = self._finish()
        who = known.named(self._catalog, request.customers, request.users)
        tables = [TableErasure(self._catalog, self._journal, *each, self._step) for each in self._tables()]
        who, shared = self._knowing(who, tables)
        now = self._clock.now()
        receipt = Receipt(
            f"E{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            now,
            request.reference,
            sorted(who.customers),
            len(who.users),
            len(who.values),
            shared,
            len(who.not_sought),
            restate=sorted(f"{mark.kind}:{mark.value}" for mark in who.users),
            files_finished=finished,
        )
        receipt.suppressed = suppress(self._catalog, self._key, who.forgotten, now, receipt.receipt_id)
        self._step("suppressed")
        swept = sweep.sweep(self._catalog, self._warehouse, who, self._declared, now, request.orphan_age)
        receipt.orphans_removed, receipt.orphans_left = swept.removed, swept.left
        self._step("swept")
        self._rewrite(tables, who)
        receipt.files_finished += self._finish()
        receipt.tables = {table.name: table.outcome for table in tables}
        if request.scan and who.texts:
            receipt.scan = _summary(Scan(self._catalog, self._warehouse, Canaries(who.texts)).run())
        return receipt

    def _finish(self) -> int:
        """Delete what an earlier run had exchanged, and had no time to delete."""
        return self._journal.settle(lambda name: named_now(self._catalog, name))

    def _tables(self) -> Iterable[tuple[str, Any]]:
        for namespace in self._catalog.list_namespaces():
            for identifier in self._catalog.list_tables(namespace):
                name = ".".join(identifier)
                yield name, self._declared.get(name)

    def _knowing(self, who: Person, tables: list[TableErasure]) -> tuple[Person, int]:
        for table in tables:
            who = who.knowing(table.values(who))
        others = known.others_of(self._catalog, who, self._declared)
        own = who.without(others.same).without_texts(others.within)
        log.info("person known", users=len(who.users), values=len(who.values), shared=len(others.same))
        return own, len(who.values) - len(own.values)

    def _rewrite(self, tables: list[TableErasure], who: Person) -> None:
        ordered = sorted(
            tables, key=lambda table: (table.is_structured(who), table.name.startswith(BRONZE), table.name)
        )
        for _ in range(_LOOKS_MAX):
            before = sum(table.outcome.files_rewritten for table in ordered)
            for table in ordered:
                try:
                    table.erase(who)
                except NoSuchTableError:
                    log.info("table was dropped meanwhile", table=table.name)
            if sum(table.outcome.files_rewritten for table in ordered) == before:
                return


def _summary(findings: Findings) -> dict[str, Any]:
    told = findings.as_json()
    hits: Any = told.pop("hits")
    return {**told, "hits": len(hits), "places": sorted({f"{hit['file']}: {hit['where']}" for hit in hits})[:20]}
