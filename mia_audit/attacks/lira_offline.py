"""Offline likelihood-ratio attack (LiRA): only models that were not trained on the example.

Carlini et al., "Membership Inference Attacks From First Principles", IEEE S&P 2022, arXiv:2112.03570v2, section V-D: the score
is the one-sided p-value 1 - Pr[N(mu_out, sigma_out^2) > phi]. The attacker trains shadow models once, before knowing whom to
ask about.

Departs from the paper: the score is the Gaussian's z-value, of which the p-value is a monotone function that saturates; sigma is
unbiased, pooled over examples by default and never below a floor; several queries are averaged.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia_audit.attacks.budget import require_out
from mia_audit.attacks.gaussians import SMALLEST_SIGMA, moments
from mia_audit.attacks.observables import each_model, phi
from mia_audit.errors import RecipeError
from mia_audit.types import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class OfflineLiRA:
    """How many standard deviations the target's phi lies above that of models without the example.

    pool_variance  share one sigma over all examples; steadier when shadow models are few
    sigma_floor    a per-example sigma is at least this share of the pooled one
    """

    name: ClassVar[str] = "lira-offline"
    shadows_per_side: ClassVar[int] = 1
    needs: ClassVar[frozenset[str]] = frozenset({"shadows"})
    pool_variance: bool = True
    sigma_floor: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.sigma_floor <= 1:
            raise RecipeError(f"{self.name}: sigma_floor needs 0 to 1, got {self.sigma_floor}; 0.1 is the default")

    def score(self, seen: Evidence) -> Floats:
        """Return (phi - mu_out) / sigma_out, [examples]; larger means more likely a member."""
        require_out(seen, self)
        without = moments(each_model(phi, seen.shadows, seen.labels), ~seen.trained_on)
        pooled = without.pooled
        sigma = np.full_like(without.mean, pooled) if self.pool_variance else without.sigma
        target: Floats = phi(seen.target, seen.labels).mean(axis=0)
        z: Floats = (target - without.mean) / np.maximum(sigma, max(self.sigma_floor * pooled, SMALLEST_SIGMA))
        return z
