"""The receiver operating characteristic, exact with ties.

A score is larger for likelier members. An example is called a member when its score lies *above* a threshold. The curve
equals scikit-learn's `roc_curve(drop_intermediate=False)` and the area its `roc_auc_score`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from mia_audit.errors import EvidenceError
from mia_audit.types import Bools, Floats


@dataclass(frozen=True, kw_only=True)
class Roc:
    """The curve from (0, 0) to (1, 1), one point a distinct score; at point i all scores >= thresholds[i] are called members."""

    fpr: Floats
    tpr: Floats
    thresholds: Floats


def roc(scores: Floats, member: Bools) -> Roc:
    """Return the whole curve; a block of tied scores is one step, never a corner inside the block."""
    members, others = split(scores, member)
    values = np.unique(scores)[::-1]
    return Roc(
        fpr=np.concatenate([[0.0], counts_from(others, values) / others.size]),
        tpr=np.concatenate([[0.0], counts_from(members, values) / members.size]),
        thresholds=np.concatenate([[np.inf], values]),
    )


def auc(scores: Floats, member: Bools) -> float:
    """Return the area under the curve: P(member's score > non-member's) + P(equal) / 2, by mid-ranks."""
    members, others = split(scores, member)
    ranks = rankdata(np.concatenate([members, others]))
    wins = ranks[: members.size].sum() - members.size * (members.size + 1) / 2
    return float(wins / (members.size * others.size))


def tpr_at_fpr(scores: Floats, member: Bools, fpr: float) -> float:
    """Return the largest TPR reached at a real threshold whose FPR is at most `fpr`; nothing is interpolated."""
    members, others = split(scores, member)
    allowed = allowed_false_positives(others.size, fpr)
    if allowed >= others.size:
        return 1.0
    threshold = np.partition(others, others.size - 1 - allowed)[others.size - 1 - allowed]
    return float(np.mean(members > threshold))


def best_threshold(scores: Floats, member: Bools) -> float:
    """Return the threshold of the largest balanced accuracy; scores above it are called members.

    It lies midway between two scores, so that it carries over to other data; where no threshold beats a coin it is the
    largest score, above which nobody is called a member. Of equally good ones the highest is taken.
    """
    curve = roc(scores, member)
    best = int(np.argmax(curve.tpr - curve.fpr))
    upper, lower = curve.thresholds[best : best + 2]
    middle = lower + (upper - lower) / 2  # infinite where nobody is called a member
    return float(middle if middle < upper else lower)


def split(scores: Floats, member: Bools) -> tuple[Floats, Floats]:
    """Return members' and non-members' scores as float64; EvidenceError where no curve exists."""
    if scores.shape != member.shape or scores.ndim != 1 or member.dtype != np.bool_:
        raise EvidenceError(
            f"a curve needs one score and one bool per example, got {scores.shape} and {member.dtype} {member.shape}; give equal vectors"
        )
    if not np.isfinite(scores).all():
        raise EvidenceError(f"a curve needs finite scores, got {int((~np.isfinite(scores)).sum())} NaN or infinite; mend the attack")
    if member.all() or not member.any():
        raise EvidenceError(
            f"a curve needs members and non-members, got {int(member.sum())} members of {member.size} examples; audit both kinds"
        )
    values = scores.astype(np.float64)
    return values[member], values[~member]


def counts_from(scores: Floats, values: Floats) -> Floats:
    """Return for each value how many scores are at least as large."""
    return (scores.size - np.searchsorted(np.sort(scores), values, side="left")).astype(np.float64)


def counts_above(scores: Floats, values: Floats) -> Floats:
    """Return for each value how many scores are strictly larger."""
    return (scores.size - np.searchsorted(np.sort(scores), values, side="right")).astype(np.float64)


def allowed_false_positives(nonmembers: int, fpr: float) -> int:
    """Return how many false positives a rate allows; 0.1 % of 3,000 is 3 although 0.001 * 3000 may fall short of it."""
    return int(np.floor(fpr * nonmembers * (1 + 1e-12) + 1e-12))
