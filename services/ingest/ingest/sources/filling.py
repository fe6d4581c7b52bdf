"""A batch while it fills: how long it still takes rows."""

import time

from ingest.batch import Pace


class Filling:
    """Counts the rows and bytes of one read; the time runs from the first row on."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._rows = self._size = 0
        self._deadline = time.monotonic() + pace.seconds

    def add(self, rows: int, size: int) -> None:
        """Take so many rows, and so many bytes that now wait in memory."""
        if rows and not self._rows:
            self._deadline = time.monotonic() + self._pace.seconds
        self._rows += rows
        self._size += size

    @property
    def rows_left(self) -> int:
        """How many more rows fit."""
        return self._pace.rows - self._rows

    @property
    def bytes_left(self) -> int:
        """How many more bytes fit."""
        return self._pace.size - self._size

    @property
    def seconds_left(self) -> float:
        """How long to go on, seconds; 0 when the batch is full or its time is over."""
        if self.rows_left <= 0 or self.bytes_left <= 0:
            return 0.0
        return max(0.0, self._deadline - time.monotonic())
