"""Arrays that grow, and an index from keys to slots that is cheap to add to."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
# A search in two sorted parts costs little more than in one, and so most additions sort a small one.
_RECENT_SHARE: Final = 16


class Grown:
    """A numpy array that doubles when it is full."""

    def __init__(self, dtype: type[Any]) -> None:
        self._data: npt.NDArray[Any] = np.zeros(1024, dtype=dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def data(self) -> npt.NDArray[Any]:
        """What was added so far; a view that may be written to."""
        return self._data[: self._size]

    def extend(self, values: npt.NDArray[Any] | list[Any]) -> None:
        """Add values at the end."""
        needed = self._size + len(values)
        if needed > len(self._data):
            self._data = np.concatenate([self.data, np.zeros(needed * 2 - self._size, dtype=self._data.dtype)])
        self._data[self._size : needed] = values
        self._size = needed


def ranges(starts: Ints, lengths: Ints) -> Ints:
    """start, start+1 … for each range, one after another."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    found: Ints = np.arange(total, dtype=np.int64) + np.repeat(starts - (ends - lengths), lengths)
    return found


class Index:
    """Which slots have a key: a large sorted part, and a small one of what came lately. Dead slots fade at a merge."""

    def __init__(self) -> None:
        nothing = np.zeros(0, dtype=np.int64)
        self._parts = [(nothing, nothing), (nothing, nothing)]

    def add(self, keys: Ints, slots: Ints, alive: Bools) -> None:
        """Each key of `keys` now has the slot beside it."""
        recent = _sorted(np.concatenate([self._parts[1][0], keys]), np.concatenate([self._parts[1][1], slots]), alive)
        self._parts[1] = recent
        if len(recent[0]) * _RECENT_SHARE > len(self._parts[0][0]):
            both = [np.concatenate([one, other]) for one, other in zip(*self._parts, strict=True)]
            nothing = np.zeros(0, dtype=np.int64)
            self._parts = [_sorted(both[0], both[1], alive), (nothing, nothing)]

    def find(self, keys: Ints, alive: Bools) -> tuple[Ints, Ints]:
        """(position in `keys`, slot) for each living slot that has one of the keys."""
        positions, slots = [], []
        for known, owners in self._parts:
            first = np.searchsorted(known, keys, side="left")
            counts = np.searchsorted(known, keys, side="right") - first
            positions.append(np.repeat(np.arange(len(keys)), counts))
            slots.append(owners[ranges(first, counts)])
        position, slot = np.concatenate(positions), np.concatenate(slots)
        living = alive[slot]
        return position[living], slot[living]

    def counts(self, keys: Ints, alive: Bools) -> Ints:
        """How many living slots have each key."""
        return np.bincount(self.find(keys, alive)[0], minlength=len(keys)).astype(np.int64)


def _sorted(keys: Ints, slots: Ints, alive: Bools) -> tuple[Ints, Ints]:
    living = alive[slots]
    keys, slots = keys[living], slots[living]
    order = np.argsort(keys, kind="stable")
    return keys[order], slots[order]
