"""Are these coins independent and fair? The membership matrix against what independent coins of one probability give.

Every number below has mean 0 and variance 1, or is a sum of squares of such, if entries are independent coins:

examples   in how many models each example is: too even where each is in exactly half of them, too uneven where rows follow each other
models     how many members each model has: too even where every model has exactly half of the pool
one pair   how far two models' coins agree, the largest over all pairs: equal, opposite or copied rows
all pairs  the sum of those squares: rows that each follow another a little
neighbours how far an example's coins agree with the next one's: coins that were dealt in blocks
"""

import numpy as np
from scipy.stats import binom, chi2, norm

from mia_audit.errors import EvidenceError
from mia_audit.types import Bools, Floats


def coin_ps(rows: Bools, fraction: float) -> dict[str, float]:
    """Return the p of each number, by name, of rows [models, examples] whose coins should fall on "member" with this probability."""
    models, examples = rows.shape
    if models < 2 or examples < 2 or not 0 < fraction < 1:
        raise EvidenceError(f"coins need two models and examples or more and a fraction between 0 and 1, got {rows.shape} and {fraction}")
    spread = float(np.sqrt(fraction * (1 - fraction)))
    centred = (rows - fraction) / spread
    pairs = agreements(rows, fraction)
    return {
        "examples": spread_p(centred.sum(axis=0) / np.sqrt(models), models, fraction),
        "models": spread_p(centred.sum(axis=1) / np.sqrt(examples), examples, fraction),
        "one pair": min(1.0, pairs.size * two_sided(float(np.abs(pairs).max()))),
        "all pairs": float(chi2.sf((pairs**2).sum(), pairs.size)),
        "neighbours": two_sided(float((centred[:, 1:] * centred[:, :-1]).sum() / np.sqrt(models * (examples - 1)))),
    }


def agreements(rows: Bools, fraction: float) -> Floats:
    """Return how far each pair of models' coins agree, in standard deviations, [pairs] in the order of `numpy.triu_indices`."""
    centred = ((rows - fraction) / np.sqrt(fraction * (1 - fraction))).astype(np.float32)
    between: Floats = (centred @ centred.T)[np.triu_indices(len(rows), 1)] / np.sqrt(rows.shape[1])
    return between.astype(np.float64)


def spread_p(sums: Floats, coins: int, fraction: float) -> float:
    """Return the two-sided p of the spread of so many standardised sums, each of so many coins: too uneven, or too even.

    A sum's square has mean 1 and variance 2 + (1 - 6 f (1 - f)) / (coins f (1 - f)); the sum of squares goes by the chi-squared law of
    that mean and variance.
    """
    share = fraction * (1 - fraction)
    variance = 2 + (1 - 6 * share) / (coins * share)
    total, freedom = float((sums**2).sum()) * 2 / variance, 2 * sums.size / variance
    return min(1.0, 2 * float(min(chi2.sf(total, freedom), chi2.cdf(total, freedom))))


def two_sided(distance: float) -> float:
    """Return the two-sided p of a standardised number."""
    return 2 * float(norm.sf(abs(distance)))


def binomial_p(successes: int, trials: int, probability: float) -> float:
    """Return the two-sided p of so many successes: twice the smaller tail, the count itself in both."""
    tails = binom.cdf(successes, trials, probability), binom.sf(successes - 1, trials, probability)
    return min(1.0, 2 * float(min(tails)))
