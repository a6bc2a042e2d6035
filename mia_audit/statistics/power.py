"""What an audit of this size could have seen: the smallest leak told from chance with 80 % power, one-sided 5 %.

The AUC of a coin varies by (m + n + 1) / (12 m n); the TPR of a coin at an estimated threshold by fpr (1 - fpr)
(1/m + 1/n): once for the members above it, once for the threshold. Away from chance the TPR's variance is that of two unit
Gaussians apart.
"""

import math

from scipy.optimize import root_scalar
from scipy.stats import norm

from mia_audit.statistics.rates import FEWEST_FALSE_POSITIVES

_REJECT = float(norm.ppf(0.95))
_POWER = float(norm.ppf(0.80))


def smallest_auc(members: int, nonmembers: int) -> float:
    """Return the smallest AUC told from 1/2; 1 where no AUC could be."""
    spread = math.sqrt((members + nonmembers + 1) / (12 * members * nonmembers))
    return min(1.0, 0.5 + (_REJECT + _POWER) * spread)


def smallest_tpr(members: int, nonmembers: int, fpr: float) -> float:
    """Return the smallest TPR at this FPR told from chance (TPR = FPR); 1 where no TPR could be."""
    limit = fpr + _REJECT * math.sqrt(fpr * (1 - fpr) * (1 / members + 1 / nonmembers))

    def surplus(tpr: float) -> float:
        return tpr - _POWER * _tpr_spread(tpr, fpr, members, nonmembers) - limit

    almost_one = 1 - 1e-12
    if limit >= 1 or surplus(almost_one) <= 0:
        return 1.0
    return float(root_scalar(surplus, bracket=(limit, almost_one), method="brentq").root)


def smallest_resolved_fpr(nonmembers: int) -> float:
    """Return the smallest FPR at which a TPR is shown as a value; 1 where none is."""
    return min(1.0, FEWEST_FALSE_POSITIVES / nonmembers)


def _tpr_spread(tpr: float, fpr: float, members: int, nonmembers: int) -> float:
    slope = math.exp((norm.ppf(fpr) ** 2 - norm.ppf(tpr) ** 2) / 2)
    return math.sqrt(tpr * (1 - tpr) / members + slope**2 * fpr * (1 - fpr) / nonmembers)
