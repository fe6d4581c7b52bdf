"""The loop of `python -m ingest files`: each file that is not in yet is one commit, in the order of their names."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from ingest.batch import Batch
from ingest.errors import FileRefused, PositionLost
from ingest.load_progress import LoadProgress
from ingest.loaded_files import FileLedger, Loaded
from ingest.position import FilePosition, decode, encode
from ingest.sink import Appended, BronzeSink, append
from ingest.sources.files import CHUNK_BYTES, FoundFile, Reading, SourceFile, fingerprint
from ingest.sources.records import Form

Tell = Callable[[str], None]


class Choice(StrEnum):
    """What to do with a file of which nobody but a person knows whether it is new."""

    REFUSE = "refuse"
    LOAD = "load"
    SKIP = "skip"


@dataclass(frozen=True)
class Request:
    """Where files go, how they are read, and what was decided about doubtful ones."""

    table: str
    form: Form = field(default_factory=Form)
    changed: Choice = Choice.REFUSE
    renamed: Choice = Choice.REFUSE
    reload_removed: bool = False
    chunk_bytes: int = CHUNK_BYTES

    @property
    def source(self) -> str:
        """What quarantine calls the source."""
        return f"files:{self.table}"


@dataclass
class Outcome:
    """How many files were loaded, were in already, were skipped by choice and were refused; rows and rejects added."""

    loaded: int = 0
    known: int = 0
    skipped: int = 0
    refused: int = 0
    rows: int = 0
    quarantined: int = 0

    def __str__(self) -> str:
        return (
            f"{self.loaded} files loaded, {self.known} in already, {self.skipped} skipped, {self.refused} refused; "
            f"{self.rows:,} rows, {self.quarantined:,} records to quarantine"
        )


class FileLoad:
    """One load; raises WriterFenced when another process loads into the same table meanwhile."""

    def __init__(self, sink: BronzeSink, ledger: FileLedger, request: Request, tell: Tell) -> None:
        self._sink, self._ledger, self._request, self._tell = sink, ledger, request, tell
        self._expected: str | None = None
        self._position = FilePosition()
        self._loaded = Loaded()
        self._outcome = Outcome()

    def run(self, files: list[FoundFile]) -> Outcome:
        """Load what is not in; a file that is refused is told of, and the next one is taken."""
        self._open()
        progress = LoadProgress(files, self._tell)
        for found in files:
            try:
                self._take(fingerprint(found), progress)
            except FileRefused as error:
                self._outcome.refused += 1
                self._tell(f"refused: {error.detail}")
            progress.done(found)
        self._tell(str(self._outcome))
        return self._outcome

    def _open(self) -> None:
        # The position first: a commit that comes between the two then fences this load instead of being overlooked.
        self._expected = self._sink.position(self._request.table)
        recorded = decode(self._expected) if self._expected is not None else FilePosition()
        if not isinstance(recorded, FilePosition):
            raise PositionLost(f"{self._request.table} is not a table of files; choose another --table", field="table")
        self._position = recorded
        self._loaded = self._ledger.loaded(self._request.table, self._request.source)
        removed = recorded.files - self._loaded.count
        if removed > 0 and not self._request.reload_removed:
            raise PositionLost(
                f"{self._request.table} has taken {recorded.files} files and holds rows of {self._loaded.count}: those "
                f"of {removed} were removed, and loading could bring them back; narrow --glob to files that are new "
                "and add --reload-removed",
                field="table",
            )

    def _take(self, file: SourceFile, progress: LoadProgress) -> None:
        if self._loaded.has(file):
            self._outcome.known += 1
        elif self._wanted(file):
            self._load(file, progress)
        else:
            self._outcome.skipped += 1

    def _wanted(self, file: SourceFile) -> bool:
        before = self._loaded.by_name.get(file.name)
        others = self._loaded.by_digest.get(file.digest)
        if before and not self._decided(
            self._request.changed, "changed", f"{file.name} is in with other content (SHA-256 {min(before)})"
        ):
            return False
        return not others or self._decided(
            self._request.renamed, "renamed", f"{file.name} has the content of {min(others)}, which is in"
        )

    def _decided(self, choice: Choice, option: str, what: str) -> bool:
        if choice is Choice.REFUSE:
            raise FileRefused(
                f"{what}; --{option} load adds its rows beside those, --{option} skip leaves it out", field="glob"
            )
        self._tell(f"{choice}: {what}")
        return choice is Choice.LOAD

    def _load(self, file: SourceFile, progress: LoadProgress) -> None:
        reading = Reading(file, self._request.form, self._request.source, self._request.chunk_bytes)
        self._check_case(reading)
        chunks = reading.chunks()
        first = next(chunks)
        after = self._position.after(file.name, file.digest) if reading.rows else self._position
        batch = Batch(self._request.table, self._request.source, progress.watch(reading, first, chunks), after)
        self._recorded(append(self._sink, batch, expected=self._expected, position=encode(after)))
        self._position, self._expected = after, encode(after)
        self._loaded.columns.update(reading.columns)
        if reading.rows:
            self._loaded.add(file.name, file.digest)
        else:
            self._loaded.without_rows.add(file.version)

    def _recorded(self, appended: Appended) -> None:
        self._outcome.loaded += 1
        self._outcome.rows += appended.rows
        self._outcome.quarantined += sum(appended.rejected.values())

    def _check_case(self, reading: Reading) -> None:
        known = {column.lower(): column for column in self._loaded.columns}
        for column in reading.columns:
            if known.get(column.lower(), column) != column:
                raise FileRefused(
                    f"{reading.name}: header: the table has {known[column.lower()]!r}, this file {column!r}, which "
                    "Spark takes for the same column; write it as the table has it",
                    field="header",
                )
