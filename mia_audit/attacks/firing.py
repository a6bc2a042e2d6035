"""Attacks on how much a spiking network fires: a signature of its layers, and the energy that a query costs.

LiRA as in Carlini et al., "Membership Inference Attacks From First Principles", IEEE S&P 2022, arXiv:2112.03570v2, on spike counts
instead of confidences. On neuromorphic hardware energy is proportional to spikes, so whoever can measure the supply current counts
them, without an answer and without a label; which spikes leak is tested on traces by the public snn-privacy-benchmark. The
signature is this project's.

Counts enter as logarithms of one more than they are; spreads are pooled over examples.
"""

import numpy as np

from mia_audit.attacks.signal_lira import NumberLiRA, SignalLiRA, Values
from mia_audit.types import Evidence


def _layers(seen: Evidence) -> Values:
    signal = seen.signals["layer-spikes"]
    return np.log1p(signal.target.astype(float)).T, np.log1p(signal.shadows.astype(float)).transpose(0, 2, 1)


def _total(seen: Evidence) -> Values:
    signal = seen.signals["layer-spikes"]
    return np.log1p(signal.target.astype(float).sum(axis=-1)), np.log1p(signal.shadows.astype(float).sum(axis=-1))


_NEEDS = frozenset({"shadows", "layer-spikes"})

FIRING_SIGNATURE = SignalLiRA(name="firing-signature", needs=_NEEDS, of=_layers)
ENERGY = NumberLiRA(name="energy", needs=_NEEDS, of=_total)
