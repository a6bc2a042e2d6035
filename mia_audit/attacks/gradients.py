"""White-box attacks on the gradient of an example's loss.

Nasr, Shokri and Houmansadr, "Comprehensive Privacy Analysis of Deep Learning", IEEE S&P 2019, arXiv:1812.00910v2: training drives
members' gradients towards zero. The norms are signals: by the input, and by the last layer's weights and biases, which the paper
finds to tell most; and features of the last layer's gradient, by each class and of each factor. All are logs: saturated predictions have
gradients too small for a float.

Departs from the paper: the last layer alone, norms and gradients by its biases instead of every weight's; a threshold, a likelihood
ratio and boosted trees instead of a network.
"""

import numpy as np

from mia_audit.attacks.observables import within_reach
from mia_audit.attacks.shadow_trees import ShadowTrees
from mia_audit.attacks.signal_lira import SignalLiRA, Values, on_signals
from mia_audit.attacks.thresholds import Threshold
from mia_audit.types import Evidence, Floats, Ints

_NORMS = 3
_MOST_BIASES = 10


def _norms(seen: Evidence) -> Values:
    signal = seen.signals["gradient-log-norms"]
    return within_reach(signal.target).T, within_reach(signal.shadows).transpose(0, 2, 1)


def _described(norms: Floats, found: Floats, labels: Ints) -> Floats:
    """Return features [examples, 5 + up to 10] of one model: logs of norms, and by biases the label's own first, the others falling."""
    lengths, biases = found[:, :_NORMS], found[:, _NORMS:]
    own = np.arange(biases.shape[1]) == labels[:, None]
    others = -np.sort(-biases[~own].reshape(len(biases), -1), axis=1)[:, : _MOST_BIASES - 1]
    return within_reach(np.concatenate([norms, lengths, biases[own][:, None], others], axis=1))


GRADIENT_NORM = Threshold(
    name="gradient-norm",
    needs=frozenset({"gradient-log-norms"}),
    of=lambda seen: -within_reach(seen.signals["gradient-log-norms"].target)[:, 1],
)
GRADIENT_LIRA = SignalLiRA(name="gradient-lira", needs=frozenset({"shadows", "gradient-log-norms"}), of=_norms)
GRADIENT_CLASSIFIER = on_signals(ShadowTrees, "gradient-classifier", "gradient-log-norms", "gradient-log-features", by=_described)
