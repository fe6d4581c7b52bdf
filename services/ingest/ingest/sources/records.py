"""Bytes of a file as records: each is values, or the reason why it is none, with its bytes as they stand in the file.

Nothing is coerced: a CSV field is the text between its delimiters with its quotes decoded (RFC 4180), and a line of
JSON is that line.
"""

import codecs
import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgspec
from shopsphere_kit.errors import InvalidArgument

from ingest.errors import FileRefused

# One record must fit in memory several times over; a quote that is never closed is given up after so many bytes.
RECORD_BYTES_MAX = 16 * 2**20
DOCUMENT = "document"
_BOM = b"\xef\xbb\xbf"
_STRUCTURE = ',;|"\t\r\n'


@dataclass(frozen=True)
class Form:
    """How a file's bytes are to be read."""

    kind: Literal["csv", "jsonl"] = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","

    def checked(self) -> "Form":
        """The form itself when files can be read in it; raises InvalidArgument naming the option."""
        if fault := self._fault():
            raise InvalidArgument(fault)
        return self

    def _fault(self) -> str | None:
        try:
            plain = _STRUCTURE.encode(self.encoding) == _STRUCTURE.encode("ascii")
        except (LookupError, UnicodeError):
            return f"--encoding {self.encoding} is not known; utf-8, latin-1 and cp1252 are the usual ones"
        if not plain:
            return f"--encoding {self.encoding} has other bytes for line ends than ASCII; convert the files to utf-8"
        if len(self.delimiter) != 1 or not self.delimiter.isascii() or self.delimiter in '"\r\n':
            return "--delimiter must be one ASCII character other than a quote or a line end"
        return None


class Record(NamedTuple):
    """One record: its values in the order of the columns, or None and why; `raw` is its bytes in the file."""

    values: Sequence[str] | None
    raw: Sequence[bytes]
    reason: str = ""
    detail: str = ""

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return sum(map(len, self.raw))


def open_records(lines: Iterator[bytes], form: Form) -> tuple[Sequence[str], Iterator[Record]]:
    """The columns and the records of a file given as lines, none longer than RECORD_BYTES_MAX."""
    feed = _Feed(lines, form.encoding)
    if form.kind == "jsonl":
        return (DOCUMENT,), _documents(feed)
    return _delimited(feed, form.delimiter)


class _RecordTooLargeError(Exception):
    pass


class _Feed:
    """Lines on their way into the CSV reader, which takes as many as a record has; `taken` are those in hand."""

    def __init__(self, lines: Iterator[bytes], encoding: str) -> None:
        self._lines = lines
        self._encoding = encoding
        self._again: deque[bytes] = deque()
        self._mark = _BOM if codecs.lookup(encoding).name == "utf-8" else b""
        self._size = 0
        self.taken: list[bytes] = []
        self.undecodable = ""

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        self._size += len(line)
        if self._size >= RECORD_BYTES_MAX:
            raise _RecordTooLargeError
        if self._mark:
            line, self._mark = line.removeprefix(self._mark), b""
        try:
            return line.decode(self._encoding)
        except UnicodeDecodeError as error:
            self.undecodable = f"byte {error.start} of line {len(self.taken)} is not {self._encoding}"
            # Quotes and delimiters are still found, so that the record ends where it ends.
            return line.decode(self._encoding, "surrogateescape")

    def start(self) -> None:
        """Begin a record."""
        self.taken, self.undecodable, self._size = [], "", 0

    def give_up(self, reason: str, detail: str) -> Iterator[Record]:
        """Reject the first line in hand; those after it are read again, for each may be a record of its own."""
        first, rest = self.taken[0], self.taken[1:]
        self._again.extendleft(reversed(rest))
        yield Record(None, [first], reason, detail)
        while len(first) == RECORD_BYTES_MAX and not first.endswith(b"\n"):
            first = self._again.popleft() if self._again else next(self._lines, b"")
            if first:
                yield Record(None, [first], reason, "the line goes on")


def _delimited(feed: _Feed, delimiter: str) -> tuple[Sequence[str], Iterator[Record]]:
    csv.field_size_limit(RECORD_BYTES_MAX)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
    except (csv.Error, _RecordTooLargeError) as error:
        raise FileRefused(
            f"the first line is no CSV header ({error or 'too long'}); lines must end with LF or CRLF, and the "
            "delimiter be the one given by --delimiter"
        ) from error
    if feed.undecodable:
        raise FileRefused(f"header: {feed.undecodable}; name the encoding with --encoding")
    return header, _rows(feed, reader, len(header))


def _rows(feed: _Feed, reader: Iterator[list[str]], width: int) -> Iterator[Record]:
    while True:
        feed.start()
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield from feed.give_up("broken_quotes", str(error))
            continue
        except _RecordTooLargeError:
            yield from feed.give_up(
                "record_too_large", f"no end within {RECORD_BYTES_MAX} bytes; is a quote not closed?"
            )
            continue
        if feed.undecodable:
            yield Record(None, feed.taken, "wrong_encoding", feed.undecodable)
        elif len(values) == width:
            yield Record(values, feed.taken)
        elif values:
            detail = f"{len(values)} fields where the header has {width}"
            yield Record(None, feed.taken, "wrong_number_of_fields", detail)
        elif width == 1:
            yield Record([""], feed.taken)  # an empty line is an empty value when there is one column, else nothing


def _documents(feed: _Feed) -> Iterator[Record]:
    decode = msgspec.json.Decoder().decode
    while True:
        feed.start()
        try:
            line = next(feed)
        except StopIteration:
            return
        except _RecordTooLargeError:
            yield from feed.give_up("record_too_large", f"the line has more than {RECORD_BYTES_MAX} bytes")
            continue
        text = line.removesuffix("\n").removesuffix("\r")
        if feed.undecodable:
            yield Record(None, feed.taken, "wrong_encoding", feed.undecodable)
        elif text.strip():
            yield _document(text, feed.taken, decode)


def _document(text: str, raw: Sequence[bytes], decode: Callable[[str], Any]) -> Record:
    try:
        decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        return Record(None, raw, "not_json", str(error))
    except RecursionError:
        # Valid JSON may nest without end, a decoder's stack may not.
        return Record(None, raw, "not_json", "nested too deep to be decoded")
    return Record([text], raw)
