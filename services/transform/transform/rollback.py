"""Return to an earlier release, by a new row of gold.releases that names its snapshots: history is only added to.

Readers take the newest row, so they see the earlier tables at once. The row carries the `consumed` of the release it
shows, so the next run takes bronze in from there. A run that began before the rollback is superseded.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pyiceberg.catalog import Catalog
from shopsphere_kit.clock import Clock

from transform import release
from transform.errors import NoRelease
from transform.release import ROLLED_BACK, ReleaseRow

_LISTED = "`python -m transform releases` lists those that can be read"


def rollback(catalog: Catalog, clock: Clock, to: str | None = None) -> ReleaseRow:
    """Show the release before the newest, or the one named, to all readers. Raises NoRelease, Superseded."""
    rows = release.published(catalog)
    back = returning(rows, to, clock.now())
    release.append(catalog, back, rows[0].content)
    release.settle(catalog)
    return back


def returning(rows: Sequence[ReleaseRow], to: str | None, now: datetime) -> ReleaseRow:
    """The row that shows an earlier release again, of all rows, newest first. Raises NoRelease."""
    if not rows:
        raise NoRelease("nothing was published yet, so there is nothing to return to")
    newest = rows[0]
    target = _named(rows, to) if to else before(rows)
    made = release.new_release(
        release.moment_after(newest, now), target.tables, target.consumed, counts=target.counts, logic=target.logic
    )
    return replace(
        made,
        state=ROLLED_BACK,
        previous=release.previous_of(rows, target),
        content_of=target.content,
        rolled_back_from=newest.release_id,
    )


def before(rows: Sequence[ReleaseRow]) -> ReleaseRow:
    """The release that stood before the newest: rolling back again goes one further back, not forth."""
    previous = release.previous_of(rows, rows[0])
    if previous is None:
        raise NoRelease(f"no release stands before {rows[0].release_id}; name one with --to; {_LISTED}")
    return _named(rows, previous)


def _named(rows: Sequence[ReleaseRow], release_id: str) -> ReleaseRow:
    for row in rows:
        if row.release_id == release_id:
            return row
    raise NoRelease(f"release {release_id} never was, or its time to be read is over; {_LISTED}", field="to")
