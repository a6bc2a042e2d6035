"""Likelihood-ratio attack (LiRA) on several queries at once: one multivariate Gaussian a side.

Carlini et al., "Membership Inference Attacks From First Principles", IEEE S&P 2022, arXiv:2112.03570v2, section V-C and VI-C:
the example is asked about as the training saw it (flips and shifts, or a spiking network's random encodings), and the vector of
phi is weighed.

Departs from the paper: the covariance of a side is pooled over examples, and its smallest eigenvalues are held up by a ridge, so
that equal queries count once instead of failing.
"""

from dataclasses import dataclass

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.gaussians import vector_log_ratio
from mia_audit.attacks.observables import phi
from mia_audit.attacks.ranges import Share
from mia_audit.types import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class MultiQueryLiRA(Attack):
    """Weigh "trained on x" against "not trained on x", one Gaussian over all queries each.

    ridge  share of the mean variance that is added to every query's variance
    """

    name = "lira-queries"
    shadows_per_side = 2
    needs = frozenset({"shadows", "queries"})
    ridge: Share = 0.001

    def _score(self, seen: Evidence) -> Floats:
        """Return log Lambda, [examples]; larger means more likely a member."""
        target: Floats = phi(seen.target, seen.labels)
        shadow = np.stack([phi(logits, seen.labels) for logits in seen.shadows])
        return vector_log_ratio(target, shadow, seen.trained_on, self.ridge)
