"""The true positive rate at a false positive rate, where the threshold is estimated from the same scores.

A stratified bootstrap: members and non-members are redrawn apart, and the threshold is estimated anew each time. It is
drawn exactly, and in no time, without redrawing a single score: the (k + 1)-th largest of n redrawn non-members is the J-th
largest of the originals with J = ceil(n B), B ~ Beta(k + 1, n - k); of m redrawn members, Binomial(m, share above it) lie above.
Ties change nothing, since only the value at rank J is used.

Where fewer than ten false positives are expected, no value is given: only an upper limit, which is the upper end at the
smallest FPR that is resolved (10 / n). It holds because a ROC curve never falls.
"""

import numpy as np

from mia_audit.statistics.interval import LEVEL, Interval
from mia_audit.statistics.proportions import Share, accuracy
from mia_audit.statistics.roc import allowed_false_positives, counts_above, split, tpr_at_fpr
from mia_audit.types import Bools, Floats

FEWEST_FALSE_POSITIVES = 10
"""Expected false positives below which a TPR is not shown as a value."""

DRAWS = 2_000


def resolved(fpr: float, nonmembers: int) -> bool:
    """Say whether so many non-members resolve an FPR: whether ten false positives or more are expected."""
    return fpr * nonmembers >= FEWEST_FALSE_POSITIVES - 1e-9


def tpr_interval(scores: Floats, member: Bools, fpr: float, rng: np.random.Generator) -> Interval:
    """Return the TPR at one FPR with its 95 % interval, or an upper limit alone where the FPR is not resolved."""
    split(scores, member)  # refuses what has no curve
    nonmembers = int((~member).sum())
    if resolved(fpr, nonmembers):
        low, high = _ends(scores, member, fpr, rng)
        return Interval(value=tpr_at_fpr(scores, member, fpr), low=low, high=high, method="stratified bootstrap, threshold drawn anew")
    limit = FEWEST_FALSE_POSITIVES / nonmembers
    high = _ends(scores, member, limit, rng)[1] if limit < 1 else 1.0
    method = f"upper limit: fewer than {FEWEST_FALSE_POSITIVES} false positives expected"
    return Interval(value=None, low=0.0, high=high, method=method)


def bootstrap(scores: Floats, member: Bools, fpr: float, draws: int, rng: np.random.Generator) -> Floats:
    """Return the TPR of so many stratified bootstrap samples, each at its own threshold; shape (draws,)."""
    members, others = split(scores, member)
    allowed = allowed_false_positives(others.size, fpr)
    if allowed >= others.size:
        return np.ones(draws)
    rank = np.ceil(others.size * rng.beta(allowed + 1, others.size - allowed, size=draws)).astype(np.int64).clip(1, others.size)
    above = counts_above(members, np.sort(others)[others.size - rank])
    return rng.binomial(members.size, above / members.size) / members.size


def _ends(scores: Floats, member: Bools, fpr: float, rng: np.random.Generator) -> tuple[float, float]:
    """Return the percentile ends, at least as wide as if the threshold were known: never a point where every draw agrees."""
    low, high = np.quantile(bootstrap(scores, member, fpr, DRAWS, rng), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    total = int(member.sum())
    known = accuracy(Share(hits=round(tpr_at_fpr(scores, member, fpr) * total), total=total))
    return min(float(low), known.low), max(float(high), known.high)
