"""What more shadow models would buy: the headline attack on the target, with a quarter, a half and all of those at hand.

Nothing is trained for it. All counts are measured on the examples that the fewest suffice to judge, so that only the number of shadow
models differs between them; the shadow models' own membership decides who these are, never the target's.
"""

import numpy as np

from mia_audit.attacks import Attack
from mia_audit.attacks.budget import JUDGED_AT_LEAST, judged
from mia_audit.audit.attacking.measuring import FPRS, estimate
from mia_audit.record import Estimate, Grown, Growth, RateAtFPR
from mia_audit.statistics.delong import auc_interval
from mia_audit.statistics.paired_auc import auc_difference
from mia_audit.statistics.rates import tpr_interval
from mia_audit.streams import stream
from mia_audit.types import Bools, Evidence, Floats

PARTS = (4, 2)
"""The subsets: a quarter of the shadow models, and a half."""


def growth(attack: Attack, target: Evidence, scores: Floats, member: Bools, *, seed: int) -> Growth | None:
    """Return AUC and TPR by shadow models, from the attack's scores [examples] with all of them; membership is [examples] too.

    None where the attack uses no shadow models, or where half of them cannot judge nine examples in ten, or score alike.
    """
    if "shadows" not in attack.needs:
        return None
    total = len(target.shadows)
    masks = {total // part: _can(attack, target, total // part) for part in PARTS}
    counts = [count for count, can in masks.items() if can.mean() >= JUDGED_AT_LEAST]
    if not counts:
        return None
    can = masks[counts[0]]
    truth = member[can]
    if truth.all() or not truth.any():
        return None
    fewer = [attack.score(target.with_shadows(np.arange(count)).only(can)) for count in counts]
    each = [*fewer, scores[can]]
    doubling = auc_difference(each[-1], each[-2], truth)
    if doubling is None:
        return None
    return Growth(
        examples=int(can.sum()),
        points=tuple(_point(count, found, truth, seed) for count, found in zip((*counts, total), each, strict=True)),
        doubling=estimate(doubling[0]),
    )


def _can(attack: Attack, target: Evidence, count: int) -> Bools:
    """Return whom the first so many shadow models can judge, one a side at least: they were dealt at random."""
    return judged(target.trained_on[:count], max(1, attack.shadows_per_side))


def _point(count: int, scores: Floats, member: Bools, seed: int) -> Grown:
    fpr = FPRS[1]
    rate: Estimate = estimate(tpr_interval(scores, member, fpr, stream(seed, "growth")))
    return Grown(
        shadows=count,
        auc=estimate(auc_interval(scores, member)),
        tpr=RateAtFPR(fpr=fpr, tpr=rate, expected_false_positives=fpr * int((~member).sum())),
    )
