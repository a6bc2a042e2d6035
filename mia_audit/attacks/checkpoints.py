"""Attacks on how an example's loss fell while the target was trained, for whoever sees its checkpoints.

Loss trajectory: Liu et al., "Membership Inference Attacks by Exploiting Loss Trajectory", CCS 2022, arXiv:2208.14933v1. Sequence:
Li et al., "SeqMIA: Sequential-Metric Based Membership Inference Attack", CCS 2024, arXiv:2407.15098v2, with its five metrics.

Departs from the papers: the target's own checkpoints (an attacker who downloads every release) instead of a distillation that
imitates them; boosted trees on the sequence and its differences instead of a recurrent network.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia_audit.attacks import observables
from mia_audit.attacks.budget import require_needs, require_shadows
from mia_audit.attacks.gaussians import projected_log_ratio
from mia_audit.attacks.learning import Grown, require_least
from mia_audit.types import Evidence, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class TrajectoryLiRA:
    """Weigh "trained on x" against "not trained on x" by phi at every checkpoint.

    ridge  share of the mean variance that is added to every checkpoint's variance
    """

    name: ClassVar[str] = "trajectory-lira"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "trajectory"})
    ridge: float = 0.001

    def __post_init__(self) -> None:
        require_least(self.name, "ridge", self.ridge, least=0)

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["trajectory"]
        target, shadow = _losses(signal.target, seen.labels), np.stack([_losses(model, seen.labels) for model in signal.shadows])
        return projected_log_ratio(target, shadow, seen.trained_on, self.ridge)


@dataclass(frozen=True, kw_only=True)
class LossTrajectory(Grown):
    """The loss at every checkpoint, weighed by trees that were fitted on shadow models."""

    name: ClassVar[str] = "loss-trajectory"
    shadows_per_side: ClassVar[int] = 1
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "trajectory"})

    def score(self, seen: Evidence) -> Floats:
        """Return the log odds of membership, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["trajectory"]
        target, shadow = _losses(signal.target, seen.labels).T, np.stack([_losses(model, seen.labels).T for model in signal.shadows])
        return self.odds(shadow, seen.trained_on, target)


@dataclass(frozen=True, kw_only=True)
class Sequence(Grown):
    """Five metrics at every checkpoint and their changes, weighed by trees that were fitted on shadow models."""

    name: ClassVar[str] = "sequence"
    shadows_per_side: ClassVar[int] = 1
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "trajectory"})

    def score(self, seen: Evidence) -> Floats:
        """Return the log odds of membership, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["trajectory"]
        target, shadow = metrics(signal.target, seen.labels), np.stack([metrics(model, seen.labels) for model in signal.shadows])
        return self.odds(shadow, seen.trained_on, target)


def metrics(logits: Floats, labels: Ints) -> Floats:
    """Return [examples, 10 checkpoints - 5] of one model's logits [examples, checkpoints, classes]: five metrics and their changes.

    Loss, confidence and both entropies enter by their logs, which do not saturate.
    """
    turned = np.moveaxis(logits, 1, 0)
    logp = observables.log_probabilities(turned)
    five = np.stack(
        [
            observables.log_loss(turned, labels),
            observables.log_confidence_loss(turned),
            np.exp(logp).std(axis=-1),
            observables.log_entropy(turned),
            observables.log_modified_entropy(turned, labels),
        ]
    )
    together: Floats = np.concatenate([five, np.diff(five, axis=1)], axis=1).reshape(-1, len(labels)).T
    return together


def _losses(logits: Floats, labels: Ints) -> Floats:
    """Return phi [checkpoints, examples], which orders as the loss does and does not saturate."""
    return observables.phi(np.moveaxis(logits, 1, 0), labels)
