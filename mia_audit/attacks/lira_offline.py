"""Offline likelihood-ratio attack (LiRA): only models that were not trained on the example.

Carlini et al., "Membership Inference Attacks From First Principles", IEEE S&P 2022, arXiv:2112.03570v2, section V-D: the score
is the one-sided p-value 1 - Pr[N(mu_out, sigma_out^2) > phi]. The attacker trains shadow models once, before knowing whom to
ask about.

Departs from the paper: the score is the Gaussian's z-value, of which the p-value is a monotone function that saturates; sigma is
unbiased, pooled over examples by default and never below a floor; several queries are averaged.
"""

from dataclasses import dataclass

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.gaussians import SMALLEST_SIGMA, moments
from mia_audit.attacks.observables import each_model, phi
from mia_audit.attacks.ranges import Share
from mia_audit.types import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class OfflineLiRA(Attack):
    """How many standard deviations the target's phi lies above that of models without the example.

    pool_variance  share one sigma over all examples; steadier when shadow models are few
    sigma_floor    a per-example sigma is at least this share of the pooled one
    """

    name = "lira-offline"
    shadows_per_side = 1
    offline = True
    needs = frozenset({"shadows"})
    pool_variance: bool = True
    sigma_floor: Share = 0.1

    def _score(self, seen: Evidence) -> Floats:
        """Return (phi - mu_out) / sigma_out, [examples]; larger means more likely a member."""
        without = moments(each_model(phi, seen.shadows, seen.labels), ~seen.trained_on)
        pooled = without.pooled
        sigma = np.full_like(without.mean, pooled) if self.pool_variance else without.sigma
        target: Floats = phi(seen.target, seen.labels).mean(axis=0)
        z: Floats = (target - without.mean) / np.maximum(sigma, max(self.sigma_floor * pooled, SMALLEST_SIGMA))
        return z
