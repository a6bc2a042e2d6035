"""An estimate of epsilon from scores alone: two normal laws, one for canaries inside and one for those outside.

Agrawal, Wei, Singh, Magdon-Ismail and Zikas, "Let's Ask Gauss", arXiv:2606.12733v1: in a white-box DP-SGD audit a canary's score is
nearly Gaussian, so the hockey-stick divergence of the two fitted laws says how much epsilon separates them. It is an *estimate, not a
bound*: the laws are fitted, tails far beyond the data decide, and nothing is paid for either. Sums of subsampled Gaussians have
heavier tails than the fit, or lighter ones; on exact mechanisms it lies above the truth.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import root_scalar
from scipy.stats import norm

from mia_audit.statistics.roc import split
from mia_audit.types import Bools, Floats

_TOP = 700.0


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Mean and standard deviation of scores inside and outside."""

    inside: tuple[float, float]
    outside: tuple[float, float]

    def delta(self, epsilon: float) -> float:
        """Return the larger of both hockey-stick divergences at an epsilon."""
        return max(_hockey(self.inside, self.outside, epsilon), _hockey(self.outside, self.inside, epsilon))

    def epsilon(self, delta: float) -> float:
        """Return the epsilon at a delta; infinite where even 700 is too little."""
        if self.delta(0.0) <= delta:
            return 0.0
        if self.delta(_TOP) > delta:
            return math.inf
        return float(root_scalar(lambda epsilon: self.delta(epsilon) - delta, bracket=(0.0, _TOP), xtol=1e-9).root)


def fitted(scores: Floats, member: Bools) -> Pair:
    """Return the two laws of scores [canaries]; member True where inside."""
    inside, outside = split(scores, member)
    return Pair(
        inside=(float(inside.mean()), max(float(inside.std(ddof=1)), 1e-12)),
        outside=(float(outside.mean()), max(float(outside.std(ddof=1)), 1e-12)),
    )


def _hockey(upper: tuple[float, float], lower: tuple[float, float], epsilon: float) -> float:
    """Return the integral of (p - e^epsilon q)+ over where the log ratio of the two normal densities exceeds epsilon: a quadratic."""
    (m, s), (n, t) = upper, lower
    a, b = 0.5 / t**2 - 0.5 / s**2, m / s**2 - n / t**2
    c = 0.5 * (n / t) ** 2 - 0.5 * (m / s) ** 2 + math.log(t / s) - epsilon
    roots = _roots(a, b, c)
    edges = [-math.inf, *roots, math.inf]
    found = 0.0
    for left, right in itertools.pairwise(edges):
        middle = _between(left, right)
        if a * middle**2 + b * middle + c > 0:
            found += _mass(left, right, m, s) - math.exp(min(_TOP, epsilon)) * _mass(left, right, n, t)
    return max(0.0, found)


def _roots(a: float, b: float, c: float) -> list[float]:
    if abs(a) < 1e-12 * max(abs(b), 1e-300):
        return [-c / b] if b else []
    inner = b * b - 4 * a * c
    if inner <= 0:
        return []
    far = -0.5 * (b + math.copysign(math.sqrt(inner), b))
    return sorted({far / a, c / far} if far else {0.0})


def _between(left: float, right: float) -> float:
    if math.isinf(left) and math.isinf(right):
        return 0.0
    if math.isinf(left):
        return right - 1 - abs(right)
    return left + 1 + abs(left) if math.isinf(right) else (left + right) / 2


def _mass(left: float, right: float, mean: float, spread: float) -> float:
    """Return the normal mass between two places, without cancellation in the tail."""
    low, high = (left - mean) / spread, (right - mean) / spread
    if low > 0:
        return float(norm.sf(low) - norm.sf(high))
    return float(np.subtract(norm.cdf(high), norm.cdf(low)))
