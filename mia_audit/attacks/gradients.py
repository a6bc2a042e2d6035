"""White-box attacks on the gradient of an example's loss.

Nasr, Shokri and Houmansadr, "Comprehensive Privacy Analysis of Deep Learning", IEEE S&P 2019, arXiv:1812.00910v2: training drives
members' gradients towards zero. The norms are signals: by the input, and by the last layer's weights and biases, which the paper
finds to tell most; and features of the last layer's gradient, by each class and of each factor. All are logs: saturated predictions have
gradients too small for a float.

Departs from the paper: the last layer alone, norms and gradients by its biases instead of every weight's; a threshold, a likelihood
ratio and boosted trees instead of a network.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia_audit.attacks.budget import require_needs, require_shadows
from mia_audit.attacks.gaussians import projected_log_ratio
from mia_audit.attacks.learning import Grown, require_least
from mia_audit.attacks.observables import within_reach
from mia_audit.types import Evidence, Floats, Ints

_NORMS = 3
_MOST_BIASES = 10


@dataclass(frozen=True, kw_only=True)
class GradientNorm:
    """Members' loss has a smaller gradient by the last layer's parameters."""

    name: ClassVar[str] = "gradient-norm"
    shadows_per_side: ClassVar[int] = 0
    needs: ClassVar[frozenset[str]] = frozenset({"gradient-log-norms"})

    def score(self, seen: Evidence) -> Floats:
        """Return minus the log norm, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        return -within_reach(seen.signals["gradient-log-norms"].target)[:, 1]


@dataclass(frozen=True, kw_only=True)
class GradientLiRA:
    """Weigh "trained on x" against "not trained on x" by both gradient norms.

    ridge  share of the mean variance that is added to both variances
    """

    name: ClassVar[str] = "gradient-lira"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "gradient-log-norms"})
    ridge: float = 0.001

    def __post_init__(self) -> None:
        require_least(self.name, "ridge", self.ridge, least=0)

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda of the log norms, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["gradient-log-norms"]
        target, shadow = within_reach(signal.target).T, within_reach(signal.shadows).transpose(0, 2, 1)
        return projected_log_ratio(target, shadow, seen.trained_on, self.ridge)


@dataclass(frozen=True, kw_only=True)
class GradientClassifier(Grown):
    """Trees on features of the last layer's gradient, fitted on shadow models."""

    name: ClassVar[str] = "gradient-classifier"
    shadows_per_side: ClassVar[int] = 1
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "gradient-log-norms", "gradient-log-features"})

    def score(self, seen: Evidence) -> Floats:
        """Return the log odds of membership, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        norms, found = seen.signals["gradient-log-norms"], seen.signals["gradient-log-features"]
        shadow = np.stack([_described(*pair, seen.labels) for pair in zip(norms.shadows, found.shadows, strict=True)])
        target = _described(norms.target, found.target, seen.labels)
        return self.odds(shadow, seen.trained_on, target)


def _described(norms: Floats, found: Floats, labels: Ints) -> Floats:
    """Return features [examples, 5 + up to 10] of one model: logs of norms, and by biases the label's own first, the others falling."""
    lengths, biases = found[:, :_NORMS], found[:, _NORMS:]
    own = np.arange(biases.shape[1]) == labels[:, None]
    others = -np.sort(-biases[~own].reshape(len(biases), -1), axis=1)[:, : _MOST_BIASES - 1]
    return within_reach(np.concatenate([norms, lengths, biases[own][:, None], others], axis=1))
