"""Parts of the audited examples: classes, groups, whatever column the reader names. Corrected for how many there are.

Each slice has its AUC with an interval at Bonferroni's level, so that all intervals hold jointly at 95 %; and the p of "here it is a
coin", corrected by Holm over all slices. A slice with too few members or non-members is not resolved: it has no number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from mia_audit.errors import EvidenceError
from mia_audit.statistics.delong import auc_interval, delong
from mia_audit.statistics.interval import LEVEL, Interval
from mia_audit.statistics.nulltest import holm, mann_whitney_p
from mia_audit.types import Bools, Floats, Ints

FEWEST = 10
"""Members, and non-members, that a slice needs."""


@dataclass(frozen=True, kw_only=True)
class Slice:
    """One part: how many of each, and where it is resolved its AUC, p and corrected p."""

    name: str
    members: int
    nonmembers: int
    auc: Interval | None
    p: float
    p_holm: float


def slices(scores: Floats, member: Bools, groups: Ints, names: Mapping[int, str]) -> tuple[Slice, ...]:
    """Return a slice for every group named; groups [examples] holds each example's group."""
    if groups.shape != scores.shape:
        raise EvidenceError(f"slices need one group for each of {scores.size} examples, got {groups.shape}; give equal vectors")
    parts = {group: groups == group for group in names}
    counts = {group: (int(member[here].sum()), int((~member[here]).sum())) for group, here in parts.items()}
    known = [group for group in names if min(counts[group]) >= FEWEST]
    level = 1 - (1 - LEVEL) / max(1, len(known))
    p = {group: mann_whitney_p(scores[parts[group]], member[parts[group]]) for group in known}
    joint = dict(zip(known, holm([p[group] for group in known]), strict=True)) if known else {}
    return tuple(
        Slice(
            name=name,
            members=counts[group][0],
            nonmembers=counts[group][1],
            auc=auc_interval(scores[parts[group]], member[parts[group]], level) if group in p else None,
            p=p.get(group, 1.0),
            p_holm=joint.get(group, 1.0),
        )
        for group, name in names.items()
    )


def differ(scores: Floats, member: Bools, groups: Ints) -> float:
    """Return the p of "all resolved slices leak alike": the spread of their AUCs against DeLong's variances, chi-squared."""
    found = [
        delong(scores[groups == group], member[groups == group])
        for group in np.unique(groups)
        if min(int(member[groups == group].sum()), int((~member[groups == group]).sum())) >= FEWEST
    ]
    found = [(area, variance) for area, variance in found if variance > 0]
    if len(found) < 2:
        return 1.0
    areas, weights = np.array([area for area, _ in found]), np.array([1 / variance for _, variance in found])
    spread = float((weights * (areas - np.average(areas, weights=weights)) ** 2).sum())
    return float(chi2.sf(spread, len(found) - 1))
