"""The values of an attribute as small numbers, with what comparing needs to know of each."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from transform.identity.arrays import Grown, Ints
from transform.identity.nicknames import has_forms

# Names are of one vocabulary, for a first name may stand where the last one belongs.
VOCABULARY_OF: Final = {"first_name": "name", "last_name": "name"}
_HAS_FORMS, _IS_INITIAL, _HAS_PARTS = 1, 2, 4


class Vocabulary:
    """Each text once, under the number of its first appearance."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._codes: dict[str, int] = {}
        self._traits = Grown(np.int64)

    def code(self, text: str) -> int:
        """The number of a text; a new one for a new text."""
        found = self._codes.get(text)
        if found is None:
            found = self._codes[text] = len(self.texts)
            self.texts.append(text)
            self._traits.extend([_traits(text)])
        return found

    def codes(self, texts: Iterable[str]) -> list[int]:
        """The numbers of texts."""
        return [self.code(text) for text in texts]

    def special(self, codes: Ints) -> Ints:
        """Not 0 for names that need more than a comparison of letters: short forms, initials, several parts."""
        return self._traits.data[codes]


def _traits(text: str) -> int:
    return (
        (_HAS_FORMS if has_forms(text) else 0)
        | (_IS_INITIAL if len(text) == 1 else 0)
        | (_HAS_PARTS if " " in text else 0)
    )
