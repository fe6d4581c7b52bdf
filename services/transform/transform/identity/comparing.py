"""How far two values of an attribute agree: the number of the level in `weights.COMPARISONS`, for many pairs at once.

Every function is symmetric: which record came first must not matter. Edit distances are by RapidFuzz, each pair of
values once however many pairs of records have it.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA, JaroWinkler

from transform.identity.arrays import Bools, Ints
from transform.identity.nicknames import same_name
from transform.identity.vocabulary import Vocabulary
from transform.identity.weights import COMPARISON

# Winkler's own bounds for names of the US census are near these: "nearly" holds one slip in six letters, "similar" two.
_NEARLY, _SIMILAR = 0.92, 0.84
# Of a hundred: the words in common, whatever their order.
_STREET_NEARLY, _STREET_SIMILAR = 88, 72
# A shorter text has too few letters for one of them to be a slip.
_SLIP_MIN: Final = 4
Texts = list[str]


def levels(attribute: str, vocabulary: Vocabulary, left: Ints, right: Ints) -> Ints:
    """The level of each pair of codes."""
    result = np.zeros(len(left), dtype=np.int64)
    unequal = np.flatnonzero(left != right)
    if len(unequal):
        low, high = np.minimum(left, right)[unequal], np.maximum(left, right)[unequal]
        pairs, where = np.unique((low << 32) | high, return_inverse=True)
        found = _LEVELS_OF_UNEQUAL[attribute](vocabulary, pairs >> 32, pairs & 0xFFFF_FFFF)
        result[unequal] = found[where]
    return result


def _ordered(vocabulary: Vocabulary, left: Ints, right: Ints) -> tuple[Texts, Texts]:
    """The texts of each pair in the order of the alphabet, for the code of a text depends on when it came."""
    texts = vocabulary.texts
    pairs = [(texts[one], texts[other]) for one, other in zip(left.tolist(), right.tolist(), strict=True)]
    pairs = [pair if pair[0] < pair[1] else (pair[1], pair[0]) for pair in pairs]
    return [one for one, _ in pairs], [other for _, other in pairs]


def _measured(one: Texts, other: Texts, scorer: Callable[..., float]) -> npt.NDArray[np.float32]:
    measured: npt.NDArray[np.float32] = process.cpdist(one, other, scorer=scorer, dtype=np.float32)
    return measured


def _slip(one: Texts, other: Texts) -> Bools:
    """One letter more, less, different, or exchanged with its neighbour."""
    long_enough = np.array([_may_slip(a, b) for a, b in zip(one, other, strict=True)])
    found: Bools = (_measured(one, other, OSA.distance) <= 1) & long_enough
    return found


def _may_slip(one: str, other: str) -> bool:
    """Two letters of three that were exchanged are a slip all the same."""
    return min(len(one), len(other)) >= _SLIP_MIN or (len(one) == _SLIP_MIN - 1 and sorted(one) == sorted(other))


def _of_names(vocabulary: Vocabulary, left: Ints, right: Ints, nearly: int, different: int) -> Ints:
    one, other = _ordered(vocabulary, left, right)
    alike = _measured(one, other, JaroWinkler.similarity)
    result = np.full(len(one), different, dtype=np.int64)
    result[alike >= _SIMILAR] = nearly + 1
    result[(alike >= _NEARLY) | _slip(one, other)] = nearly
    special = vocabulary.special(left) | vocabulary.special(right)
    for at in np.flatnonzero(special):
        if _share_a_part(one[at], other[at]):
            result[at] = min(result[at], nearly)
    return result


def _share_a_part(one: str, other: str) -> bool:
    """'mary ann' and 'mary', 'garcia lopez' and 'lopez'; initials do not count."""
    if " " not in one and " " not in other:
        return False
    few, many = sorted((set(one.split()), set(other.split())), key=len)
    return few <= many and any(len(word) > 1 for word in few)


def _first_name(vocabulary: Vocabulary, left: Ints, right: Ints) -> Ints:
    same, short_form, nearly, _, initial, different = range(len(COMPARISON["first_name"].levels))
    result = _of_names(vocabulary, left, right, nearly, different)
    special = vocabulary.special(left) | vocabulary.special(right)
    one, other = _ordered(vocabulary, left, right)
    for at in np.flatnonzero(special):
        if any(same_name(a, b) for a in one[at].split() for b in other[at].split() if len(a) > 1 and len(b) > 1):
            result[at] = short_form
        elif min(len(one[at]), len(other[at])) == 1 and one[at][0] == other[at][0]:
            result[at] = initial
    return result + same


def _last_name(vocabulary: Vocabulary, left: Ints, right: Ints) -> Ints:
    return _of_names(vocabulary, left, right, 1, 3)


def _birth_date(vocabulary: Vocabulary, left: Ints, right: Ints) -> Ints:
    one, other = _ordered(vocabulary, left, right)
    edits = _measured(one, other, OSA.distance)
    partly = [a[:6] == b[:6] or a[4:] == b[4:] for a, b in zip(one, other, strict=True)]
    exchanged = [a[:4] + a[6:] + a[4:6] == b for a, b in zip(one, other, strict=True)]
    result = np.full(len(one), 3, dtype=np.int64)
    result[np.array(partly, dtype=bool) | (edits == 2)] = 2
    result[(edits <= 1) | np.array(exchanged, dtype=bool)] = 1
    return result


def _street(vocabulary: Vocabulary, left: Ints, right: Ints) -> Ints:
    one, other = _ordered(vocabulary, left, right)
    alike = _measured(one, other, fuzz.token_set_ratio)
    result = np.full(len(one), 3, dtype=np.int64)
    result[alike >= _STREET_SIMILAR] = 2
    nearly = np.flatnonzero(alike >= _STREET_NEARLY)
    # The next house in the street is another one.
    result[[at for at in nearly if _same_house(one[at], other[at])]] = 1
    return result


def _same_house(one: str, other: str) -> bool:
    numbers = [{word for word in text.split() if word[0].isdigit()} for text in (one, other)]
    return numbers[0] == numbers[1] or not numbers[0].isdisjoint(numbers[1])


def _city(vocabulary: Vocabulary, left: Ints, right: Ints) -> Ints:
    one, other = _ordered(vocabulary, left, right)
    nearly = (_measured(one, other, JaroWinkler.similarity) >= _NEARLY) | _slip(one, other)
    return np.where(nearly, 1, 2)


def _state(vocabulary: Vocabulary, left: Ints, right: Ints) -> Ints:  # noqa: ARG001 - as the others
    return np.ones(len(left), dtype=np.int64)


def _one_slip(vocabulary: Vocabulary, left: Ints, right: Ints) -> Ints:
    return np.where(_slip(*_ordered(vocabulary, left, right)), 1, 2)


def _email(vocabulary: Vocabulary, left: Ints, right: Ints) -> Ints:
    """A slip, or the mailbox's name at another provider."""
    one, other = _ordered(vocabulary, left, right)
    named = [a.partition("@")[0] == b.partition("@")[0] for a, b in zip(one, other, strict=True)]
    return np.where(_slip(one, other) | np.array(named, dtype=bool), 1, 2)


_LEVELS_OF_UNEQUAL: Final[dict[str, Callable[[Vocabulary, Ints, Ints], Ints]]] = {
    "first_name": _first_name,
    "last_name": _last_name,
    "birth_date": _birth_date,
    "street": _street,
    "city": _city,
    "postal_code": _one_slip,
    "state": _state,
    "email": _email,
    "phone": _one_slip,
    "loyalty_number": _one_slip,
}
