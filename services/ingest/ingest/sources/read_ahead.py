"""A source that is already read on while its last batch is written: decoding and writing each use a core."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa

from ingest.batch import Batch, Pace
from ingest.sources.source import Positions, Source


class ReadAhead:
    """Gives what the source gives, in its order, one read ahead; what was read ahead is dropped by `close`.

    Only for a source that need not be acknowledged before it is read on, and whose batches do not wait for each other's
    commit. It holds two reads in memory: the one that is written, and the next.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._reader: ThreadPoolExecutor | None = None
        self._next: Future[Sequence[Batch]] | None = None

    @property
    def name(self) -> str:
        """See Source."""
        return self._source.name

    @property
    def fixed_tables(self) -> dict[str, pa.Schema]:
        """See Source."""
        return self._source.fixed_tables

    def open(self, positions: Positions) -> None:
        """See Source."""
        self._source.open(positions)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix=self.name)

    def read(self, pace: Pace) -> Sequence[Batch]:
        """See Source."""
        if self._reader is None:
            return self._source.read(pace)  # not open, as it will say itself
        # An error is told once: what was to be read next is not there, and whoever goes on without `open` tries again.
        waiting, self._next = self._next or self._reader.submit(self._source.read, pace), None
        batches = waiting.result()
        self._next = self._reader.submit(self._source.read, pace)
        return batches

    def acknowledge(self) -> None:
        """See Source; what was read ahead is not committed yet, so nobody may be told."""

    def close(self) -> None:
        """See Source; waits for the read that is under way, which lasts no longer than a batch."""
        if self._reader is not None:
            self._reader.shutdown(cancel_futures=True)
        self._reader = self._next = None
        self._source.close()
