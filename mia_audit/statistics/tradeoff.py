"""What a privacy claim permits: the largest TPR at every FPR, and what follows from it. All in closed form.

(epsilon, delta): Kairouz, Oh and Viswanath, arXiv:1311.0776v4, Theorem 2.1: TPR <= e^epsilon FPR + delta and the same with both
sides turned. mu: Gaussian differential privacy, Dong, Roth and Su, arXiv:1905.02383v3, Definition 2.6 and Corollary 2.13.
A claim is an upper limit for every attack: what an audit finds above it refutes the claim, or its accounting.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import root_scalar
from scipy.stats import norm

from mia_audit.errors import RecipeError
from mia_audit.statistics.proportions import Share, lower, upper
from mia_audit.types import Floats

_LARGEST = 700.0
"""Beyond this epsilon, e^epsilon is not a float; nobody claims it."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """(epsilon, delta)-differential privacy, or mu-Gaussian where mu is given."""

    epsilon: float | None = None
    delta: float = 0.0
    mu: float | None = None

    def __post_init__(self) -> None:
        if (self.epsilon is None) == (self.mu is None):
            raise RecipeError("a privacy claim needs epsilon or mu, got both or neither; give one")
        for name, value, most in (("epsilon", self.epsilon, _LARGEST), ("mu", self.mu, _LARGEST), ("delta", self.delta, 1.0)):
            if value is not None and not 0 <= value <= most:
                raise RecipeError(f"a privacy claim needs {name} from 0 to {most:g}, got {value}")

    def most_tpr(self, fpr: Floats) -> Floats:
        """Return the largest TPR that any attack can have at each FPR."""
        if self.mu is not None:
            with np.errstate(invalid="ignore"):
                tpr: Floats = np.asarray(norm.cdf(norm.ppf(fpr) + self.mu))
            return tpr
        grown = math.exp(self.epsilon or 0.0)
        lines = (grown * fpr + self.delta, 1 - (1 - self.delta - fpr) / grown)
        clipped: Floats = np.clip(np.minimum(*lines), 0.0, 1.0)
        return clipped

    def p_value(self, right: Share, wrong: Share) -> float:
        """Return the p of "the claim holds" from one decision fixed on other data: its limits of TPR and FPR, or turned, lie above it.

        The error is halved between the two exact limits; p is where they just touch the claim.
        """

        def refuted(level: float) -> bool:
            return self._refuted(lower(right, level / 2), upper(wrong, level / 2))

        if not refuted(1.0):
            return 1.0
        low, high = -60.0, 0.0  # log10 of the level
        if refuted(10**low):
            return float(10**low)
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if refuted(10**middle) else (middle, high)
        return float(10**high)

    def _refuted(self, tpr: float, fpr: float) -> bool:
        return tpr > float(self.most_tpr(np.array([fpr]))[0])

    @property
    def most_auc(self) -> float:
        """The largest area under a ROC curve."""
        if self.mu is not None:
            return float(norm.cdf(self.mu / math.sqrt(2)))
        turn = (1 - self.delta) / (1 + math.exp(self.epsilon or 0.0))  # where the two lines meet, on the falling diagonal
        corners = [(0.0, self.delta), (turn, 1 - turn), (1 - self.delta, 1.0), (1.0, 1.0)]
        return sum((right[0] - left[0]) * (right[1] + left[1]) / 2 for left, right in itertools.pairwise(corners))

    @property
    def most_advantage(self) -> float:
        """The largest TPR minus FPR."""
        if self.mu is not None:
            return float(2 * norm.cdf(self.mu / 2) - 1)
        turn = (1 - self.delta) / (1 + math.exp(self.epsilon or 0.0))
        return 1 - 2 * turn

    def __str__(self) -> str:
        """Write the claim as a reader would."""
        return f"mu = {self.mu:g}" if self.mu is not None else f"(epsilon = {self.epsilon:g}, delta = {self.delta:g})"


def gaussian_delta(mu: float, epsilon: float) -> float:
    """Return the delta at which mu-Gaussian privacy is (epsilon, delta)-private."""
    if mu <= 0:
        return 0.0
    below = norm.logcdf(-epsilon / mu - mu / 2) + epsilon
    return float(norm.cdf(-epsilon / mu + mu / 2) - math.exp(below))


def gaussian_epsilon(mu: float, delta: float) -> float:
    """Return the epsilon at which mu-Gaussian privacy is (epsilon, delta)-private; infinite at delta 0 unless mu is 0."""
    if mu <= 0 or gaussian_delta(mu, 0.0) <= delta:
        return 0.0
    if delta <= 0:
        return math.inf
    top = 1.0
    while gaussian_delta(mu, top) > delta:
        top *= 2
    return float(root_scalar(lambda epsilon: gaussian_delta(mu, epsilon) - delta, bracket=(0.0, top), method="brentq").root)
