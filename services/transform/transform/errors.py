"""What can go wrong in a run, and in maintenance.

FailedPrecondition
├── SchemaMismatch   a table function or a stored table disagrees with its SCHEMA
└── ChecksFailed     the tables were built but must not be published; readers keep the last release
Conflict
├── Superseded       another run published while this one was building
└── CompactionIncomplete  another maintenance run, or a file that cannot be read, kept files from being merged
NotFound
├── NoRelease        nothing was published yet
└── UnknownSourceUser  a release has no such source user
"""

from typing import ClassVar

from shopsphere_kit.errors import Conflict, FailedPrecondition, NotFound


class SchemaMismatch(FailedPrecondition):
    """The columns of a table are not those its module declares."""

    default_reason: ClassVar[str] = "schema_mismatch"


class ChecksFailed(FailedPrecondition):
    """One or more checks of the built tables fail."""

    default_reason: ClassVar[str] = "checks_failed"


class Superseded(Conflict):
    """Another run published a release after this one had read bronze."""

    default_reason: ClassVar[str] = "superseded"


class CompactionIncomplete(Conflict):
    """Not every partition that needed it was merged."""

    default_reason: ClassVar[str] = "compaction_incomplete"


class NoRelease(NotFound):
    """There is no published release to work on."""

    default_reason: ClassVar[str] = "no_release"


class UnknownSourceUser(NotFound):
    """A release has no source user of this name."""

    default_reason: ClassVar[str] = "unknown_source_user"
