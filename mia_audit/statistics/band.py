"""A band that holds the whole ROC curve: simultaneous over all thresholds.

At every threshold a box: limits of its FPR times limits of its TPR, each by Clopper and Pearson's with one and the same tail. The curve
lies within the band where it meets every box. Limits that hold for each side's whole distribution by itself (Berk and Jones, Zeitschrift
fuer Wahrscheinlichkeitstheorie 47, 1979; Macskassy and Provost, ROCAI 2004) give boxes that hold every corner at once: of a nominal 95 %
they cover 100, since a curve meets a box long before it passes through all of it. Here the tail is as large as lets 95 % of samples of
these sizes meet their own curve, all boxes jointly, where that curve is two unit Gaussians' of the same AUC: only ranks matter, and how
often boxes meet their curve hardly depends on its shape. Boxes narrow near 0 and 1, where a log-log curve is read.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri

from mia_audit.statistics.interval import LEVEL
from mia_audit.statistics.roc import auc, split
from mia_audit.types import Bools, Floats, Ints

MOST_THRESHOLDS = 300
MOST_COUNTS = 300
DRAWS = 300
LEAST_AREA = 0.02
STEPS = 8
"""Halvings of the range of tails, on a log scale."""
TAILS = (1e-6, 0.2)


@dataclass(frozen=True, kw_only=True)
class Band:
    """At each FPR of the grid: the limits between which the TPR of the true curve lies, at all of them jointly."""

    fpr: Floats
    low: Floats
    high: Floats


def band(scores: Floats, member: Bools, fpr: Floats, rng: np.random.Generator) -> Band:
    """Return the simultaneous 95 % band of the ROC curve on a grid of false positive rates; rng draws the samples that calibrate it.

    A threshold whose FPR surely is no larger lifts the curve at least to its TPR's lower limit; one whose FPR surely is no smaller keeps
    it at or below its TPR's upper limit.
    """
    members, others = split(scores, member)
    cuts = _cuts(np.concatenate([members, others]))
    seen = _Curve(members=_above(members, cuts), others=_above(others, cuts), sizes=(members.size, others.size))
    boxes = seen.boxes(_Limits.of(seen.sizes, _tail(_gaussian(auc(scores, member), seen.sizes), rng)))
    surely = np.searchsorted(np.maximum.accumulate(boxes.fpr_high[0]), fpr + 1e-12, side="right")
    lifted = np.concatenate([[0.0], np.maximum.accumulate(boxes.tpr_low[0])])
    beyond = np.searchsorted(np.maximum.accumulate(boxes.fpr_low[0]), fpr - 1e-12, side="left")
    kept = np.concatenate([np.minimum.accumulate(boxes.tpr_high[0][::-1])[::-1], [1.0]])
    return Band(fpr=fpr, low=lifted[surely], high=kept[beyond])


@dataclass(frozen=True, kw_only=True)
class _Boxes:
    """Limits at every threshold, from the highest to the lowest, of so many samples: [samples, thresholds]."""

    fpr_low: Floats
    fpr_high: Floats
    tpr_low: Floats
    tpr_high: Floats


@dataclass(frozen=True, kw_only=True)
class _Limits:
    """Clopper and Pearson's limits of a share of members and of others, by count: each at a few counts, straight between them."""

    counts: tuple[Ints, Ints]
    low: tuple[Floats, Floats]
    high: tuple[Floats, Floats]

    @classmethod
    def of(cls, sizes: tuple[int, int], tail: float) -> Self:
        counts = tuple(_some_counts(size) for size in sizes)
        low = tuple(_lower(some, size, tail) for some, size in zip(counts, sizes, strict=True))
        high = tuple(1 - _lower(size - some, size, tail) for some, size in zip(counts, sizes, strict=True))
        return cls(counts=(counts[0], counts[1]), low=(low[0], low[1]), high=(high[0], high[1]))


@dataclass(frozen=True, kw_only=True)
class _Curve:
    """How many members and others lie above each threshold, from the highest to the lowest, or are expected to: [samples, thresholds]."""

    members: Ints | Floats
    others: Ints | Floats
    sizes: tuple[int, int]

    def boxes(self, limits: _Limits) -> _Boxes:
        """Return the box of every threshold."""
        (members, others), (low, high) = limits.counts, (limits.low, limits.high)
        return _Boxes(
            tpr_low=np.interp(self.members, members, low[0]),
            tpr_high=np.interp(self.members, members, high[0]),
            fpr_low=np.interp(self.others, others, low[1]),
            fpr_high=np.interp(self.others, others, high[1]),
        )

    def meets(self, boxes: _Boxes) -> Bools:
        """Say of each sample's boxes whether this curve meets them all: none lies wholly above it, none wholly below."""
        fpr, tpr = (
            np.concatenate([[0.0], side[0] / size, [1.0]]) for side, size in zip((self.others, self.members), self.sizes[::-1], strict=True)
        )
        rising = fpr + 1e-12 * np.arange(fpr.size)  # a curve that stands upright is as low as it begins there, and as high as it ends
        above = boxes.tpr_low > np.interp(boxes.fpr_high, rising, tpr) + 1e-12
        below = boxes.tpr_high < np.interp(boxes.fpr_low, rising, tpr) - 1e-12
        missed: Bools = np.any(np.logical_or(above, below), axis=1)
        return np.logical_not(missed)

    def redrawn(self, rng: np.random.Generator) -> "_Curve":
        """Return samples whose expected counts these are."""
        sides = []
        for side, size in zip((self.members, self.others), self.sizes, strict=True):
            steps = np.diff(side[0], prepend=0, append=size) / size
            sides.append(np.cumsum(rng.multinomial(size, steps, size=DRAWS), axis=1)[:, :-1])
        return _Curve(members=sides[0], others=sides[1], sizes=self.sizes)


def _gaussian(area: float, sizes: tuple[int, int]) -> _Curve:
    """Return what is expected of two unit Gaussians of this AUC, at thresholds near both ends of either."""
    gap = math.sqrt(2) * float(ndtri(min(max(area, LEAST_AREA), 1 - LEAST_AREA)))
    at = [ndtri((_some(size, MOST_THRESHOLDS // 2) + 0.5) / size) + shift for size, shift in zip(sizes, (gap, 0.0), strict=True)]
    thresholds = np.unique(np.concatenate(at))[::-1]
    return _Curve(members=sizes[0] * ndtr(gap - thresholds)[None], others=sizes[1] * ndtr(-thresholds)[None], sizes=sizes)


def _tail(true: _Curve, rng: np.random.Generator) -> float:
    """Return the largest tail with which 95 % of samples meet the curve that they were drawn from."""
    samples = true.redrawn(rng)
    low, high = np.log(TAILS[0]), np.log(TAILS[1])
    for _ in range(STEPS):
        middle = (low + high) / 2
        covered = true.meets(samples.boxes(_Limits.of(true.sizes, float(np.exp(middle))))).mean()
        low, high = (middle, high) if covered >= LEVEL else (low, middle)
    return float(np.exp(low))


def _cuts(scores: Floats) -> Floats:
    """Return thresholds from the highest to the lowest, densely near both ends; scores at or below a threshold are not above it."""
    values = np.unique(scores)[::-1]
    return values[_some(values.size, MOST_THRESHOLDS)]


def _some_counts(size: int) -> Ints:
    return _some(size + 1, MOST_COUNTS)


def _some(size: int, most: int) -> Ints:
    """Return at most so many of the places 0 ... size - 1, all of them near both ends."""
    if size <= most:
        return np.arange(size)
    near = np.unique(np.geomspace(1, size / 2, most // 2).astype(np.int64))
    return np.unique(np.concatenate([[0], near, size - 1 - near, [size - 1]]))


def _above(values: Floats, cuts: Floats) -> Ints:
    found: Ints = values.size - np.searchsorted(np.sort(values), cuts, side="right")
    return found[None]


def _lower(hits: Ints, size: int, tail: float) -> Floats:
    found: Floats = np.where(hits > 0, betaincinv(np.maximum(hits, 1), size - hits + 1, tail), 0.0)
    return found
