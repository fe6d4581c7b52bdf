"""Chance without state: every draw is a hash of the seed and of what the draw is about.

So a draw does not depend on the draws before it, and a run of seven days is a prefix of a longer one.
"""

from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from shopsphere_local.journey.rates import MILLION


def event_id(*parts: object) -> str:
    """The identifier that an event with this content always has, in the form of a version 5 UUID."""
    return str(UUID(bytes=blake2b(_text(parts), digest_size=16).digest(), version=5))


def _text(parts: tuple[object, ...]) -> bytes:
    """The parts as bytes, separated by a character that occurs in none of them."""
    return "\x1f".join(map(str, parts)).encode()


@dataclass(frozen=True, slots=True)
class Chance:
    """Draws under one seed."""

    seed: int

    def number(self, *about: object) -> int:
        """64 evenly spread bits that depend on the seed and on what they are about, and on nothing else."""
        return int.from_bytes(blake2b(_text((self.seed, *about)), digest_size=8).digest(), "big")

    def pick(self, count: int, *about: object) -> int:
        """One of 0 … count - 1, evenly."""
        return self.number(*about) % count

    def happens(self, rate: int, *about: object) -> bool:
        """True in `rate` cases of a million."""
        return self.number(*about) % MILLION < rate
