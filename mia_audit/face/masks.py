"""Whose members references were trained on: their own, drawn apart from the target's, or the claim that they do not know them falls."""

import numpy as np

from mia_audit.errors import EvidenceError
from mia_audit.types import Bools, Floats

SAME = 0.9
"""Correlation of two masks, either sign, above which they are one mask, or one and its opposite."""
SURPRISING = 5.0
"""Deviations of a correlation of two masks, were they drawn apart, above which one follows the other: one in 1.7 million."""


def correlations(member: Bools, trained_on: Bools) -> Floats:
    """Return the correlation (phi) of each reference's mask [models, examples] with the target's [examples]; 0 where one is constant."""
    own, rows = member - member.mean(dtype=np.float64), trained_on - trained_on.mean(axis=1, keepdims=True, dtype=np.float64)
    spread = np.sqrt((own**2).sum() * (rows**2).sum(axis=1))
    found: Floats = np.divide(rows @ own, spread, out=np.zeros(len(rows)), where=spread > 0)
    return found


def require_apart(member: Bools, trained_on: Bools) -> None:
    """Refuse references whose members are the target's, or whom it has left."""
    found = correlations(member, trained_on)
    number = int(np.abs(found).argmax()) if found.size else 0
    if not found.size or abs(found[number]) < SAME:
        return
    equal = float((trained_on[number] == member).mean())
    share = equal if found[number] > 0 else 1 - equal
    what = "the target's members" if found[number] > 0 else "the target's non-members"
    raise EvidenceError(
        f"references need members drawn apart from the target's, got reference {number} trained on {what} "
        f"({share:.0%} of {member.size} examples); train references on members of their own, drawn by coins, or leave it out"
    )


def following(member: Bools, trained_on: Bools) -> Bools:
    """Return which references' masks hang together with the target's, [models]: what they know of its members, their own told them."""
    follows: Bools = np.abs(correlations(member, trained_on)) * np.sqrt(member.size) > SURPRISING
    return follows
