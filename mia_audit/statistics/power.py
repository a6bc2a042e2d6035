"""What an audit of this size could have seen: the smallest leak that the verdict's own test finds with 80 % power.

Leaks are those of unit Gaussians apart. The AUC is tested one-sided by Mann and Whitney's rank sum at the verdict's level: by its exact
distribution where sides are small, else by its normal one. Away from chance an AUC keeps to [0, 1] and is skewed where one side is
small: it is taken as a Beta variable with the AUC's own mean and variance. The TPR at an estimated threshold needs no approximation:
the threshold's true FPR is a Beta variable, and members above it are a binomial.
"""

import math

import numpy as np
from scipy.optimize import root_scalar
from scipy.special import owens_t
from scipy.stats import beta, binom, nhypergeom, norm

from mia_audit.statistics.nulltest import angle
from mia_audit.statistics.roc import allowed_false_positives
from mia_audit.statistics.vulnerability import upper_tail

POWER = 0.80
_MOST_EXACT = 20_000
"""Pairs up to which the rank sum's distribution is computed exactly."""
_WIDEST = 12.0
"""Deviations between members and non-members beyond which no leak is larger."""
_NODES = 400


def smallest_auc(members: int, nonmembers: int, level: float, phantoms: int | None = None) -> float:
    """Return the smallest AUC that a one-sided test at this level tells from 1/2 with 80 % power; 1 where it tells none.

    phantoms  where the AUC minus the mean of so many phantoms' is tested too: with scores that have nothing in common with the target's
              they add 1 / phantoms to its variance, with alike ones less
    """
    wider = 1.0 if phantoms is None else math.sqrt(1 + 1 / phantoms)
    return min(1.0, 0.5 + wider * (_smallest_auc(members, nonmembers, level) - 0.5))


def _smallest_auc(members: int, nonmembers: int, level: float) -> float:
    wins = critical_wins(members, nonmembers, level)
    if wins is None:
        return 1.0

    def surplus(gap: float) -> float:
        return auc_power(gap, members, nonmembers, wins) - POWER

    if surplus(_WIDEST) < 0:
        return 1.0
    gap = float(root_scalar(surplus, bracket=(0.0, _WIDEST), method="brentq", xtol=1e-9).root)
    return float(norm.cdf(gap / math.sqrt(2)))


def critical_wins(members: int, nonmembers: int, level: float) -> int | None:
    """Return the fewest pairs won by the member at which chance is rejected, one-sided; None where even all pairs do not reject it."""
    pairs = members * nonmembers
    if pairs <= _MOST_EXACT:
        tail = upper_tail(members, nonmembers)
        rejects = np.flatnonzero(tail <= level)
        return int(rejects[0]) if rejects.size else None
    spread = math.sqrt(pairs * (members + nonmembers + 1) / 12)
    return min(pairs, math.ceil(pairs / 2 + 0.5 + float(norm.isf(level)) * spread))


def auc_power(gap: float, members: int, nonmembers: int, wins: int) -> float:
    """Return how often members, Gaussians `gap` deviations above non-members, win so many pairs or more."""
    pairs = members * nonmembers
    area = float(norm.cdf(gap / math.sqrt(2)))
    twice = area - 2 * float(owens_t(gap / math.sqrt(2), 1 / math.sqrt(3)))  # P(two members beat one non-member), correlation 1/2
    variance = (area * (1 - area) + (members + nonmembers - 2) * (twice - area**2)) / pairs
    if variance <= 0:
        return 1.0
    size = area * (1 - area) / variance - 1
    return float(beta.sf((wins - 0.5) / pairs, area * size, (1 - area) * size)) if size > 0 else area


def smallest_tpr(members: int, nonmembers: int, fpr: float, critical: float) -> float:
    """Return the smallest TPR at this FPR that the joint test of all looks tells from chance with 80 % power; 1 where it tells none.

    critical  standard deviations (of the TPR's angle, as `looks` has it) at which that test rejects
    """
    allowed = allowed_false_positives(nonmembers, fpr)
    hits = critical_hits(members, nonmembers, allowed, critical)
    if hits is None:
        return 1.0
    at = beta.ppf((np.arange(_NODES) + 0.5) / _NODES, allowed + 1, nonmembers - allowed)  # true FPRs of the estimated threshold

    def surplus(gap: float) -> float:
        return float(binom.sf(hits - 1, members, norm.sf(norm.isf(at) - gap)).mean()) - POWER

    if surplus(_WIDEST) < 0:
        return 1.0
    gap = float(root_scalar(surplus, bracket=(0.0, _WIDEST), method="brentq", xtol=1e-9).root) if surplus(0.0) < 0 else 0.0
    return float(norm.sf(norm.isf(fpr) - gap))


def critical_hits(members: int, nonmembers: int, allowed: int, critical: float) -> int | None:
    """Return the fewest members above the threshold at which chance is rejected; None where even all of them do not reject it."""
    if allowed >= nonmembers:
        return None
    counts = np.arange(members + 1)
    chance = nhypergeom.pmf(counts, members + nonmembers, members, allowed + 1)
    angles = angle(counts / members, members)
    mean = float(chance @ angles)
    spread = math.sqrt(float(chance @ (angles - mean) ** 2))
    rejects = np.flatnonzero(angles - mean >= critical * spread)
    return int(rejects[0]) if rejects.size and spread > 0 else None
