"""Modified entropy with a threshold for each class.

Song and Mittal, "Systematic Evaluation of Privacy Risks of Machine Learning Models", USENIX Security 2021, arXiv:2003.10595v2,
section 4.1: x is called a member where Mentr(F(x), y) <= tau_y; the thresholds tau_y come from shadow models.

Departs from the paper: the score is log tau_y - log Mentr, 0 or more exactly where the paper calls x a member; a class with too
few shadow rows takes the threshold of all classes together; several queries are averaged.
"""

from dataclasses import dataclass

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.observables import each_model, log_modified_entropy, log_over_queries
from mia_audit.types import Bools, Evidence, Floats

FEWEST_ROWS = 20
"""Rows of members, and of non-members, that a class needs for a threshold of its own."""


@dataclass(frozen=True, kw_only=True)
class ModifiedEntropyByClass(Attack):
    """Members' predictions have a smaller modified entropy than their class's threshold."""

    name = "modified-entropy-class"
    shadows_per_side = 1
    needs = frozenset({"shadows"})

    def _score(self, seen: Evidence) -> Floats:
        """Return log tau_y - log Mentr, [examples]; larger means more likely a member."""
        surely = -log_over_queries(log_modified_entropy(seen.target, seen.labels))
        shadow = -each_model(log_modified_entropy, seen.shadows, seen.labels, logs=True)
        common = best_cut(shadow.ravel(), seen.trained_on.ravel())
        bars = np.full(seen.classes, common)
        for label in np.unique(seen.labels):
            rows, member = shadow[:, seen.labels == label].ravel(), seen.trained_on[:, seen.labels == label].ravel()
            if min(member.sum(), (~member).sum()) >= FEWEST_ROWS:
                bars[label] = best_cut(rows, member)
        score: Floats = surely - bars[seen.labels]
        return score


def best_cut(values: Floats, member: Bools) -> float:
    """Return the value from which calling "member" gives the largest TPR - FPR; the lowest of equally good ones."""
    order = np.argsort(-values, kind="stable")
    falling, hits = values[order], member[order]
    advantage = np.cumsum(hits) / max(1, hits.sum()) - np.cumsum(~hits) / max(1, (~hits).sum())
    ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], [True]))  # a cut may not divide equal values
    at = ends[::-1][np.argmax(advantage[ends][::-1])]
    return float(falling[at])
