"""White-box: how far the target stands from where it would stand without the example, told by its inverse Hessian.

Suri, Zhang and Evans, "Do Parameters Reveal More than Loss for Membership Inference?", arXiv:2406.11544v3: SGD ends near the minimum of
its loss, spread out as learning rate and curvature say; the log odds of membership are, but for a positive factor,
I1 - (I2 + I3), with I1 the loss, I2 = |H^-1 g|^2 / n and I3 = 2 (H^-1 grad L0) (H^-1 g), both over the learning rate; g is the
example's gradient, L0 the mean loss on everybody else. The paper's sign of I1 is no slip: at an equal distance from both minima a larger
loss speaks for membership, and the other two terms outweigh it.

Departs from the paper: the terms are of the last layer (`mia_audit/probes/curvature.py` says how), and weight decay is left out. The
likelihood ratio on the three terms is this project's.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia_audit.attacks.budget import require_needs, require_shadows
from mia_audit.attacks.gaussians import projected_log_ratio
from mia_audit.attacks.learning import require_least
from mia_audit.attacks.nearly_one import spread
from mia_audit.attacks.observables import within_reach
from mia_audit.types import Evidence, Floats

_LARGEST = 69.0
"""Logs beyond this are taken as this, so that squares of what they are of stay finite."""


@dataclass(frozen=True, kw_only=True)
class InverseHessian:
    """The target stands nearer to the minimum of the loss with a member than to the one without."""

    name: ClassVar[str] = "inverse-hessian"
    shadows_per_side: ClassVar[int] = 0
    needs: ClassVar[frozenset[str]] = frozenset({"curvature"})

    def score(self, seen: Evidence) -> Floats:
        """Return I1 - (I2 + I3), small ones drawn out, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        first, second, third, sign = within_reach(seen.signals["curvature"].target).T
        largest = np.maximum(first, np.maximum(second, third))
        odds = np.exp(first - largest) - np.exp(second - largest) - np.sign(sign) * np.exp(third - largest)
        sizes = np.log(np.abs(odds), out=np.full(odds.shape, -np.inf), where=odds != 0)
        return spread(np.sign(odds), np.minimum(largest + sizes, _LARGEST))


@dataclass(frozen=True, kw_only=True)
class InverseHessianLiRA:
    """Weigh "trained on x" against "not trained on x" by the three terms.

    ridge  share of the mean variance that is added to every term's variance
    """

    name: ClassVar[str] = "inverse-hessian-lira"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "curvature"})
    ridge: float = 0.001

    def __post_init__(self) -> None:
        require_least(self.name, "ridge", self.ridge, least=0)

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda of the terms on a scale of logs, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["curvature"]
        shadow = np.stack([logs(model) for model in signal.shadows])
        return projected_log_ratio(logs(signal.target), shadow, seen.trained_on, self.ridge)


def logs(terms: Floats) -> Floats:
    """Return [3, examples] of one model's terms [examples, 4]: the logs of loss and square, and the product beside the square.

    I3 has either sign: it enters as log(1 + |I3| / I2) with that sign.
    """
    first, second, third, sign = within_reach(terms).T
    return np.stack([first, second, np.sign(sign) * np.logaddexp(0.0, third - second)])
