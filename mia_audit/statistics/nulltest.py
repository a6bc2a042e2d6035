"""Is this attack a coin? The test that a phantom target must pass, and its correction for many attacks.

Mann and Whitney (1947), two-sided, normal approximation with tie and continuity corrections; Holm, Scandinavian Journal of
Statistics 6 (1979) 65-70.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm, rankdata
from scipy.stats import t as student

from mia_audit.statistics.roc import split
from mia_audit.types import Bools, Floats


def mann_whitney_p(scores: Floats, member: Bools) -> float:
    """Return the two-sided p of "members and non-members score alike"; 1 when all scores are equal."""
    members, others = split(scores, member)
    m, n = members.size, others.size
    ranks = rankdata(np.concatenate([members, others]))
    wins = ranks[:m].sum() - m * (m + 1) / 2
    _, ties = np.unique(scores, return_counts=True)
    total = m + n
    tied = float((ties.astype(np.float64) ** 3 - ties).sum()) / (total * (total - 1))
    variance = m * n / 12 * (total + 1 - tied)
    if variance <= 0:
        return 1.0
    distance = max(0.0, abs(float(wins) - m * n / 2) - 0.5)
    return min(1.0, 2 * float(norm.sf(distance / math.sqrt(variance))))


def one_more_p(value: float, others: Floats, least: float) -> float:
    """Return the two-sided p of "this value is one more of those": Student's t for a new observation.

    least  added to their spread (as variances add), so that others that are all equal make no other value impossible
    """
    spread = math.hypot(float(others.std(ddof=1)), least)
    distance = abs(value - float(others.mean())) / (spread * math.sqrt(1 + 1 / others.size))
    return 2 * float(student.sf(distance, others.size - 1))


def angle(share: Floats, of: int) -> Floats:
    """Return the angle of a share of so many, whose variance hardly depends on the share: shares near 1 are skewed, angles are not.

    Anscombe, "The transformation of Poisson, binomial and negative-binomial data", Biometrika 35 (1948):
    arcsin sqrt((x + 3/8) / (n + 3/4)).
    """
    turned: Floats = np.arcsin(np.sqrt((np.asarray(share) * of + 0.375) / (of + 0.75)))
    return turned


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return Holm's adjusted p-values, in the order given: reject those below 5 % and at most 5 % of audits err once or more."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(1.0, steps)
    return tuple(float(value) for value in adjusted)
