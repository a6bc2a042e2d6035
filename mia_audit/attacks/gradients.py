"""White-box attacks on the gradient of an example's loss.

Nasr, Shokri and Houmansadr, "Comprehensive Privacy Analysis of Deep Learning", IEEE S&P 2019, arXiv:1812.00910v2: training drives
members' gradients towards zero. The norms are signals: by the input, and by the last layer's weights and biases.

Departs from the paper: norms instead of whole gradients, a threshold and a likelihood ratio instead of a network.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia_audit.attacks.budget import require_needs, require_shadows
from mia_audit.attacks.gaussians import projected_log_ratio
from mia_audit.attacks.learning import require_least
from mia_audit.types import Evidence, Floats

_SMALLEST = 1e-12


@dataclass(frozen=True, kw_only=True)
class GradientNorm:
    """Members' loss has a smaller gradient by the last layer's parameters."""

    name: ClassVar[str] = "gradient-norm"
    shadows_per_side: ClassVar[int] = 0
    needs: ClassVar[frozenset[str]] = frozenset({"gradient-norms"})

    def score(self, seen: Evidence) -> Floats:
        """Return minus the log norm, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        return -_logs(seen.signals["gradient-norms"].target)[:, 1]


@dataclass(frozen=True, kw_only=True)
class GradientLiRA:
    """Weigh "trained on x" against "not trained on x" by both gradient norms.

    ridge  share of the mean variance that is added to both variances
    """

    name: ClassVar[str] = "gradient-lira"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "gradient-norms"})
    ridge: float = 0.001

    def __post_init__(self) -> None:
        require_least(self.name, "ridge", self.ridge, least=0)

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda of the log norms, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["gradient-norms"]
        return projected_log_ratio(_logs(signal.target).T, _logs(signal.shadows).transpose(0, 2, 1), seen.trained_on, self.ridge)


def _logs(norms: Floats) -> Floats:
    logs: Floats = np.log(np.maximum(norms.astype(np.float64), _SMALLEST))
    return logs
