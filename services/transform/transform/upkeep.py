"""What a table needs: whether its files are too many, which snapshots may go, when its folder was last looked over.

Pure: from what the metadata says of a table to a plan. `maintenance.py` reads the one and carries out the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from shopsphere_kit.file_sizes import FILE_BYTES, crowded, files_beyond

# Reading a table opens every manifest, and each commit of ingest adds one.
_MANIFESTS_MAX = 20
# Snapshots that no run has taken in yet stay, up to so many times the limit: each commit writes the list of them all.
_UNREAD_TIMES = 10
# However old they are: the last commits are what one looks at when something went wrong.
SNAPSHOTS_MIN = 10


@dataclass(frozen=True)
class Limits:
    """When something is due; the defaults are those of the settings."""

    file_bytes: int = FILE_BYTES
    snapshot_age: timedelta = timedelta(days=7)
    snapshots_max: int = 200
    snapshot_age_min: timedelta = timedelta(minutes=30)
    orphan_age: timedelta = timedelta(days=3)
    sweep_every: timedelta = timedelta(days=1)
    release_age: timedelta = timedelta(days=7)
    # No run takes longer from its first snapshot to its release: one that does is dead, and its branches go.
    unpublished_age: timedelta = timedelta(days=1)


@dataclass(frozen=True)
class State:
    """A table as its metadata has it: sizes in bytes of the live files by partition, moments in UTC."""

    files: Mapping[str, Sequence[int]] = field(default_factory=dict)
    manifests: int = 0
    snapshots: Sequence[datetime] = ()
    # Those among them that a branch or a tag names.
    named_snapshots: Sequence[datetime] = ()
    swept_at: datetime | None = None
    # Of bronze: when the snapshot was made up to which the newest release took it in. The next run reads from there on.
    needed_from: datetime | None = None
    # Of silver and gold: the snapshots that may go, and the branches left by runs; None for tables of no release.
    unneeded: Sequence[int] | None = None
    left_branches: Sequence[str] = ()

    @cached_property
    def sizes(self) -> list[int]:
        """The size of every live file."""
        return [size for sizes in self.files.values() for size in sizes]

    def surplus(self, file_bytes: int) -> int:
        """The number of files beyond what their bytes deserve, over all partitions."""
        return sum(files_beyond(sizes, file_bytes) for sizes in self.files.values())

    def crowded(self, file_bytes: int) -> int:
        """The number of partitions with a surplus."""
        return crowded(self.files.values(), file_bytes)

    def figures(self, file_bytes: int) -> dict[str, int]:
        """The numbers of the report."""
        return {
            "files": len(self.sizes),
            "small_files": sum(size < file_bytes for size in self.sizes),
            "bytes": sum(self.sizes),
            "snapshots": len(self.snapshots),
            "manifests": self.manifests,
        }


@dataclass(frozen=True)
class Plan:
    """What is due; snapshots go that are from before `expire_before`, or that stand in `expire`."""

    compact: bool
    rewrite_manifests: bool
    expire_before: datetime | None
    sweep: bool
    expire: tuple[int, ...] = ()
    drop_branches: tuple[str, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Nothing is due."""
        expires = self.expire_before or self.expire or self.drop_branches
        return not (self.compact or self.rewrite_manifests or expires or self.sweep)


def plan(state: State, limits: Limits, now: datetime) -> Plan:
    """What the table needs now."""
    return Plan(
        compact=state.crowded(limits.file_bytes) > 0,
        rewrite_manifests=state.manifests > _MANIFESTS_MAX,
        expire_before=_expire_before(state, limits, now) if state.unneeded is None else None,
        sweep=state.swept_at is None or now - state.swept_at >= limits.sweep_every,
        expire=tuple(state.unneeded or ()),
        drop_branches=tuple(state.left_branches),
    )


def _expire_before(state: State, limits: Limits, now: datetime) -> datetime | None:
    before = now - limits.snapshot_age
    oldest_first = sorted(state.snapshots)
    if len(oldest_first) > limits.snapshots_max:
        # Every commit writes the list of all snapshots, so there must not be many; but a run that reads one needs it.
        # Down to three quarters, or the commits of maintenance itself would make the next run due.
        kept = max(1, limits.snapshots_max * 3 // 4)
        before = max(before, min(oldest_first[-kept], _read_from(state, limits, now)))
    going = {moment for moment in oldest_first[:-SNAPSHOTS_MIN] if moment < before} - set(state.named_snapshots)
    return before if going else None


def _read_from(state: State, limits: Limits, now: datetime) -> datetime:
    """The moment from which on snapshots may still be read by a run."""
    unread = state.needed_from is not None and len(state.snapshots) <= limits.snapshots_max * _UNREAD_TIMES
    # Where nothing was taken in yet, or far too much was not, a run reads the table as it found it.
    return state.needed_from if unread and state.needed_from else now - limits.snapshot_age_min
