"""Do members differ from non-members by themselves? A classifier that never sees a model must not tell them apart.

Where it can, an attack's success may be the split's and not the network's: members = train set, other transforms, other years ("blind
baselines": Das, Zhang and Tramer, arXiv:2406.16201v2). Two tests on inputs and label, corrected for there being two (Bonferroni):

line   how much of the coins a ridge regression explains, against how much it explains of permuted coins: exact, and uses all examples
trees  boosted trees, fitted on half of the members and non-members and judged on the other half by Mann and Whitney's test

Scores of cross-validation are no way to save the other half: they share training examples, which that test's variance leaves out
(2 to 6 times too many alarms at 1 %).
"""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from mia_audit.errors import EvidenceError
from mia_audit.statistics.nulltest import mann_whitney_p
from mia_audit.statistics.roc import auc
from mia_audit.types import Bools, Floats, Ints

FEWEST = 8
MOST_EXAMPLES = 4_000
MOST_FEATURES = 64
PERMUTATIONS = 1_999
RIDGE = 0.1
"""What directions of inputs are shrunk by, in variances of one value: hardly, unless they hardly vary."""


@dataclass(frozen=True, kw_only=True)
class Blind:
    """The better of a line's and the trees' AUC on the half that neither was fitted on, and the p of "members differ in nothing"."""

    auc: float
    p: float


def blind(features: Floats, labels: Ints, member: Bools, rng: np.random.Generator) -> Blind:
    """Try to tell members from their inputs [examples, values] and labels alone; rng draws the halves and the permutations."""
    if len(features) != member.size or labels.size != member.size:
        raise EvidenceError(f"a blind classifier needs inputs and labels of {member.size} examples, got {len(features)} and {labels.size}")
    if min(int(member.sum()), int((~member).sum())) < FEWEST:
        raise EvidenceError(f"a blind classifier needs {FEWEST} members and as many non-members; audit more examples")
    rows = rng.permutation(member.size)[:MOST_EXAMPLES]
    table = np.column_stack([_few(features[rows], rng), labels[rows][:, None] == np.unique(labels)]).astype(np.float64)
    truth = member[rows]
    fit = halves(truth, rng)
    straight = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    trees = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=8, early_stopping=False, random_state=0)  # pyright: ignore[reportArgumentType]
    with threadpool_limits(limits=1):  # the same sums on every machine, and no threads that wait for each other
        scores = [classifier.fit(table[fit], truth[fit]).decision_function(table[~fit]) for classifier in (straight, trees)]
        p_line = line_p(table, truth, rng)
    areas = [auc(found, truth[~fit]) for found in scores]
    p_trees = mann_whitney_p(scores[1], truth[~fit]) / 2 if areas[1] > 0.5 else 1.0
    return Blind(auc=max(areas), p=min(1.0, 2 * min(p_line, p_trees)))


def halves(member: Bools, rng: np.random.Generator) -> Bools:
    """Return which examples to fit on: half of the members and half of the non-members."""
    fit = np.zeros(member.size, dtype=np.bool_)
    for side in (np.flatnonzero(member), np.flatnonzero(~member)):
        fit[rng.permutation(side)[: side.size // 2]] = True
    return fit


def line_p(table: Floats, member: Bools, rng: np.random.Generator) -> float:
    """Return the permutation p of "a ridge regression on [examples, values] explains the coins as well as any other such coins"."""
    centred = table - table.mean(axis=0)
    spread = centred.std(axis=0)
    left, singular, _ = np.linalg.svd(centred[:, spread > 0] / spread[spread > 0], full_matrices=False)
    weights = singular**2 / (singular**2 + RIDGE * member.size)
    coins = rng.permuted(np.tile(member - member.mean(), (PERMUTATIONS, 1)), axis=1)
    explained = (weights * (np.vstack([member - member.mean(), coins]) @ left) ** 2).sum(axis=1)
    return float((explained >= explained[0] * (1 - 1e-9)).sum() / (PERMUTATIONS + 1))


def _few(features: Floats, rng: np.random.Generator) -> Floats:
    """Return the features, or so many random sums of them where there are more."""
    if features.shape[1] <= MOST_FEATURES:
        return features
    sums: Floats = features @ rng.normal(size=(features.shape[1], MOST_FEATURES)).astype(features.dtype)
    return sums
