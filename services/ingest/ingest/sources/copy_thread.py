"""A `COPY … TO STDOUT` in a thread of its own: parts of whole rows, a few ahead of who reads them."""

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection

# One block is parsed at once, so it bounds what a parser needs beside the rows themselves.
BLOCK_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Part:
    """Some rows as CSV in blocks of whole rows; `last_row` is the last of them, `is_last` says that none follow."""

    blocks: list[bytes]
    last_row: bytes
    is_last: bool


class CopyThread:
    """Runs one COPY; a reader that is slower holds the server back, for one part waits and one fills at most."""

    def __init__(self, session: connection, command: sql.Composed, part_bytes: int) -> None:
        self._session, self._command, self._part_bytes = session, command, part_bytes
        self._parts: queue.Queue[Part] = queue.Queue(maxsize=1)
        self._left = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="copy", daemon=True)
        self._thread.start()

    def part(self, *, seconds: float) -> Part | None:
        """The next part, or None when it did not come in time; raises what ended the copy."""
        try:
            return self._parts.get(timeout=seconds) if seconds > 0 else self._parts.get_nowait()
        except queue.Empty:
            if self._error is not None:
                raise self._error from None
            return None

    def close(self) -> None:
        """End the copy, finished or not; a copy that broke off is never taken for the end of a table."""
        self._left.set()
        with suppress(psycopg2.Error):  # a server that is gone has nothing to cancel
            self._session.cancel()
        while self._thread.is_alive():
            with suppress(queue.Empty):
                self._parts.get(timeout=0.05)

    def _run(self) -> None:
        try:
            take, rest = self._gatherer()
            with self._session.cursor() as cursor:
                cursor.copy_expert(self._command, SimpleNamespace(write=take))
            # The lock on the table goes with the transaction, however late its last rows are taken.
            self._session.rollback()
            self._parts.put(rest())
        except Exception as error:  # noqa: BLE001 - handed to the reading thread, which raises it
            self._error = error

    def _gatherer(self) -> tuple[Callable[[bytes], None], Callable[[], Part]]:
        """Functions that take a row and give what is left; called for each row of a table, so they are closures.

        libpq gives one row per call, never a part of one.
        """
        rows: list[bytes] = []
        blocks: list[bytes] = []
        block_size = part_size = 0

        def take(row: bytes) -> None:
            nonlocal block_size, part_size
            rows.append(row)
            block_size += len(row)
            if block_size >= BLOCK_BYTES:
                if self._left.is_set():
                    raise BrokenPipeError("the reader of the copy has left")
                blocks.append(b"".join(rows))
                part_size, block_size = part_size + block_size, 0
                if part_size >= self._part_bytes:
                    self._parts.put(Part(blocks.copy(), rows[-1], is_last=False))
                    blocks.clear()
                    part_size = 0
                rows.clear()

        def rest() -> Part:
            last = rows[-1] if rows else b""
            return Part([*blocks, b"".join(rows)] if rows else blocks.copy(), last, is_last=True)

        return take, rest
