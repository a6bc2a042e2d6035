"""Gaussian differential privacy: mu, the delta of every epsilon, and mu by the central limit theorem.

Dong, Roth and Su, arXiv:1905.02383v3, Corollary 2.13; for DP-SGD Bu et al., arXiv:1911.11607v3: with Poisson sampling at rate q
over s steps, mu tends to q sqrt(s) sqrt(exp(1 / sigma^2) - 1). The limit is an approximation: it lies below the true value in many
settings that are in use.
"""

import math

from scipy.optimize import root_scalar
from scipy.special import log_ndtr

from mia_audit.privacy.mechanism import Mechanism


def central_limit_mu(mechanism: Mechanism) -> float:
    """Return mu of Poisson sampling in the limit of many steps: an approximation, not a bound."""
    return mechanism.rate * math.sqrt(mechanism.steps) * math.sqrt(math.expm1(mechanism.noise_multiplier**-2))


def shuffled_mu(mechanism: Mechanism) -> float:
    """Return mu where each example is in one step of every epoch, in an order that may be known: one Gaussian release an epoch."""
    return math.sqrt(mechanism.epochs) / mechanism.noise_multiplier


def delta_of(mu: float, epsilon: float) -> float:
    """Return the least delta of mu-Gaussian privacy at an epsilon: Phi(mu/2 - eps/mu) - e^eps Phi(-mu/2 - eps/mu)."""
    first, second = log_ndtr(mu / 2 - epsilon / mu), epsilon + log_ndtr(-mu / 2 - epsilon / mu)
    return float(math.exp(first) * -math.expm1(min(0.0, second - first)))


def epsilon_of(mu: float, delta: float) -> float:
    """Return the least epsilon of mu-Gaussian privacy at a delta; 0 where even that is more than is needed."""
    if delta_of(mu, 0.0) <= delta:
        return 0.0
    upper = 1.0
    while delta_of(mu, upper) > delta:
        upper *= 2
    return float(root_scalar(lambda epsilon: delta_of(mu, epsilon) - delta, bracket=(0.0, upper), xtol=1e-12).root)
