"""How a name sounds, for finding candidates: a Soundex that also hears the first letter and goes on to the sixth."""

from functools import lru_cache
from typing import Final

_SOUNDS: Final = {
    **dict.fromkeys("bpfvw", "1"),
    **dict.fromkeys("cgjkqsxz", "2"),
    **dict.fromkeys("dt", "3"),
    "l": "4",
    **dict.fromkeys("mn", "5"),
    "r": "6",
}
# Letters that are written at the start and not heard.
_SILENT: Final = (("kn", "n"), ("wr", "r"), ("ps", "s"), ("gn", "n"), ("wh", "w"), ("pf", "f"), ("rh", "r"))
_LENGTH: Final = 6


@lru_cache(maxsize=1_000_000)
def sound(name: str) -> str:
    """Equal for names that sound alike: 'smith' and 'smyth', 'catherine' and 'katherine', 'philip' and 'filip'."""
    word = name.replace(" ", "").replace("ph", "f").replace("gh", "")
    for written, heard in _SILENT:
        if word.startswith(written):
            word = heard + word[len(written) :]
            break
    codes = [_SOUNDS.get(letter, "0" if letter in "aeiouy" else "") for letter in word]
    first = codes[0] if codes and codes[0] else "9"
    heard_, last = first, first
    for code in codes[1:]:
        # A vowel parts two equal sounds; h does not.
        if code and code != last and code != "0":
            heard_ += code
        last = code or last
    # Digits and other scripts have no sounds of ours: they stand for themselves.
    return heard_[:_LENGTH] if word.isascii() and word.isalpha() else word
