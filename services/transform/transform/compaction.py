"""Makes what maintenance rewrote the newest release: the same rows in other files, and the next run builds on them.

A snapshot that only replaced files (Iceberg's operation `replace`) has the rows of the one before. Where nothing but
such snapshots leads from the newest release to main, the release may name main instead: a new row of gold.releases says
so, in one commit like every release. A run that began before still publishes, for the content it saw is the newest's;
then the rewritten files of what it changed are lost, and nothing else.
"""

from collections.abc import Iterable
from dataclasses import replace

from pyiceberg.catalog import Catalog
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation
from shopsphere_kit.clock import Clock
from shopsphere_kit.logging import get_logger

from transform import release
from transform.ancestry import newest_first
from transform.errors import Superseded
from transform.release import COMPACTED, ReleaseRow

log = get_logger(__name__)


def publish(catalog: Catalog, tables: Iterable[str], clock: Clock) -> ReleaseRow | None:
    """Let the newest release name the rewritten snapshots of these tables; None when there is none, or a run won."""
    rows = release.published(catalog)
    rewritten = _rewritten(catalog, tables, rows[0]) if rows else {}
    if not rewritten:
        return None
    newest = rows[0]
    made = release.new_release(
        release.moment_after(newest, clock.now()),
        {**newest.tables, **rewritten},
        newest.consumed,
        counts=newest.counts,
        logic=newest.logic,
    )
    row = replace(made, state=COMPACTED, previous=release.previous_of(rows, newest), content_of=newest.content)
    try:
        release.append(catalog, row, newest.content)
    except Superseded:
        log.info("a run published meanwhile; what was rewritten is left to the next maintenance")
        return None
    finally:
        release.settle(catalog)
    return row


def _rewritten(catalog: Catalog, tables: Iterable[str], newest: ReleaseRow) -> dict[str, int]:
    found = {
        name: _same_rows(catalog.load_table(name), newest.tables[name]) for name in tables if name in newest.tables
    }
    return {name: number for name, number in found.items() if number is not None}


def _same_rows(table: Table, published: int) -> int | None:
    """The snapshot of main when it differs from the published one in files alone."""
    newest = table.current_snapshot()
    if newest is None or newest.snapshot_id == published:
        return None
    for snapshot in newest_first(table):
        if snapshot.snapshot_id == published:
            return newest.snapshot_id
        if snapshot.summary is None or snapshot.summary.operation != Operation.REPLACE:
            return None
    return None
