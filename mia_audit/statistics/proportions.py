"""Intervals of proportions: Clopper-Pearson for one, Newcombe's hybrid score method for the difference of two.

Clopper and Pearson, Biometrika 26 (1934). Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10. They hold where
the threshold was fixed on other data; at a threshold estimated on the same data Clopper-Pearson covers 58-77 % of a
nominal 95 %, so use `rates` there.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, norm

from mia_audit.errors import EvidenceError
from mia_audit.statistics.interval import LEVEL, Interval
from mia_audit.statistics.roc import split
from mia_audit.types import Bools, Floats


@dataclass(frozen=True, kw_only=True)
class Share:
    """So many of so many."""

    hits: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.total or self.total == 0:
            raise EvidenceError(f"a share needs 0 <= hits <= total and a total above 0, got {self.hits} of {self.total}; give counts")

    @property
    def value(self) -> float:
        """The proportion."""
        return self.hits / self.total


def accuracy(share: Share) -> Interval:
    """Return one proportion with its exact (Clopper-Pearson) interval."""
    tail = (1 - LEVEL) / 2
    return Interval(value=share.value, low=lower(share, tail), high=upper(share, tail), method="Clopper-Pearson")


def difference(first: Share, second: Share) -> Interval:
    """Return first minus second, for independent shares, with Newcombe's hybrid score interval; within [-1, 1], never of zero width."""
    (low_1, high_1), (low_2, high_2) = wilson(first), wilson(second)
    p_1, p_2 = first.value, second.value
    low = p_1 - p_2 - math.hypot(p_1 - low_1, high_2 - p_2)
    high = p_1 - p_2 + math.hypot(high_1 - p_1, p_2 - low_2)
    return Interval(value=p_1 - p_2, low=max(-1.0, low), high=min(1.0, high), method="Newcombe hybrid score")


def advantage(true_positives: Share, false_positives: Share) -> Interval:
    """Return TPR - FPR at a threshold fixed on other data; 0 is a coin, 1 a perfect attack."""
    return difference(true_positives, false_positives)


def balanced_accuracy(true_positives: Share, false_positives: Share) -> Interval:
    """Return (TPR + TNR) / 2 at a threshold fixed on other data; 1/2 is a coin."""
    gap = difference(true_positives, false_positives)
    value = (1 + true_positives.value - false_positives.value) / 2
    return Interval(value=value, low=(1 + gap.low) / 2, high=(1 + gap.high) / 2, method=gap.method)


def rates_above(scores: Floats, member: Bools, threshold: float) -> tuple[Share, Share]:
    """Return true and false positives when scores above a threshold are called members."""
    members, others = split(scores, member)
    return (
        Share(hits=int(np.sum(members > threshold)), total=members.size),
        Share(hits=int(np.sum(others > threshold)), total=others.size),
    )


def lower(share: Share, tail: float) -> float:
    """Return the one-sided Clopper-Pearson lower limit."""
    return float(beta.ppf(tail, share.hits, share.total - share.hits + 1)) if share.hits else 0.0


def upper(share: Share, tail: float) -> float:
    """Return the one-sided Clopper-Pearson upper limit."""
    return float(beta.ppf(1 - tail, share.hits + 1, share.total - share.hits)) if share.hits < share.total else 1.0


def wilson(share: Share) -> tuple[float, float]:
    """Return Wilson's score interval of one proportion."""
    z = float(norm.ppf((1 + LEVEL) / 2))
    n, p = share.total, share.value
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)
