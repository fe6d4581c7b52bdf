"""What a load says of itself while it runs: files done and left, rows, rate, and the time that is left."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from ingest.batch import Chunk
from ingest.sources.files import FoundFile, Reading

# Often enough to see that it moves, seldom enough that ten thousand small files fill no screen.
TELL_SECONDS = 2.0


class LoadProgress:
    """Counts files, bytes and rows; a line at most every TELL_SECONDS."""

    def __init__(
        self, files: Sequence[FoundFile], tell: Callable[[str], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell, self._now = tell, now
        self._files, self._bytes = len(files), sum(file.size for file in files)
        self._files_done = self._bytes_done = self._bytes_of_file = self._rows = 0
        self._began = self._told = now()

    def watch(self, reading: Reading, first: Chunk, others: Iterator[Chunk]) -> Iterator[Chunk]:
        """The chunks of a file, counted as they pass."""
        for chunk in chain([first], others):
            yield self._passing(reading, chunk)

    def done(self, file: FoundFile) -> None:
        """Count a file, whether it was loaded or not."""
        self._files_done += 1
        self._bytes_done += file.size
        self._bytes_of_file = 0
        self._say()

    def _passing(self, reading: Reading, chunk: Chunk) -> Chunk:
        self._bytes_of_file = reading.bytes_read
        self._rows += chunk.rows.num_rows
        self._say()
        return chunk

    def _say(self) -> None:
        if self._now() - self._told >= TELL_SECONDS:
            self._told = self._now()
            self._tell(str(self))

    def __str__(self) -> str:
        seconds = max(self._now() - self._began, 1e-9)
        passed = self._bytes_done + self._bytes_of_file
        left = seconds * max(self._bytes - passed, 0) / passed if passed else 0.0
        return (
            f"{self._files_done} of {self._files} files, {self._files - self._files_done} left, {self._rows:,} rows, "
            f"{self._rows / seconds:,.0f} rows/s, about {left:.0f} s left"
        )
