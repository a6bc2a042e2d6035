"""Parts of the audited examples: classes, groups, whatever column the reader names. Corrected for how many there are.

Each slice has its AUC with an interval at Bonferroni's level, so that all intervals hold jointly at 95 %; and the p of "here it is a
coin", corrected by Holm over all slices. A slice with too few members or non-members is not resolved: it has no number.
"""

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """A way to part examples: what it goes by, each example's group, and the groups' names."""

    by: str
    groups: Ints
    names: Mapping[int, str]


def slices(scores: Floats, member: Bools, groups: Ints, names: Mapping[int, str]) -> tuple[Slice, ...]:
    """Return a slice for every group named; groups [examples] holds each example's group."""
    return all_slices(scores, member, [Grouping(by="", groups=groups, names=names)])[0]


def all_slices(scores: Floats, member: Bools, groupings: Sequence[Grouping]) -> tuple[tuple[Slice, ...], ...]:
    """Return the slices of every grouping, corrected for all of them together."""
    parts = [(grouping, group) for grouping in groupings for group in grouping.names]
    for grouping in groupings:
        if grouping.groups.shape != scores.shape:
            raise EvidenceError(
                f"slices need one group for each of {scores.size} examples, got {grouping.groups.shape}; give equal vectors"
            )
    masks = [grouping.groups == group for grouping, group in parts]
    known = [number for number, here in enumerate(masks) if min(member[here].sum(), (~member[here]).sum()) >= FEWEST]
    level = 1 - (1 - LEVEL) / max(1, len(known))
    p = {number: mann_whitney_p(scores[masks[number]], member[masks[number]]) for number in known}
    joint = dict(zip(known, holm(list(p.values())), strict=True)) if known else {}

    def one(number: int) -> Slice:
        grouping, group = parts[number]
        here = masks[number]
        return Slice(
            name=grouping.names[group],
            members=int(member[here].sum()),
            nonmembers=int((~member[here]).sum()),
            auc=auc_interval(scores[here], member[here], level) if number in p else None,
            p=p.get(number, 1.0),
            p_holm=joint.get(number, 1.0),
        )

    every = [one(number) for number in range(len(parts))]
    return tuple(tuple(part for part, (owner, _) in zip(every, parts, strict=True) if owner is grouping) for grouping in groupings)


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
