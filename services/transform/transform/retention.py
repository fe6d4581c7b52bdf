"""How long releases can be read, and which snapshots of silver and gold may go because no kept release names them.

Pure. A snapshot that a kept release, a branch or a tag names never goes. One that none of them names goes after a
day: it was left by a run that was stopped, overtaken or refused, or by a release that was dropped; a younger one may be
about to be published.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from transform.release import ReleaseRow
from transform.storage import RUN_BRANCH

# The newest, and the one that a rollback returns to.
KEPT_MIN = 2


def kept(rows: Sequence[ReleaseRow], age: timedelta, now: datetime) -> list[ReleaseRow]:
    """Those of the rows, newest first, that stay readable: for `age` after a newer one took their place."""
    if not rows:
        return []
    # A release that was newest for a year was still read yesterday.
    replaced_at = [now, *(row.created_at for row in rows)]
    return [
        row
        for place, row in enumerate(rows)
        if place < KEPT_MIN or row.release_id == rows[0].previous or now - replaced_at[place] < age
    ]


def named(rows: Sequence[ReleaseRow], table: str) -> set[int]:
    """The snapshots of a table that the rows name."""
    return {row.tables[table] for row in rows if table in row.tables}


def expirable(
    snapshots: Mapping[int, datetime], needed: Collection[int], unpublished_age: timedelta, now: datetime
) -> tuple[int, ...]:
    """The snapshots, oldest first, that may go: not needed, and too old to be about to be published."""
    going = [number for number, made in snapshots.items() if number not in needed and now - made >= unpublished_age]
    return tuple(sorted(going, key=lambda number: (snapshots[number], number)))


def left_behind(
    branches: Mapping[str, int],
    snapshots: Mapping[int, datetime],
    of_releases: Collection[int],
    unpublished_age: timedelta,
    now: datetime,
) -> tuple[str, ...]:
    """The branches of runs that ended without dropping them.

    One that still stands on a snapshot of a release holds nothing of its own, and may be a minute old: it stays.
    """
    return tuple(
        name
        for name, number in sorted(branches.items())
        if name.startswith(RUN_BRANCH) and number not in of_releases and now - snapshots[number] >= unpublished_age
    )
