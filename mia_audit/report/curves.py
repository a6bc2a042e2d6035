"""ROC curves from the record's arrays, ties exact: equal scores share one vertex."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.errors import RecordError
from mia_audit.record import Record
from mia_audit.types import Bools, Floats

FALSE_POSITIVES_NEEDED = 10  # a rate at fewer expected false positives is not resolved (docs/method.md, rule 4)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """An ROC curve: one vertex for each distinct score, from (0, 0) to (1, 1)."""

    fpr: Floats
    tpr: Floats

    def tpr_within(self, fpr: float) -> float:
        """Return the largest TPR of a threshold whose FPR is at most `fpr`."""
        return float(self.tpr[self.fpr <= fpr + 1e-12].max())

    def for_log_axes(self, lowest: float) -> "Curve":
        """Return the curve with points added between far vertices, where a straight line bends on log axes."""
        extra = np.geomspace(lowest, 1, 120)
        fpr = np.concatenate([self.fpr, extra])
        tpr = np.concatenate([self.tpr, np.interp(extra, self.fpr, self.tpr)])
        order = np.lexsort((tpr, fpr))
        return Curve(fpr=fpr[order], tpr=tpr[order])


def roc(scores: Floats, member: Bools) -> Curve:
    """Return the ROC curve of scores; larger means more likely a member."""
    thresholds = np.unique(scores)[::-1]
    return Curve(fpr=_share_at_least(scores[~member], thresholds), tpr=_share_at_least(scores[member], thresholds))


def thinned(scores: Floats, member: Bools, wanted: Floats) -> Curve:
    """Return points of the ROC curve near false positive rates, and its ends: every one is a point of the whole curve."""
    inside, others = np.sort(scores[member]), np.sort(scores[~member])
    ranks = np.unique(np.round((1 - wanted) * (others.size - 1)).astype(np.int64))
    surely = inside[np.searchsorted(inside, others[-1], side="right") :][:1]  # all whom no other reaches
    thresholds = np.unique(np.concatenate([surely, others[ranks], [min(inside[0], others[0])]]))[::-1]
    return Curve(fpr=_share_at_least(others, thresholds), tpr=_share_at_least(inside, thresholds))


def audited_membership(record: Record) -> Bools:
    """Return which audited examples the target was trained on."""
    row: Bools = _array(record, "membership")[0][_array(record, "audited")]
    return row


def scores(record: Record, attack: str) -> Floats:
    """Return an attack's scores of the audited examples."""
    found: Floats = np.asarray(_array(record, f"scores/{attack}"), dtype=np.float64)
    return found


def resolution_limit(record: Record) -> float:
    """Return the smallest FPR with enough expected false positives to be measured."""
    return min(1.0, FALSE_POSITIVES_NEEDED / max(1, record.summary.counts.audited_nonmembers))


def _array(record: Record, name: str) -> npt.NDArray[Any]:
    if name not in record.arrays:
        raise RecordError(f"{record.name}: a report needs the array {name!r}, which the record lacks; run the audit again")
    return record.arrays[name]


def _share_at_least(values: Floats, thresholds: Floats) -> Floats:
    ranked = np.sort(values)
    above = values.size - np.searchsorted(ranked, thresholds, side="left")
    share: Floats = np.concatenate([[0.0], above / max(1, values.size)])
    return share
