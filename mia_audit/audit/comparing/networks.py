"""Single networks compared: two targets that were asked about the same examples, dealt by the same coins.

It tells which of two networks leaks more to one attack, and nothing of their kinds: another training of either may turn it round.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from mia_audit.audit.attacking.measuring import estimate
from mia_audit.audit.comparing.replicates import design
from mia_audit.data.design import TARGET
from mia_audit.record import Record
from mia_audit.record.compared import NetworkComparison
from mia_audit.statistics.nulltest import holm
from mia_audit.statistics.paired_auc import auc_difference
from mia_audit.types import Floats, Ints


def compared(records: Sequence[Record], measure: str) -> tuple[NetworkComparison, ...]:
    """Return the comparison of every two networks of one design whose difference can be judged, p corrected over all of them (Holm)."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(design(record), []).append(record)
    pairs = [pair for group in groups.values() for pair in itertools.combinations(group, 2)]
    found = [one for pair in pairs if (one := _compared(pair, measure)) is not None]
    joint = holm([one.p for one in found]) if found else ()
    return tuple(one.model_copy(update={"p_holm": p}) for one, p in zip(found, joint, strict=True))


def _compared(pair: tuple[Record, Record], measure: str) -> NetworkComparison | None:
    first, second = pair
    both: Ints = np.intersect1d(first.arrays["audited"], second.arrays["audited"])
    member = first.arrays["membership"][TARGET, both]
    if not 0 < member.sum() < member.size:
        return None
    found = auc_difference(_scores(first, measure, both), _scores(second, measure, both), member)
    if found is None:
        return None
    difference, p = found
    return NetworkComparison(first=first.id, second=second.id, measure=measure, difference=estimate(difference), p=p, p_holm=p)


def _scores(record: Record, measure: str, both: Ints) -> Floats:
    """Return an attack's scores on places of the pool that both audits could judge."""
    scores: Floats = record.arrays[f"scores/{measure}"][np.isin(record.arrays["audited"], both)]
    return scores
