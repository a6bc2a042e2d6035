"""Attacks that compare the target with reference models that were not trained on the example.

Attack R: Ye et al., "Enhanced Membership Inference Attacks against Machine Learning Models", CCS 2022, arXiv:2111.09679v4: the
share of reference models whose loss on x is larger than the target's. Difficulty calibration: Watson et al., "On the Importance
of Difficulty Calibration in Membership Inference Attacks", ICLR 2022, arXiv:2111.08440v2: the target's score less its mean over
reference models.

Departs from the papers: attack R has only k + 1 levels with k reference models, which leaves no low false positive rate to look
at; within a level, examples are ordered by how far the target's phi lies above the reference models' mean. Queries are averaged.
"""

from dataclasses import dataclass

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.gaussians import log_mean, moments
from mia_audit.attacks.nearly_one import difference, spread
from mia_audit.attacks.observables import each_model, log_loss, log_over_queries, phi
from mia_audit.types import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class AttackR(Attack):
    """Which share of reference models finds the example harder than the target does."""

    name = "attack-r"
    shadows_per_side = 1
    offline = True
    needs = frozenset({"shadows"})

    def _score(self, seen: Evidence) -> Floats:
        """Return the share, ties counted half, with the levels' inner order within 1 / (k + 1); larger means more likely a member."""
        target: Floats = phi(seen.target, seen.labels).mean(axis=0)
        shadow = each_model(phi, seen.shadows, seen.labels)
        without = moments(shadow, ~seen.trained_on)
        harder = ((shadow < target) & ~seen.trained_on).sum(axis=0) + 0.5 * ((shadow == target) & ~seen.trained_on).sum(axis=0)
        inner = 0.25 * squashed(target - without.mean)  # within a quarter either way: half a tie is never crossed
        share: Floats = (harder + 0.5 + 0.5 * inner) / (without.count + 1)
        return share


@dataclass(frozen=True, kw_only=True)
class DifficultyCalibration(Attack):
    """The loss, less what is a hard example's share of it."""

    name = "difficulty-calibration"
    shadows_per_side = 1
    offline = True
    needs = frozenset({"shadows"})

    def _score(self, seen: Evidence) -> Floats:
        """Return log p_y less its mean over reference models, on a scale that keeps small differences apart, [examples].

        Larger means more likely a member.
        """
        without = log_mean(each_model(log_loss, seen.shadows, seen.labels, logs=True), ~seen.trained_on)
        return spread(*difference(without, log_over_queries(log_loss(seen.target, seen.labels))))


def squashed(values: Floats) -> Floats:
    """Return values between -1 and 1 in the same order, without rounding large ones together: v / (1 + |v|)."""
    within: Floats = values / (1 + np.abs(values))
    return within
