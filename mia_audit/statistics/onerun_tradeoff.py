"""What one training shows of a whole trade-off, not of epsilon alone.

Mahloujifar, Melis and Chaudhuri, "Auditing f-Differential Privacy in One Run", arXiv:2410.22235v1: m coins, k of them guessed, p_i the
probability that i guesses are right. If no attack's TPR exceeds F(FPR), then for every j

    sum over i >= j of i p_i / m  <=  F(sum over i >= j - 1 of (k - i) p_i / m)

A claim that c or more are right with probability `level` forces mass upon c - 1, that upon c - 2, and so on; where more is forced than
there is, the trade-off is refuted at that level. Names follow the paper: r is the forced share of right guesses, h that of wrong ones.

Two families: the trade-off of (epsilon, delta), whose bound assumes nothing, and the Gaussian one, whose mu is a lower bound only if
training's trade-off is Gaussian (it is nearly so where many small noisy steps are composed). As with `onerun`: fair coins, guesses
fixed beforehand.
"""

import math
from collections.abc import Callable

from scipy.optimize import root_scalar
from scipy.special import ndtr, ndtri

from mia_audit.statistics.onerun import LEVEL, Guesses
from mia_audit.statistics.tradeoff import gaussian_epsilon

Least = Callable[[float], float]
"""The smallest FPR at which a trade-off permits a TPR."""

_TOP = 50.0


def least_fpr(epsilon: float, delta: float) -> Least:
    """Return that of (epsilon, delta)-differential privacy."""
    grown = math.exp(epsilon)
    return lambda tpr: min(1.0, max(0.0, (tpr - delta) / grown, 1 - delta - grown * (1 - tpr)))


def least_fpr_gaussian(mu: float) -> Least:
    """Return that of mu-Gaussian differential privacy."""
    return lambda tpr: float(ndtr(ndtri(tpr) - mu))


def surplus(guesses: Guesses, least: Least, level: float) -> float:
    """Return how much more probability is forced than there is, times made / m: above 0 the trade-off is refuted at this level."""
    made, total = guesses.made, guesses.examples
    r, h = level * guesses.right / total, level * (made - guesses.right) / total
    for right in range(guesses.right - 1, -1, -1):
        forced = least(r)
        if forced <= h:
            break  # nothing more is forced, here or further down
        r, h = min(1.0, r + right / (made - right) * (forced - h)), forced
        if r + h > made / total:
            break  # it only grows
    return r + h - made / total


def bound(guesses: Guesses, delta: float, level: float = LEVEL) -> float:
    """Return the largest epsilon whose (epsilon, delta) so many right guesses refute at this level; 0 where they refute none."""
    return _largest(lambda epsilon: surplus(guesses, least_fpr(epsilon, delta), level))


def bound_mu(guesses: Guesses, level: float = LEVEL) -> float:
    """Return the largest mu that so many right guesses refute at this level; 0 where they refute none."""
    return _largest(lambda mu: surplus(guesses, least_fpr_gaussian(mu), level))


def bound_gaussian(guesses: Guesses, delta: float, level: float = LEVEL) -> float:
    """Return the epsilon at delta of the largest refuted mu: a lower bound if the trade-off is Gaussian; infinite at delta 0."""
    return gaussian_epsilon(bound_mu(guesses, level), delta)


def _largest(surplus_at: Callable[[float], float]) -> float:
    if surplus_at(0.0) <= 0:
        return 0.0
    top = 1.0
    while surplus_at(top) > 0 and top < _TOP:
        top *= 2
    if top >= _TOP and surplus_at(top) > 0:
        return top
    return float(root_scalar(surplus_at, bracket=(0.0, top), method="brentq", xtol=1e-7).root)
