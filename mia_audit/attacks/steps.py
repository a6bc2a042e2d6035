"""Attacks on a spiking network's steps: the readout's membranes and spike counts one after the other, and runs of other lengths.

LiRA as in Carlini et al., "Membership Inference Attacks From First Principles", IEEE S&P 2022, arXiv:2112.03570v2, on vectors; the
classifier as in Shokri et al., arXiv:1610.05820v2. That the number of steps changes what leaks is reported by Guan et al.,
"Are Neuromorphic Architectures Robust to Membership Inference", arXiv:2502.13191v1; reading the trajectory is this project's.

Spike counts are few integers: they enter as normal scores of their mid-ranks among the shadow models' counts, so that ties are
shared out and no chance agreement of two models gives a spread of zero.
"""

import numpy as np
from scipy.stats import norm

from mia_audit.attacks.observables import margin, phi
from mia_audit.attacks.shadow_trees import ShadowTrees
from mia_audit.attacks.signal_lira import SignalLiRA, Values, described, on_signals
from mia_audit.types import Evidence, Floats, Ints


def _ranked(seen: Evidence) -> Values:
    """Return the label's lead in spikes at every step as normal scores."""
    target, shadow = described(seen, signals=("spike-counts",), by=lead)
    return normal_scores(target, shadow), normal_scores(shadow, shadow)


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


MEMBRANE_LIRA = on_signals(SignalLiRA, "membrane-lira", "membranes", by=by_step)
SPIKE_LIRA = SignalLiRA(name="spike-lira", needs=frozenset({"shadows", "spike-counts"}), of=_ranked, ridge=0.05)
STEP_CLASSIFIER = on_signals(ShadowTrees, "step-classifier", "membranes", "spike-counts", by=_trajectories)
TIME_SWEEP_LIRA = on_signals(SignalLiRA, "time-sweep-lira", "time-sweep", by=by_step)
