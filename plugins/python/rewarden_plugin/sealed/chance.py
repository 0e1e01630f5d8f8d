"""Chance repeats: the same numbers in every call and every build. A policy seeds its own: `random.Random(context.seed)`."""

import hashlib
import os
import random

_drawn = 0


def _urandom(count: int) -> bytes:
    global _drawn
    _drawn += 1
    return hashlib.shake_128(b"rewarden%d" % _drawn).digest(count)


class Repeating(random.Random):
    """`random.Random`, whose seed is 0 where none is given."""

    def seed(self, a=None, version=2):
        super().seed(0 if a is None else a, version)


def repeat() -> tuple:
    """Makes chance repeat, from its beginning. Returns what `restore` takes."""
    global _drawn
    before = (os.urandom, random._urandom, random.Random, random.SystemRandom, random.seed, random.getstate())
    _drawn = 0
    os.urandom = random._urandom = _urandom
    random.Random = random.SystemRandom = Repeating
    random.seed = lambda a=None, version=2: random._inst.seed(0 if a is None else a, version)
    random.seed(0)
    return before


def restore(before: tuple) -> None:
    """Undoes `repeat`."""
    os.urandom, random._urandom, random.Random, random.SystemRandom, random.seed, state = before
    random.setstate(state)
