"""The interval of one AUC.

DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837-845, for the variance; Sun and Xu, IEEE Signal Processing
Letters 21 (2014) 1389-1393, for its computation from mid-ranks in O(n log n). The interval is taken on the logit scale, so
it stays within [0, 1]. Where the variance vanishes (AUC 0 or 1, all scores equal, one example on a side) it is Newcombe's
method 5, Statistics in Medicine 25 (2006) 559-573: the AUCs that a test with Hanley and McNeil's variance would not reject.
"""

import math
from collections.abc import Iterable

import numpy as np
from scipy.optimize import root_scalar
from scipy.stats import norm, rankdata

from mia_audit.statistics.interval import LEVEL, Interval
from mia_audit.statistics.roc import split
from mia_audit.types import Bools, Floats

_NEAR = 1e-12
"""Where the search for an end begins: at AUC 0 or 1 the AUC itself is a root, of zero width."""


def auc_interval(scores: Floats, member: Bools, level: float = LEVEL) -> Interval:
    """Return the AUC with its interval, which is never of zero width and never leaves [0, 1]."""
    area, variance = delong(scores, member)
    if variance > 0 and 0 < area < 1:
        half = _normal(level) * math.sqrt(variance) / (area * (1 - area))
        centre = math.log(area / (1 - area))
        return Interval(value=area, low=_expit(centre - half), high=_expit(centre + half), method="DeLong, logit scale")
    members = int(member.sum())
    low, high = newcombe(area, members, member.size - members, level)
    why = "all scores are equal, this attack told nothing apart" if np.ptp(scores) == 0 else "DeLong's variance vanishes"
    return Interval(value=area, low=low, high=high, method=f"Newcombe method 5: {why}")


def delong(scores: Floats, member: Bools) -> tuple[float, float]:
    """Return the AUC and DeLong's variance of it; 0 where one example on a side leaves nothing to estimate it from."""
    above, below = placements(scores, member)
    if min(above.size, below.size) < 2:
        return float(above.mean()), 0.0
    return float(above.mean()), float(above.var(ddof=1) / above.size + below.var(ddof=1) / below.size)


def below_p(each: Iterable[tuple[Floats, Bools]]) -> float:
    """Return the one-sided p of "members score no lower" over several independent scores and memberships, each AUC in its deviations."""
    found = [delong(scores, member) for scores, member in each]
    distance = [(area - 0.5) / math.sqrt(variance) for area, variance in found if variance > 0]
    return float(norm.cdf(sum(distance) / math.sqrt(len(distance)))) if distance else 1.0


def placements(scores: Floats, member: Bools) -> tuple[Floats, Floats]:
    """Return which share of non-members lies below each member, and of members above each non-member, ties half; both have mean AUC."""
    members, others = split(scores, member)
    ranks = rankdata(np.concatenate([members, others]))
    above = (ranks[: members.size] - rankdata(members)) / others.size
    return above, 1 - (ranks[members.size :] - rankdata(others)) / members.size


def newcombe(area: float, members: int, nonmembers: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the score interval of an AUC from its value and the two sample sizes alone."""

    def excess(theta: float) -> float:
        return (theta - area) ** 2 - _normal(level) ** 2 * _hanley_mcneil(theta, members, nonmembers)

    low = 0.0 if area == 0 else float(root_scalar(excess, bracket=(0.0, area - _NEAR), method="brentq").root)
    high = 1.0 if area == 1 else float(root_scalar(excess, bracket=(area + _NEAR, 1.0), method="brentq").root)
    return low, high


def _hanley_mcneil(theta: float, members: int, nonmembers: int) -> float:
    mean = (members + nonmembers) / 2 - 1
    return theta * (1 - theta) * (1 + mean * (1 - theta) / (2 - theta) + mean * theta / (1 + theta)) / (members * nonmembers)


def _normal(level: float) -> float:
    return float(norm.ppf((1 + level) / 2))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
