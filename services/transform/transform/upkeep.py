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


@dataclass(frozen=True)
class State:
    """A table as its metadata has it: sizes in bytes of the live files by partition, moments in UTC."""

    files: Mapping[str, Sequence[int]] = field(default_factory=dict)
    manifests: int = 0
    snapshots: Sequence[datetime] = ()
    # Those among them that a branch or a tag names.
    named_snapshots: Sequence[datetime] = ()
    swept_at: datetime | None = None

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
    """What is due; `expire_before` is the moment before which snapshots go."""

    compact: bool
    rewrite_manifests: bool
    expire_before: datetime | None
    sweep: bool

    @property
    def is_idle(self) -> bool:
        """Nothing is due."""
        return not (self.compact or self.rewrite_manifests or self.expire_before or self.sweep)


def plan(state: State, limits: Limits, now: datetime) -> Plan:
    """What the table needs now."""
    return Plan(
        compact=state.crowded(limits.file_bytes) > 0,
        rewrite_manifests=state.manifests > _MANIFESTS_MAX,
        expire_before=_expire_before(state, limits, now),
        sweep=state.swept_at is None or now - state.swept_at >= limits.sweep_every,
    )


def _expire_before(state: State, limits: Limits, now: datetime) -> datetime | None:
    before = now - limits.snapshot_age
    oldest_first = sorted(state.snapshots)
    if len(oldest_first) > limits.snapshots_max:
        # Every commit writes the list of all snapshots, so there must not be many; but a run that reads one needs it.
        # Down to three quarters, or the commits of maintenance itself would make the next run due.
        kept = max(1, limits.snapshots_max * 3 // 4)
        before = max(before, min(oldest_first[-kept], now - limits.snapshot_age_min))
    going = {moment for moment in oldest_first[:-SNAPSHOTS_MIN] if moment < before} - set(state.named_snapshots)
    return before if going else None
