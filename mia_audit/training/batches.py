"""How a population's members are dealt into batches.

Models have member sets of unequal size, yet take the same number of steps: each model's members, shuffled anew every
epoch by its own stream, are split into equally many nearly equal batches. Batches are padded to the widest one of the
cohort by repeating the batch's own first example at weight zero: nothing is dropped, and no foreign example is seen. A
model with fewer members than steps sits the last ones out: its batch is padding alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mia_audit.streams import stream
from mia_audit.types import Bools, Floats, Ints

LOOKS = 3
"""Steps that are looked at beside the first and the last."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One step of a cohort: pool positions [K, width] and weights [K, width], each model's summing to one, or to zero where it sits out."""

    positions: Ints
    weights: Floats


class Sampler(Protocol):
    """Who stands in which step."""

    @property
    def steps(self) -> int:
        """Steps an epoch takes, the same for every model of a population."""
        ...

    def epochs(self, count: int) -> Iterator[list[Batch]]:
        """Yield `count` epochs of so many batches."""
        ...


@dataclass(frozen=True, kw_only=True)
class Shuffled:
    """Every member once an epoch, in an order of its own: for models `indices` with membership rows [K, pool]."""

    rows: Bools
    indices: tuple[int, ...]
    seed: int
    steps: int

    def epochs(self, count: int) -> Iterator[list[Batch]]:
        """Yield epochs."""
        members = [np.flatnonzero(row) for row in self.rows]
        streams = [stream(self.seed, "shuffle", index) for index in self.indices]
        for _ in range(count):
            shuffled = [generator.permutation(own) for generator, own in zip(streams, members, strict=True)]
            firsts = [own[:1] for own in shuffled]
            yield [padded([np.array_split(own, self.steps)[step] for own in shuffled], firsts) for step in range(self.steps)]


def steps_per_epoch(pool: int, member_fraction: float, batch_size: int) -> int:
    """Return the steps an epoch takes, from the expected number of members: the same for every model of a population."""
    return max(1, round(pool * member_fraction / batch_size))


def looked_at(steps: int, seed: int) -> frozenset[int]:
    """Return at which steps of a training it is looked at what enters the networks: the first, the last, and some between."""
    drawn = stream(seed, "steps looked at").integers(steps, size=LOOKS)
    return frozenset({0, steps - 1, *drawn.tolist()})


def padded(parts: Sequence[Ints], firsts: Sequence[Ints]) -> Batch:
    """Return the batch of these positions, a part a model; `firsts` are positions that pad a model which sits out."""
    width = max(1, *(len(part) for part in parts))
    fillers = [part[:1] if len(part) else first for part, first in zip(parts, firsts, strict=True)]
    positions = np.stack([np.concatenate([part, np.repeat(own, width - len(part))]) for part, own in zip(parts, fillers, strict=True)])
    weights = np.stack([np.repeat([1 / max(1, len(part)), 0.0], [len(part), width - len(part)]) for part in parts])
    return Batch(positions=positions, weights=weights.astype(np.float32))
