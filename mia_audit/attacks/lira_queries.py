"""Likelihood-ratio attack (LiRA) on several queries at once: one multivariate Gaussian a side.

Carlini et al., "Membership Inference Attacks From First Principles", IEEE S&P 2022, arXiv:2112.03570v2, section V-C and VI-C:
the example is asked about as the training saw it (flips and shifts, or a spiking network's random encodings), and the vector of
phi is weighed.

Departs from the paper: the covariance of a side is pooled over examples, and its smallest eigenvalues are held up by a ridge, so
that equal queries count once instead of failing.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia_audit.attacks.budget import require_needs, require_shadows
from mia_audit.attacks.gaussians import vector_log_ratio
from mia_audit.attacks.observables import phi
from mia_audit.errors import RecipeError
from mia_audit.types import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class MultiQueryLiRA:
    """Weigh "trained on x" against "not trained on x", one Gaussian over all queries each.

    ridge  share of the mean variance that is added to every query's variance
    """

    name: ClassVar[str] = "lira-queries"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "queries"})
    ridge: float = 0.001

    def __post_init__(self) -> None:
        if not 0 <= self.ridge <= 1:
            raise RecipeError(f"{self.name}: ridge needs 0 to 1, got {self.ridge}; 0.001 is the default")

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        target: Floats = phi(seen.target, seen.labels)
        shadow = np.stack([phi(logits, seen.labels) for logits in seen.shadows])
        return vector_log_ratio(target, shadow, seen.trained_on, self.ridge)
