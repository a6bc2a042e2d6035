"""How members come into the steps of a private training, as the accountant assumes: never by how many members there are.

Each model draws from a stream of its own, or, `secure`, from the operating system. A step may hold nobody; its batch is then padding
alone, and the step is one of pure noise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mia_audit.streams import stream
from mia_audit.training.batches import Batch, padded
from mia_audit.training.system import SystemCoins
from mia_audit.types import Bools, Ints


@dataclass(frozen=True, kw_only=True)
class Poisson:
    """Every member into every step by a coin of probability `rate`: for models `indices` with membership rows [K, pool]."""

    rows: Bools
    indices: tuple[int, ...]
    seed: int
    rate: float
    steps: int
    secure: bool = False

    def epochs(self, count: int) -> Iterator[list[Batch]]:
        """Yield epochs of so many steps; nothing distinguishes one epoch from another."""
        members = [np.flatnonzero(row) for row in self.rows]
        streams = [SystemCoins() if self.secure else stream(self.seed, "poisson", index) for index in self.indices]
        firsts = [own[:1] for own in members]
        for _ in range(count):
            yield [
                padded([own[coins.random(own.size) < self.rate] for own, coins in zip(members, streams, strict=True)], firsts)
                for _ in range(self.steps)
            ]


@dataclass(frozen=True, kw_only=True)
class BallsAndBins:
    """Every member into one step of each epoch, all steps alike and independent of the other members' (arXiv:2412.16802)."""

    rows: Bools
    indices: tuple[int, ...]
    seed: int
    steps: int
    secure: bool = False

    def epochs(self, count: int) -> Iterator[list[Batch]]:
        """Yield epochs."""
        members = [np.flatnonzero(row) for row in self.rows]
        streams = [SystemCoins() if self.secure else stream(self.seed, "balls and bins", index) for index in self.indices]
        firsts = [own[:1] for own in members]
        for _ in range(count):
            bins = [coins.integers(self.steps, size=own.size) for own, coins in zip(members, streams, strict=True)]
            yield [padded(list(self._step(step, members, bins)), firsts) for step in range(self.steps)]

    def _step(self, step: int, members: Sequence[Ints], bins: Sequence[Ints]) -> Iterator[Ints]:
        for own, bin_of in zip(members, bins, strict=True):
            yield own[bin_of == step]
