"""How far a canary moves a noisy sum, in standard deviations of the noise: mu of one step, against what a claim permits.

Replays of a step with and without a canary, projected on one direction that was fixed on other data: two Gaussian samples of one
variance. Their standardised difference of means is exactly a noncentral t variable of 2 n - 2 degrees of freedom, centred on
mu sqrt(n / 2). Under the claim mu is at most sensitivity / noise in *every* direction (Dong, Roth and Su, arXiv:1905.02383v3, Theorem 2.7).
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import root_scalar
from scipy.stats import chi2, nct, norm

from mia_audit.errors import EvidenceError
from mia_audit.types import Floats

_FEWEST = 20


@dataclass(frozen=True, kw_only=True)
class Shift:
    """The difference of two means in pooled standard deviations, and the replays on each side; infinite where nothing is random."""

    mu: float
    inside: int
    outside: int

    @property
    def scale(self) -> float:
        """Of the t statistic for each unit of mu."""
        return math.sqrt(self.inside * self.outside / (self.inside + self.outside))

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the pooled variance."""
        return self.inside + self.outside - 2


def measured(inside: Floats, outside: Floats) -> Shift:
    """Return the shift between projections of replays with a canary [n] and without [k]; its sign is the direction's."""
    if min(inside.size, outside.size) < _FEWEST:
        raise EvidenceError(f"a step test needs {_FEWEST} replays on each side, got {inside.size} and {outside.size}; replay more often")
    freedom = inside.size + outside.size - 2
    squares = float(((inside - inside.mean()) ** 2).sum() + ((outside - outside.mean()) ** 2).sum())
    gap, spread = float(inside.mean() - outside.mean()), math.sqrt(squares / freedom)
    still = spread <= 1e-12 * max(abs(float(inside.mean())), abs(float(outside.mean())), 1e-300)
    mu = math.copysign(math.inf, gap) if still and gap else 0.0 if still else gap / spread
    return Shift(mu=mu, inside=inside.size, outside=outside.size)


def p_value(shift: Shift, claimed: float) -> float:
    """Return the p of "mu is at most what is claimed", one-sided."""
    if math.isinf(shift.mu):
        return 0.0 if shift.mu > 0 else 1.0
    return _above(shift.mu * shift.scale, shift.freedom, claimed * shift.scale)


def least_mu(shift: Shift, level: float) -> float:
    """Return the lower limit of mu; 0 where nothing is shown, infinite where nothing is random."""
    if math.isinf(shift.mu):
        return max(0.0, shift.mu)
    if p_value(shift, 0.0) >= level:
        return 0.0
    return float(root_scalar(lambda mu: p_value(shift, mu) - level, bracket=(0.0, shift.mu), xtol=1e-10).root)


def power(true: float, claimed: float, replays: int, level: float) -> float:
    """Return how often so many replays a side refute a claimed mu when another is true, by the variance-stabilised normal law."""
    shift = Shift(mu=0.0, inside=replays, outside=replays)
    root = math.sqrt(2 * shift.freedom)
    apart = root * (math.asinh(true * shift.scale / root) - math.asinh(claimed * shift.scale / root))
    return float(norm.sf(norm.isf(level) - apart))


def _above(statistic: float, freedom: int, centre: float) -> float:
    """Return P(noncentral t >= statistic); by the variance-stabilised normal law where SciPy's series gives out."""
    found = float(nct.sf(statistic, freedom, centre)) if centre < 1_000 else math.nan
    if 1e-12 < found < 1 - 1e-12:
        return found
    root = math.sqrt(2 * freedom)
    return float(norm.sf(root * (math.asinh(statistic / root) - math.asinh(centre / root))))


def too_quiet(squares: float, freedom: int, variance: float) -> float:
    """Return the p of "noise has this variance at least": a sum of squares with so many degrees of freedom, exactly chi-squared."""
    return float(chi2.cdf(squares / variance, freedom))


def repeated(projections: Floats) -> int:
    """Return how many replays [replays, directions] are like an earlier one to five digits: noise that was not drawn anew.

    Four or more directions are asked for: single numbers of float32 coincide by chance.
    """
    spread = np.maximum(projections.std(axis=0), 1e-12 * np.abs(projections).max(axis=0) + 1e-300)
    rounded = np.round((projections - projections.mean(axis=0)) / spread, 5)
    return len(rounded) - len(np.unique(rounded + 0.0, axis=0))
