"""The texts that are looked for, and the shapes that a writer may have given them. Pure.

A text is found as it is in any case, in UTF-8 and UTF-16, as JSON escapes it, percent-encoded, in hex, and inside of
something that was turned to base64. A bound of a column is a value cut off (Iceberg's after 16 characters, and the
last character of an upper one raised), so a bound that is the beginning of a text is a find as well.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from urllib.parse import quote

from shopsphere_kit.errors import InvalidArgument

from transform.scanner.many_texts import ManyTexts, Sought

# Shorter texts stand by chance in any gigabyte of compressed bytes.
CHARACTERS_MIN = 5
# A beginning of fewer characters than these says little about whose it is.
PREFIX_MIN = 8
# Where Iceberg cuts the bounds of text (`write.metadata.metrics.default` is `truncate(16)`), raising an upper one.
CUT_AT = 16


class Canaries:
    """Texts to look for. They are told apart by their number, counted from 1, and never shown."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = list(dict.fromkeys(text.strip() for text in texts))
        if any(len(text) < CHARACTERS_MIN for text in self._texts):
            raise InvalidArgument(
                f"a canary has fewer than {CHARACTERS_MIN} characters and would be found by chance; give a longer text",
                field="canary",
            )
        self._folded = [text.lower() for text in self._texts]

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._texts)

    @cached_property
    def longest(self) -> int:
        """The longest shape in bytes: what two parts of a file have to overlap by."""
        return max((len(shape.content) for shape in self._shapes), default=0)

    @cached_property
    def _shapes(self) -> list[Sought]:
        return [
            Sought(number, shape, cased)
            for number, text in enumerate(self._texts, 1)
            for cased, shapes in ((False, _folding(text)), (True, _exact(text)))
            for shape in shapes
        ]

    @cached_property
    def _index(self) -> ManyTexts:
        return ManyTexts(self._shapes)

    def inside_each(self, contents: Sequence[bytes]) -> list[set[int]]:
        """For each of the contents, the numbers of the texts that it contains in any shape."""
        return self._index.find(contents) if self._texts else [set() for _ in contents]

    def begun_by(self, bound: bytes) -> set[int]:
        """The numbers of the texts that a bound is the beginning of."""
        start = bound.decode(errors="replace").lower()
        if len(start) < PREFIX_MIN:
            return set()
        start = start[:-1] if len(start) >= CUT_AT else start
        return {number for number, whole in enumerate(self._folded, 1) if whole.startswith(start)}


def _folding(text: str) -> list[bytes]:
    """The shapes in which upper and lower case are the same."""
    spellings = dict.fromkeys((text, text.lower(), text.upper(), text.title()))
    return list(dict.fromkeys(shape.lower() for each in spellings for shape in _encodings(each)))


def _encodings(text: str) -> Iterable[bytes]:
    plain = text.encode(errors="surrogatepass")
    yield plain
    yield text.encode("utf-16-le", errors="surrogatepass")
    yield text.encode("utf-16-be", errors="surrogatepass")
    yield json.dumps(text)[1:-1].encode()
    yield quote(plain, safe="").encode()
    yield plain.hex().encode()


def _exact(text: str) -> list[bytes]:
    """The shapes in which case matters: base64 of something that contains the text, at each of three alignments."""
    shapes = []
    for each in dict.fromkeys((text, text.lower(), text.upper())):
        plain = each.encode(errors="surrogatepass")
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + plain)
            # Characters that also depend on what stands before or after the text are left out.
            first = -(-shift * 8 // 6)
            last = (shift + len(plain)) * 8 // 6
            shapes.append(encoded[first:last])
    return [shape for shape in dict.fromkeys(shapes) if len(shape) >= CHARACTERS_MIN]
