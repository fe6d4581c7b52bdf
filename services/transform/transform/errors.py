"""What can go wrong in a run, and in maintenance.

FailedPrecondition
├── SchemaMismatch   a table function or a stored table disagrees with its SCHEMA
├── UnknownPlan      a table function does something that lineage cannot follow
├── NotInProcess     a verb looks into Spark's Java, and the session is on a Connect server
├── NoConnect        there is no session to be had on the Connect server that the settings name
└── ChecksFailed     the tables were built but must not be published; readers keep the last release
Conflict
├── Superseded       another run published while this one was building
└── CompactionIncomplete  another maintenance run, or a file that cannot be read, kept files from being merged
NotFound
├── NoRelease        nothing was published yet, or the release that is asked for is not there any more
└── UnknownSourceUser  a release has no such source user
InvalidArgument
└── UnknownColumn    lineage was asked for a column that no table has
"""

from typing import ClassVar

from shopsphere_kit.errors import Conflict, FailedPrecondition, InvalidArgument, NotFound


class SchemaMismatch(FailedPrecondition):
    """The columns of a table are not those its module declares."""

    default_reason: ClassVar[str] = "schema_mismatch"


class UnknownPlan(FailedPrecondition):
    """Spark's plan of a table has a step or an expression whose columns cannot be followed."""

    default_reason: ClassVar[str] = "unknown_plan"


class UnknownColumn(InvalidArgument):
    """No table of the lake has that column."""

    default_reason: ClassVar[str] = "unknown_column"


class NotInProcess(FailedPrecondition):
    """The session runs on a Connect server, whose Java cannot be looked into."""

    default_reason: ClassVar[str] = "session_not_in_process"


class NoConnect(FailedPrecondition):
    """The Connect client is not installed, or the server refused."""

    default_reason: ClassVar[str] = "no_connect_session"


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
