"""Random numbers that one seed decides: each purpose draws from a stream of its own, so that none disturbs another."""

import random


def stream(seed: int, *purpose: object) -> random.Random:
    """The random numbers of one purpose."""
    return random.Random("/".join(map(str, (seed, *purpose))))


def fresh_seed() -> int:
    """A seed nobody has chosen."""
    return random.SystemRandom().randrange(2**32)
