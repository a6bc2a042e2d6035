"""Attacks on how an example's loss fell while the target was trained, for whoever sees its checkpoints.

Loss trajectory: Liu et al., "Membership Inference Attacks by Exploiting Loss Trajectory", CCS 2022, arXiv:2208.14933v1. Sequence:
Li et al., "SeqMIA: Sequential-Metric Based Membership Inference Attack", CCS 2024, arXiv:2407.15098v2, with its five metrics.

Departs from the papers: the target's own checkpoints (an attacker who downloads every release) instead of a distillation that
imitates them; boosted trees on the sequence and its differences instead of a recurrent network.
"""

import numpy as np

from mia_audit.attacks import observables
from mia_audit.attacks.shadow_trees import ShadowTrees
from mia_audit.attacks.signal_lira import SignalLiRA, on_signals
from mia_audit.types import Floats, Ints


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


def _turned(logits: Floats, labels: Ints) -> Floats:
    return _losses(logits, labels).T


TRAJECTORY_LIRA = on_signals(SignalLiRA, "trajectory-lira", "trajectory", by=_losses)
LOSS_TRAJECTORY = on_signals(ShadowTrees, "loss-trajectory", "trajectory", by=_turned)
SEQUENCE = on_signals(ShadowTrees, "sequence", "trajectory", by=metrics)
