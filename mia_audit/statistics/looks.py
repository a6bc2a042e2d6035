"""Many looks at one target, one level: what else tells its members apart, with one p for all of it together.

If nothing leaks, scores know nothing of the target's coins, so the coins could as well have fallen in any other order: members are
redrawn, every number is computed again, and the largest of all looks in each redraw is what chance gives (the single-step maxT of
Westfall and Young, "Resampling-Based Multiple Testing", Wiley 1993). It is exact for any number of attacks, however alike they are,
any sizes of sides, ties and rates near 0, where widened intervals (Bonferroni's) are approximate and, since attacks resemble each
other, too wide.

A look is a standardised number: larger = further from chance. Areas and counts have the mean and deviation that follow from drawing
without replacement; true positive rates are turned into angles, since near 0 they are skewed, and take mean and deviation from the
redraws. Sums are of half integers, so that no processor rounds them its own way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.stats import rankdata

from mia_audit.statistics.nulltest import angle
from mia_audit.statistics.rates import resolved
from mia_audit.statistics.roc import allowed_false_positives
from mia_audit.types import Bools, Floats, Ints

DRAWS = 1_999
"""Redraws of the coins, so that no p is below 1 in 2,000."""

CHUNK = 200


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A number that is a sum over members, in a part of the examples.

    name      what the number is
    weights   [A], 0 outside the part
    part      [A], which examples are in it
    sides     1: only above chance is off it; 2: below as well
    fewest    of either side in the part; with fewer the number says nothing
    """

    name: str
    weights: Floats
    part: Bools
    sides: int = 1
    fewest: int = 1


@dataclass(frozen=True, kw_only=True)
class Rates:
    """True positive rates of one attack's scores [A] at several false positive rates; those that are not resolved are no look."""

    name: str
    scores: Floats
    fprs: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Joint:
    """All looks together.

    p        of each look, corrected for all of them, by name; a rate's name is its attack's and the FPR
    largest  [1 + draws], the largest of all looks, first as the coins fell
    """

    p: dict[str, float]
    largest: Floats

    def critical(self, level: float) -> float:
        """Return the size from which a look's p is at most this level; infinite where the draws are too few for any."""
        allowed = int(level * self.largest.size + 1e-9)
        falling = np.sort(self.largest)[::-1]
        return float(np.nextafter(falling[allowed], np.inf)) if allowed else float("inf")


def area(name: str, scores: Floats, part: Bools, fewest: int = 1) -> Linear:
    """Return the look at an AUC within a part of the examples, above or below one half."""
    weights = np.zeros(scores.size)
    weights[part] = rankdata(scores[part])
    return Linear(name=name, weights=weights, part=part, sides=2, fewest=fewest)


def count(name: str, weights: Floats | Ints | Bools) -> Linear:
    """Return the look at a sum of weights over members."""
    return Linear(name=name, weights=weights.astype(np.float64), part=np.ones(weights.size, dtype=np.bool_))


def chance_p(scores: Floats, member: Bools, rng: np.random.Generator, draws: int = DRAWS) -> float:
    """Return the one-sided p of "members score no higher": the share of redraws whose rank sum is at least the members'."""
    ranks = rankdata(scores)
    sums = np.concatenate([coins @ ranks for coins in redrawn(member, rng, draws)])
    return float((sums >= sums[0]).mean())


def redrawn(member: Bools, rng: np.random.Generator, draws: int = DRAWS) -> Iterator[Bools]:
    """Yield the coins as rows, [some, A]: the first as they fell, then in so many other orders."""
    yield member[None]
    for start in range(0, draws, CHUNK):
        yield rng.permuted(np.tile(member, (min(CHUNK, draws - start), 1)), axis=1)


def joint(sums: Sequence[Linear], rates: Sequence[Rates], member: Bools, rng: np.random.Generator, draws: int = DRAWS) -> Joint:
    """Return every look's p, corrected for all looks; no two have one name."""
    known = {one.name: [fpr for fpr in one.fprs if resolved(fpr, int((~member).sum()))] for one in rates}
    linear = _Sums.of(sums)
    counted = [_Ranked.of(one, known[one.name], int((~member).sum())) for one in rates if known[one.name]]
    rows = redrawn(member, rng, draws)
    found = [np.concatenate([linear.standardised(coins), *(one.hits(coins) for one in counted)]) for coins in rows]
    every = np.concatenate(found, axis=1)
    every[len(sums) :] = _standardised(angle(every[len(sums) :] / member.sum(), int(member.sum())))
    largest: Floats = every.max(axis=0, initial=0.0)
    names = [*(one.name for one in sums), *(rate_name(one.name, fpr) for one in rates for fpr in known[one.name])]
    return Joint(p={name: float((largest >= row[0]).mean()) for name, row in zip(names, every, strict=True)}, largest=largest)


def rate_name(name: str, fpr: float) -> str:
    """Return the name of the look at one rate."""
    return f"{name}: TPR at {fpr:g}"


@dataclass(frozen=True, kw_only=True)
class _Sums:
    """All sums at once: weights [sums, A] and parts [parts, A], each sum's part by number, and what its variance needs."""

    weights: Floats
    parts: Bools
    of_part: Ints
    mean: Floats
    squares: Floats
    two_sided: Bools
    fewest: Ints

    @classmethod
    def of(cls, sums: Sequence[Linear]) -> Self:
        parts, of_part = np.unique(np.stack([one.part for one in sums]), axis=0, return_inverse=True)
        inside = [one.weights[one.part] for one in sums]
        return cls(
            weights=np.stack([one.weights for one in sums]),
            parts=parts,
            of_part=of_part.ravel(),
            mean=np.array([own.mean() for own in inside]),
            squares=np.array([((own - own.mean()) ** 2).sum() for own in inside]),
            two_sided=np.array([one.sides == 2 for one in sums]),
            fewest=np.array([one.fewest for one in sums]),
        )

    def standardised(self, coins: Bools) -> Floats:
        """Return every sum under each row of coins, [sums, rows]; 0 where a side is too small to look at."""
        values = coins.astype(np.float64)
        members = (self.parts.astype(np.float64) @ values.T)[self.of_part]
        inside = self.parts.sum(axis=1)[self.of_part][:, None]
        variance = members * (inside - members) / (inside * np.maximum(1, inside - 1)) * self.squares[:, None]
        looked = (np.minimum(members, inside - members) >= self.fewest[:, None]) & (variance > 0)
        distance = self.weights @ values.T - members * self.mean[:, None]
        far = np.where(self.two_sided[:, None], np.abs(distance), distance)
        found: Floats = np.divide(far, np.sqrt(variance), out=np.zeros_like(far), where=looked)
        return found


@dataclass(frozen=True, kw_only=True)
class _Ranked:
    """One attack's examples in falling order of score, where each one's block of ties begins, and how many false positives are allowed."""

    order: Ints
    first: Ints
    allowed: tuple[int, ...]

    @classmethod
    def of(cls, one: Rates, fprs: Sequence[float], nonmembers: int) -> Self:
        order = np.argsort(-one.scores, kind="stable")
        falling = -one.scores[order]
        return cls(
            order=order,
            first=np.searchsorted(falling, falling, side="left"),
            allowed=tuple(allowed_false_positives(nonmembers, fpr) for fpr in fprs),
        )

    def hits(self, coins: Bools) -> Floats:
        """Return under each row of coins how many members lie above the threshold of each rate, [rates, rows]."""
        found = np.empty((len(self.allowed), len(coins)))
        for row, most in enumerate(self.allowed):
            others = self._nonmembers(coins, most)
            at = self.first[np.argmax(others > most, axis=1)]  # nobody from this place on lies above the first non-member too many
            before = np.take_along_axis(others, np.maximum(at - 1, 0)[:, None], axis=1)[:, 0]
            found[row] = np.where(at > 0, at - before, 0)
        return found

    def _nonmembers(self, coins: Bools, most: int) -> Ints:
        """Return how many non-members there are up to each place, as far down as is needed to count more than `most`."""
        depth = min(self.order.size, 3 * most + 60)
        while True:
            others: Ints = np.cumsum(~coins[:, self.order[:depth]], axis=1, dtype=np.int32)
            if depth == self.order.size or others[:, -1].min() > most:
                return others
            depth = min(self.order.size, 2 * depth)


def _standardised(rows: Floats) -> Floats:
    spread = rows.std(axis=1, keepdims=True)
    distance = rows - rows.mean(axis=1, keepdims=True)
    found: Floats = np.divide(distance, spread, out=np.zeros_like(rows), where=spread > 0)
    return found
