"""A band that holds the whole ROC curve: simultaneous over all thresholds.

One band for each side's distribution, with half the error each, so that both hold together whatever the distributions
(Macskassy and Provost, ROCAI 2004). Not the Kolmogorov-Smirnov band of equal width, but the equal-tailed one of Berk and Jones
(Zeitschrift fuer Wahrscheinlichkeitstheorie 47, 1979): it narrows near 0 and 1, where a log-log curve is read. Every order statistic gets
the same tail of its Beta distribution, so small that all hold jointly; TAILS holds that tail, found by simulation.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from mia_audit.statistics.roc import split
from mia_audit.types import Bools, Floats

SIZES = (1, 2, 5, 10, 30, 100, 300, 1_000, 3_000, 10_000)
TAILS = (1.25e-2, 6.3e-3, 2.9e-3, 1.75e-3, 8.7e-4, 4.9e-4, 3.4e-4, 2.6e-4, 2.2e-4, 1.9e-4)
"""Tail of each order statistic of so many scores with which all hold jointly but for an error of 2.5 %."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """At each FPR of the grid: the limits between which the TPR of the true curve lies, at all of them jointly."""

    fpr: Floats
    low: Floats
    high: Floats


def band(scores: Floats, member: Bools, fpr: Floats) -> Band:
    """Return the simultaneous 95 % band of the ROC curve on a grid of false positive rates.

    A threshold whose FPR surely is small enough lifts the curve at least to its TPR's lower limit; the lowest threshold whose FPR may
    be small enough lifts it at most to its TPR's upper limit.
    """
    members, others = split(scores, member)
    thresholds = np.concatenate([[-np.inf], np.unique(scores)])
    (tpr_low, tpr_high), (fpr_low, fpr_high) = _exceedance(members, thresholds), _exceedance(others, thresholds)
    surely, perhaps = _first_within(fpr_high, fpr), _first_within(fpr_low, fpr)
    low = np.where(surely < thresholds.size, tpr_low[np.minimum(surely, thresholds.size - 1)], 0.0)
    return Band(fpr=fpr, low=low, high=tpr_high[perhaps])


def tail_of(size: int) -> float:
    """Return the tail for so many scores, between the simulated ones straight on log-log axes; beyond them the last one, halved."""
    if size > SIZES[-1]:
        return TAILS[-1] / 2
    return float(np.exp(np.interp(np.log(size), np.log(SIZES), np.log(TAILS))))


def _first_within(falling: Floats, fpr: Floats) -> np.ndarray:
    """Return for each rate the first place where falling values are at most it."""
    return falling.size - np.searchsorted(falling[::-1], fpr + 1e-12, side="right")


def _exceedance(values: Floats, thresholds: Floats) -> tuple[Floats, Floats]:
    """Return joint limits of P(score > threshold) at every threshold; both fall with it."""
    above = values.size - np.searchsorted(np.sort(values), thresholds, side="right")
    tail = tail_of(values.size)
    low = np.where(above > 0, beta.ppf(tail, np.maximum(above, 1), values.size - above + 1), 0.0)
    high = np.where(above < values.size, beta.ppf(1 - tail, above + 1, np.maximum(values.size - above, 1)), 1.0)
    return low, high
