"""Random numbers of the operating system: nobody who holds a recipe can draw them again.

A sum of four normal numbers over two is normal again, and has no gaps where a single one's floating point would have some, by which
noise can be told from what it hides (Holohan and Braghin 2021, arXiv:2107.10138; Mironov 2012).
"""

import math
import os
from collections.abc import Sequence

import numpy as np

from mia_audit.types import Floats, Ints

_TERMS = 4


class SystemCoins:
    """What samplers ask of a NumPy generator, drawn from the operating system."""

    def random(self, size: int) -> Floats:
        """Return uniform numbers in [0, 1), 53 bits each."""
        words = np.frombuffer(os.urandom(8 * size), dtype=np.uint64)
        return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def integers(self, high: int, size: int) -> Ints:
        """Return whole numbers from 0 to below `high`, which is far below 2^53."""
        drawn: Ints = np.floor(self.random(size) * high).astype(np.int64)
        return drawn


def normal(shape: Sequence[int]) -> Floats:
    """Return standard normal numbers, by Box and Muller's method."""
    size, coins = math.prod(shape), SystemCoins()
    pairs = -(-size * _TERMS // 2)
    radius = np.sqrt(-2 * np.log1p(-coins.random(pairs)))
    turn = 2 * np.pi * coins.random(pairs)
    each = np.concatenate([radius * np.cos(turn), radius * np.sin(turn)])[: size * _TERMS]
    drawn: Floats = (each.reshape(_TERMS, size).sum(axis=0) / math.sqrt(_TERMS)).reshape(tuple(shape))
    return drawn
