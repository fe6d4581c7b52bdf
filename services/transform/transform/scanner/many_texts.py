"""Finds many byte strings in bytes at once, in any case of ASCII: about as fast as one pass over them. Pure.

A string of seven bytes holds a whole word of four bytes at every alignment. So the content is read as words, those
that some string begins with (at any of four offsets) are looked up in a table, and only there strings are compared.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORD = 4
# A string of so many bytes has an aligned word among its first ones, wherever it stands.
INDEXED_BYTES_MIN = 2 * WORD - 1
_TABLE_BITS = 20  # a megabyte of flags: fits a core's cache, and thousands of words leave nearly all of it empty
_KNUTH = np.uint32(2654435761)  # 2^32 divided by the golden ratio: multiplicative hashing
# Between contents that are searched together; no UTF-8 has this byte.
_BETWEEN = b"\xff" * WORD


@dataclass(frozen=True)
class Sought:
    """A byte string to find and what it stands for; with `cased` upper and lower case differ."""

    number: int
    content: bytes
    cased: bool = False


class ManyTexts:
    """An index of byte strings."""

    def __init__(self, sought: Sequence[Sought]) -> None:
        self._long = [each for each in sought if len(each.content) >= INDEXED_BYTES_MIN]
        self._short = [each for each in sought if len(each.content) < INDEXED_BYTES_MIN]
        self._lower = [np.frombuffer(each.content.lower(), np.uint8) for each in self._long]
        self._words: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for place, each in enumerate(self._lower):
            for offset in range(WORD):
                word = int.from_bytes(each[offset : offset + WORD].tobytes(), "little")
                self._words[word].append((place, offset))
        self._table = np.zeros(1 << _TABLE_BITS, np.bool_)
        if self._words:
            self._table[_hashed(np.array(list(self._words), np.uint32))] = True

    def find(self, contents: Sequence[bytes]) -> list[set[int]]:
        """For each of the contents the numbers of what is in it."""
        found: list[set[int]] = [set() for _ in contents]
        joined = _BETWEEN.join(contents)
        lower = joined.lower()
        begins = np.cumsum([0, *(len(each) + len(_BETWEEN) for each in contents)])[:-1]
        for place, starts in self._candidates(lower):
            sought = self._long[place]
            for start in starts.tolist():
                if not sought.cased or joined.startswith(sought.content, start):
                    found[int(np.searchsorted(begins, start, "right")) - 1].add(sought.number)
        for sought in self._short:
            needle, hay = (sought.content, joined) if sought.cased else (sought.content.lower(), lower)
            if needle in hay:
                for number, content in zip(found, contents, strict=True):
                    if needle in (content if sought.cased else content.lower()):
                        number.add(sought.number)
        return found

    def _candidates(self, lower: bytes) -> list[tuple[int, NDArray[np.int64]]]:
        """Where strings are, but for their case: the string's place in the index, and the places in the content."""
        words = np.frombuffer(lower, "<u4", count=len(lower) // WORD)
        at = np.flatnonzero(self._table[_hashed(words)])
        there = words[at]
        bytes_ = np.frombuffer(lower, np.uint8)
        found = []
        for word in set(np.unique(there).tolist()) & self._words.keys():
            positions = at[there == word] * WORD
            for place, offset in self._words[word]:
                starts = _equal(bytes_, positions - offset, self._lower[place])
                if starts.size:
                    found.append((place, starts))
        return found


def _hashed(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (words * _KNUTH) >> np.uint32(32 - _TABLE_BITS)


def _equal(content: NDArray[np.uint8], starts: NDArray[np.int64], sought: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Those of the places at which the string stands."""
    starts = starts[(starts >= 0) & (starts + len(sought) <= len(content))]
    # The last bytes first: strings that begin alike, as words of a language do, mostly end otherwise.
    for place in reversed(range(len(sought))):
        if not starts.size:
            break
        starts = starts[content[starts + place] == sought[place]]
    return starts
