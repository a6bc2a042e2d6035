"""Two AUCs on the same examples: their difference, which both errors share a part of.

DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837-845, for two correlated curves: the variance of the difference is that of
the differences of placements, members and non-members apart.
"""

import math

from scipy.stats import norm

from mia_audit.statistics.delong import placements
from mia_audit.statistics.interval import LEVEL, Interval
from mia_audit.types import Bools, Floats


def auc_difference(first: Floats, second: Floats, member: Bools) -> tuple[Interval, float] | None:
    """Return the first AUC minus the second with its interval, and the two-sided p of "no difference".

    Scores and membership are [A]. None where nothing tells how much the difference varies: both rank all examples alike, or a side has
    fewer than two.
    """
    one, other = placements(first, member), placements(second, member)
    if min(side.size for side in one) < 2:
        return None
    value = float(one[0].mean() - other[0].mean())
    variance = sum(float((mine - theirs).var(ddof=1)) / mine.size for mine, theirs in zip(one, other, strict=True))
    if not variance > 0:
        return None
    error = math.sqrt(variance)
    half = float(norm.ppf((1 + LEVEL) / 2)) * error
    interval = Interval(value=value, low=value - half, high=value + half, method="DeLong, two correlated curves")
    return interval, 2 * float(norm.sf(abs(value) / error))
