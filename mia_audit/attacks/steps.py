"""Attacks on a spiking network's steps: the readout's membranes and spike counts one after the other, and runs of other lengths.

LiRA as in Carlini et al., "Membership Inference Attacks From First Principles", IEEE S&P 2022, arXiv:2112.03570v2, on vectors; the
classifier as in Shokri et al., arXiv:1610.05820v2. That the number of steps changes what leaks is reported by Guan et al.,
"Are Neuromorphic Architectures Robust to Membership Inference", arXiv:2502.13191v1; reading the trajectory is this project's.

Spike counts are few integers: they enter as normal scores of their mid-ranks among the shadow models' counts, so that ties are
shared out and no chance agreement of two models gives a spread of zero.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.stats import norm

from mia_audit.attacks.budget import require_needs, require_shadows
from mia_audit.attacks.gaussians import projected_log_ratio
from mia_audit.attacks.learning import Grown, require_least
from mia_audit.attacks.observables import margin, phi
from mia_audit.types import Evidence, Floats, Ints

RIDGE = 0.001


@dataclass(frozen=True, kw_only=True)
class MembraneLiRA:
    """Weigh "trained on x" against "not trained on x" by the readout's membranes at every step.

    ridge  share of the mean variance that is added to every step's variance
    """

    name: ClassVar[str] = "membrane-lira"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "membranes"})
    ridge: float = RIDGE

    def __post_init__(self) -> None:
        require_least(self.name, "ridge", self.ridge, least=0)

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda of phi at every step, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["membranes"]
        target, shadow = by_step(signal.target, seen.labels), np.stack([by_step(model, seen.labels) for model in signal.shadows])
        return projected_log_ratio(target, shadow, seen.trained_on, self.ridge)


@dataclass(frozen=True, kw_only=True)
class SpikeLiRA:
    """Weigh "trained on x" against "not trained on x" by the readout's spikes, counted up to every step.

    ridge  share of the mean variance that is added to every step's variance
    """

    name: ClassVar[str] = "spike-lira"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "spike-counts"})
    ridge: float = 0.05

    def __post_init__(self) -> None:
        require_least(self.name, "ridge", self.ridge, least=0)

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda of the label's lead in spikes at every step, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["spike-counts"]
        shadow = np.stack([lead(model, seen.labels) for model in signal.shadows])
        target = normal_scores(lead(signal.target, seen.labels), shadow)
        return projected_log_ratio(target, normal_scores(shadow, shadow), seen.trained_on, self.ridge)


@dataclass(frozen=True, kw_only=True)
class StepClassifier(Grown):
    """Trees on both trajectories: membranes and spike counts at every step, fitted on shadow models."""

    name: ClassVar[str] = "step-classifier"
    shadows_per_side: ClassVar[int] = 1
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "membranes", "spike-counts"})

    def score(self, seen: Evidence) -> Floats:
        """Return the log odds of membership, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        membranes, counts = seen.signals["membranes"], seen.signals["spike-counts"]
        shadow = np.stack([_trajectories(*pair, seen.labels) for pair in zip(membranes.shadows, counts.shadows, strict=True)])
        target = _trajectories(membranes.target, counts.target, seen.labels)
        return self.odds(shadow, seen.trained_on, target)


@dataclass(frozen=True, kw_only=True)
class TimeSweepLiRA:
    """Weigh "trained on x" against "not trained on x" by answers after half, as many, and twice as many steps.

    ridge  share of the mean variance that is added to every run's variance
    """

    name: ClassVar[str] = "time-sweep-lira"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "time-sweep"})
    ridge: float = RIDGE

    def __post_init__(self) -> None:
        require_least(self.name, "ridge", self.ridge, least=0)

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda of phi after each run, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["time-sweep"]
        target, shadow = by_step(signal.target, seen.labels), np.stack([by_step(model, seen.labels) for model in signal.shadows])
        return projected_log_ratio(target, shadow, seen.trained_on, self.ridge)


def by_step(values: Floats, labels: Ints) -> Floats:
    """Return phi [steps, examples] of one model's values [examples, steps, classes]."""
    return phi(np.moveaxis(values, 1, 0), labels)


def lead(counts: Floats, labels: Ints) -> Floats:
    """Return by how many spikes the label leads at every step, [steps, examples], of one model's counts [examples, steps, classes]."""
    return margin(np.moveaxis(counts, 1, 0), labels)


def normal_scores(values: Floats, shadow: Floats) -> Floats:
    """Return values [..., steps, examples] as normal quantiles of mid-ranks among shadow values [models, steps, examples] of the step.

    The shadow values of a step are sorted once, and a quantile is computed once for each rank: counts of spikes have few.
    """
    scores = np.empty(values.shape)
    for step in range(values.shape[-2]):
        known, here = np.sort(shadow[:, step], axis=None), values[..., step, :]
        ranks = 0.5 * (np.searchsorted(known, here, side="left") + np.searchsorted(known, here, side="right"))
        each, places = np.unique(ranks, return_inverse=True)
        scores[..., step, :] = norm.ppf((each + 0.5) / (known.size + 1))[places].reshape(here.shape)
    return scores


def _trajectories(membranes: Floats, counts: Floats, labels: Ints) -> Floats:
    """Return features [examples, 2 steps] of one model."""
    together: Floats = np.concatenate([by_step(membranes, labels), lead(counts, labels)]).T
    return together
