"""Right and wrong accusations against a trade-off curve: an exact test of both counts together.

Two binomials: `right` of those inside accused, `wrong` of those outside. The claim says TPR <= F(FPR). What is unknown is the FPR, so
the p is the largest over an interval that holds it with all but GAMMA of the probability, plus GAMMA (Berger and Boos, JASA 89, 1994,
1012-1016). Outcomes are ordered by how many standard deviations the TPR lies above what F permits. Halving the error between two
Clopper-Pearson limits holds too, but needs a larger gap: the two errors then add up, here their squares do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import root_scalar
from scipy.special import ndtr, ndtri
from scipy.stats import binom, norm

from mia_audit.statistics.curve import Curve
from mia_audit.statistics.proportions import Share, lower, upper
from mia_audit.types import Floats

GAMMA = 1e-5
_NODES = 17
_TAIL = 1e-9
_LARGEST_MU = 40.0


@dataclass(frozen=True, kw_only=True)
class Permits:
    """What a claim permits: the largest TPR at each FPR, and how steeply it grows there."""

    most: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]

    @classmethod
    def curve(cls, curve: Curve) -> "Permits":
        """Return those of a curve."""
        return cls(most=curve.most_tpr, slope=curve.steepness)

    @classmethod
    def gaussian(cls, mu: float) -> "Permits":
        """Return those of mu-Gaussian privacy, itself and not its tangents."""
        return cls(most=partial(_most, mu), slope=partial(_slope, mu))


def _most(mu: float, fpr: Floats) -> Floats:
    tpr: Floats = np.asarray(ndtr(ndtri(fpr) + mu))
    return tpr


def _slope(mu: float, fpr: Floats) -> Floats:
    at = ndtri(fpr)
    steep: Floats = np.exp(np.clip(-mu * at - mu**2 / 2, -700.0, 700.0))
    return steep


def p_value(right: Share, wrong: Share, permits: Permits) -> float:
    """Return the p of "the claim holds"; a decision fixed on other data gave the counts."""
    low, high = lower(wrong, GAMMA / 2), upper(wrong, GAMMA / 2)
    nodes = np.linspace(low, high, _NODES)
    reached = _distance(np.array([right.hits]), right.total, np.array([wrong.hits]), wrong.total, permits)[0, 0]
    return min(1.0, GAMMA + max(_exceeded(float(node), float(reached), right.total, wrong.total, permits) for node in nodes))


def _exceeded(fpr: float, reached: float, inside: int, outside: int, permits: Permits) -> float:
    """Return how often so many deviations or more are reached where the FPR is this and the TPR all that it permits."""
    tpr = float(permits.most(np.array([fpr]))[0])
    wrongs, rights = _likely(outside, fpr), _likely(inside, tpr)
    enough = _distance(rights, inside, wrongs, outside, permits) >= reached - 1e-12
    least = np.where(enough.any(axis=0), rights[np.argmax(enough, axis=0)], rights[-1] + 1)
    return float(binom.pmf(wrongs, outside, fpr) @ binom.sf(least - 1, inside, tpr)) + 2 * _TAIL


def _likely(total: int, share: float) -> Floats:
    """Return all counts but those in the last tails."""
    return np.arange(max(0.0, float(binom.ppf(_TAIL, total, share))), float(binom.isf(_TAIL, total, share)) + 1)


def _distance(rights: Floats, inside: int, wrongs: Floats, outside: int, permits: Permits) -> Floats:
    """Return by how many standard deviations the TPR lies above what is permitted, [rights, wrongs]; it grows with `rights`."""
    tpr, fpr = (rights + 0.5) / (inside + 1), (wrongs + 0.5) / (outside + 1)
    permitted = np.clip(permits.most(fpr), 0.0, 1.0)
    spread = permitted * (1 - permitted) / inside + permits.slope(fpr) ** 2 * fpr * (1 - fpr) / outside + 0.25 / inside**2
    found: Floats = (tpr[:, None] - permitted) / np.sqrt(spread)
    return found


def least_mu(right: Share, wrong: Share, level: float) -> float:
    """Return the lower limit of mu of a Gaussian trade-off, from both counts together; 0 where nothing is shown."""

    def surplus(mu: float) -> float:
        return p_value(right, wrong, Permits.gaussian(mu)) - level

    if surplus(0.0) >= 0:
        return 0.0
    rough = float(norm.ppf((right.hits + 0.5) / (right.total + 1)) - norm.ppf((wrong.hits + 0.5) / (wrong.total + 1)))
    top = min(_LARGEST_MU, max(rough, 0.1))
    while surplus(top) < 0 and top < _LARGEST_MU:
        top = min(2 * top, _LARGEST_MU)
    return float(root_scalar(surplus, bracket=(0.0, top), xtol=1e-4).root) if surplus(top) > 0 else top
