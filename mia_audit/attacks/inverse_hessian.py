"""White-box: how far the target stands from where it would stand without the example, told by its inverse Hessian.

Suri, Zhang and Evans, "Do Parameters Reveal More than Loss for Membership Inference?", arXiv:2406.11544v3: SGD ends near the minimum of
its loss, spread out as learning rate and curvature say; the log odds of membership are, but for a positive factor,
I1 - (I2 + I3), with I1 the loss, I2 = |H^-1 g|^2 / n and I3 = 2 (H^-1 grad L0) (H^-1 g), both over the learning rate; g is the
example's gradient, L0 the mean loss on everybody else. The paper's sign of I1 is no slip: at an equal distance from both minima a larger
loss speaks for membership, and the other two terms outweigh it.

Departs from the paper: the terms are of the last layer (`mia_audit/probes/curvature.py` says how), and weight decay is left out. The
likelihood ratio on the three terms is this project's.
"""

import numpy as np

from mia_audit.attacks.nearly_one import spread
from mia_audit.attacks.observables import within_reach
from mia_audit.attacks.signal_lira import SignalLiRA, on_signals
from mia_audit.attacks.thresholds import Threshold
from mia_audit.types import Evidence, Floats, Ints

_LARGEST = 69.0
"""Logs beyond this are taken as this, so that squares of what they are of stay finite."""


def odds(seen: Evidence) -> Floats:
    """Return I1 - (I2 + I3), small ones drawn out, [examples]."""
    first, second, third, sign = within_reach(seen.signals["curvature"].target).T
    largest = np.maximum(first, np.maximum(second, third))
    apart = np.exp(first - largest) - np.exp(second - largest) - np.sign(sign) * np.exp(third - largest)
    sizes = np.log(np.abs(apart), out=np.full(apart.shape, -np.inf), where=apart != 0)
    return spread(np.sign(apart), np.minimum(largest + sizes, _LARGEST))


def logs(terms: Floats, _: Ints) -> Floats:
    """Return [3, examples] of one model's terms [examples, 4]: the logs of loss and square, and the product beside the square.

    I3 has either sign: it enters as log(1 + |I3| / I2) with that sign.
    """
    first, second, third, sign = within_reach(terms).T
    return np.stack([first, second, np.sign(sign) * np.logaddexp(0.0, third - second)])


INVERSE_HESSIAN = Threshold(name="inverse-hessian", needs=frozenset({"curvature"}), of=odds)
INVERSE_HESSIAN_LIRA = on_signals(SignalLiRA, "inverse-hessian-lira", "curvature", by=logs)
