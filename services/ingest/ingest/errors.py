"""What can go wrong while bringing data in, divided by what ingest does about it.

ShopSphereError
├── FailedPrecondition
│   ├── UnusableIdentity    a table's replica identity does not tell its rows apart: stop this source, say the remedy
│   ├── WriterFenced        another writer moved the table on: stop, say so, touch nothing more
│   ├── PositionLost        the source no longer has what follows the recorded position: stop this source, call a person
│   └── FileRefused         a file that cannot be loaded as it is: leave it out, load the others, call a person
├── Unavailable
│   └── SourceUnavailable   the server is away: back off, connect again, go on from the recorded position
└── InvalidArgument
    ├── UndecodableMessage  bytes that are not pgoutput: a bug or another plug-in; never guessed around
    └── IncompatibleSchema  a source column took a type that the bronze column cannot become: quarantine the rows
"""

from typing import ClassVar

from shopsphere_kit.errors import FailedPrecondition, InvalidArgument, Unavailable


class WriterFenced(FailedPrecondition):
    """The table's recorded position is not the one this writer started from."""

    default_reason: ClassVar[str] = "writer_fenced"


class UnusableIdentity(FailedPrecondition):
    """Old rows of a table come without its primary key, so nobody could tell which row a change is of."""

    default_reason: ClassVar[str] = "unusable_identity"


class PositionLost(FailedPrecondition):
    """The source has forgotten what follows the position that the table records."""

    default_reason: ClassVar[str] = "position_lost"


class FileRefused(FailedPrecondition):
    """A file is not what it must be for its rows to be loaded once and whole."""

    default_reason: ClassVar[str] = "file_refused"


class SourceUnavailable(Unavailable):
    """The source's server cannot be reached just now."""

    default_reason: ClassVar[str] = "source_unavailable"


class UndecodableMessage(InvalidArgument):
    """A replication message does not follow the pgoutput protocol."""

    default_reason: ClassVar[str] = "undecodable_message"


class IncompatibleSchema(InvalidArgument):
    """A source column's type cannot be stored in the bronze column of that name."""

    default_reason: ClassVar[str] = "incompatible_schema"
