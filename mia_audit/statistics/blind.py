"""Do members differ from non-members by themselves? A classifier that never sees a model must not tell them apart.

Where it can, an attack's success may be the split's and not the network's: members = train set, other transforms, other years ("blind
baselines": Das, Zhang and Tramer, arXiv:2406.16201v2). Two classifiers, a straight line and boosted trees, on inputs and label,
scored on examples that they were not fitted on; their joint one-sided p is Bonferroni's.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from mia_audit.errors import EvidenceError
from mia_audit.statistics.nulltest import mann_whitney_p
from mia_audit.statistics.roc import auc
from mia_audit.types import Bools, Floats, Ints

FOLDS = 4
MOST_EXAMPLES = 4_000
MOST_FEATURES = 64


@dataclass(frozen=True, kw_only=True)
class Blind:
    """The better of the two classifiers: its AUC, and the p of "members differ in nothing", corrected for there being two."""

    auc: float
    p: float


def blind(features: Floats, labels: Ints, member: Bools, rng: np.random.Generator) -> Blind:
    """Try to tell members from their inputs [examples, values] and labels alone."""
    if len(features) != member.size or labels.size != member.size:
        raise EvidenceError(f"a blind classifier needs inputs and labels of {member.size} examples, got {len(features)} and {labels.size}")
    if min(int(member.sum()), int((~member).sum())) < 2 * FOLDS:
        raise EvidenceError(f"a blind classifier needs {2 * FOLDS} members and as many non-members; audit more examples")
    rows = rng.permutation(member.size)[:MOST_EXAMPLES]
    table = np.column_stack([_few(features[rows], rng), labels[rows][:, None] == np.unique(labels)]).astype(np.float64)
    truth = member[rows]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=int(rng.integers(2**31)))
    straight = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    trees = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=8, early_stopping=False, random_state=0)  # pyright: ignore[reportArgumentType]
    scores = [np.empty(truth.size) for _ in range(2)]
    with threadpool_limits(limits=1):  # the same sums on every machine, and no threads that wait for each other
        for fit, held_out in folds.split(table, truth):
            for classifier, found in zip((straight, trees), scores, strict=True):
                classifier.fit(table[fit], truth[fit])
                found[held_out] = _centred(classifier.decision_function(table[held_out]))
    areas = [auc(found, truth) for found in scores]
    p = [mann_whitney_p(found, truth) / 2 if area > 0.5 else 1.0 for found, area in zip(scores, areas, strict=True)]
    return Blind(auc=max(areas), p=min(1.0, 2 * min(p)))


def _few(features: Floats, rng: np.random.Generator) -> Floats:
    """Return the features, or so many random sums of them where there are more."""
    if features.shape[1] <= MOST_FEATURES:
        return features
    sums: Floats = features @ rng.normal(size=(features.shape[1], MOST_FEATURES)).astype(features.dtype)
    return sums


def _centred(scores: Floats) -> Floats:
    """Return scores less their mean: folds have different offsets, which would otherwise tell a fold's share of members."""
    centred: Floats = scores - scores.mean()
    return centred
