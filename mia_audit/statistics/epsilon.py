"""How much epsilon an attack shows: lower limits from one threshold that was fixed on other data.

If a training is (epsilon, delta)-private, every attack has TPR <= e^epsilon FPR + delta, and the same for its turned decision:
1 - FPR <= e^epsilon (1 - TPR) + delta. So counts of right and wrong accusations limit epsilon from below:

exact    Clopper and Pearson's limits of both rates, half the error each (Jagielski, Ullman and Oprea, arXiv:2006.07709v1)
ratios   limits of the ratio of two proportions: Katz, Baptista, Azen and Pike, Biometrics 34 (1978), log; Walter, Biometrika 62
         (1975), adjusted log; Bailey, The American Statistician 41 (1987); Newcombe, Statistics in Medicine 20 (2001), inverse
         sinh. They are approximations: their level holds for large counts only, so FEWEST counts a side are asked for.
gaussian the mu of a Gaussian trade-off through the same exact limits, and its epsilon: only if that family holds

The decision (threshold and side) is chosen on rehearsals. Or it is the best of several: then the error is divided among them.
All take a training for each trial; the examples of one target share one training, so there they are an estimate, not a bound.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, norm

from mia_audit.statistics.proportions import Share, lower, upper
from mia_audit.statistics.roc import split
from mia_audit.statistics.tradeoff import gaussian_epsilon
from mia_audit.types import Bools, Floats

LEVEL = 0.05
"""Joint error of every limit: one-sided."""

FEWEST = 10
"""Counts on each side below which no ratio is approximated."""

SHARES = np.geomspace(0.005, 0.5, 10)
"""Of all examples, what `several` decisions accuse or clear."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Who is accused: those above a threshold of being members, or, turned, those not above it of being non-members."""

    threshold: float
    turned: bool

    def counts(self, scores: Floats, member: Bools) -> tuple[Share, Share]:
        """Return right and wrong accusations."""
        members, others = split(scores, member)
        above = Share(hits=int((members > self.threshold).sum()), total=members.size)
        wrongly = Share(hits=int((others > self.threshold).sum()), total=others.size)
        return (_rest(wrongly), _rest(above)) if self.turned else (above, wrongly)


def exact(right: Share, wrong: Share, delta: float, level: float = LEVEL) -> float:
    """Return the Clopper-Pearson limit of epsilon; 0 where nothing is shown."""
    low, high = lower(right, level / 2), upper(wrong, level / 2)
    return max(0.0, math.log((low - delta) / high)) if low > delta else 0.0


def best_exact(counts: Sequence[tuple[Share, Share]], delta: float, level: float = LEVEL) -> float:
    """Return the largest exact limit of several decisions on the same data, the error divided among them."""
    return max(exact(right, wrong, delta, level / len(counts)) for right, wrong in counts)


def several(rehearsals: Floats) -> tuple[Decision, ...]:
    """Return decisions to take the best of, fixed on rehearsals: each share of SHARES accused at the top, or cleared at the bottom."""
    tops, bottoms = (np.quantile(rehearsals, part, method="lower") for part in (1 - SHARES, SHARES))
    return tuple(
        Decision(threshold=float(threshold), turned=turned)
        for turned, thresholds in ((False, tops), (True, bottoms))
        for threshold in thresholds
    )


def gaussian_mu(right: Share, wrong: Share, level: float = LEVEL) -> float:
    """Return the lower limit of mu if the trade-off is Gaussian; 0 where nothing is shown."""
    low, high = lower(right, level / 2), upper(wrong, level / 2)
    return max(0.0, float(norm.ppf(low) - norm.ppf(high))) if low > 0 and high < 1 else 0.0


def gaussian(right: Share, wrong: Share, delta: float, level: float = LEVEL) -> float:
    """Return the epsilon at delta of the lower limit of mu; infinite at delta 0 where mu is above 0."""
    return gaussian_epsilon(gaussian_mu(right, wrong, level), delta)


def katz(right: Share, wrong: Share, z: float) -> float:
    """Return the lower limit of the log ratio: Wald's on the log scale."""
    spread = 1 / right.hits - 1 / right.total + 1 / wrong.hits - 1 / wrong.total
    return math.log(right.value / wrong.value) - z * math.sqrt(spread)


def adjusted_log(right: Share, wrong: Share, z: float) -> float:
    """Return the lower limit of the log ratio with half a count added everywhere."""
    x_1, n_1, x_0, n_0 = right.hits + 0.5, right.total + 0.5, wrong.hits + 0.5, wrong.total + 0.5
    return math.log(x_1 / n_1 / (x_0 / n_0)) - z * math.sqrt(1 / x_1 - 1 / n_1 + 1 / x_0 - 1 / n_0)


def bailey(right: Share, wrong: Share, z: float) -> float:
    """Return the log of the lower limit of the ratio on the scale of its cube root."""
    q_1, q_0 = 1 - right.value, 1 - wrong.value
    spread = q_1 / right.hits + q_0 / wrong.hits - z**2 * q_1 * q_0 / (9 * right.hits * wrong.hits)
    root = (1 - z / 3 * math.sqrt(max(0.0, spread))) / (1 - z**2 * q_0 / (9 * wrong.hits))
    return math.log(right.value / wrong.value) + 3 * math.log(root) if root > 0 else -math.inf


def inverse_sinh(right: Share, wrong: Share, z: float) -> float:
    """Return the lower limit of the log ratio by Newcombe's inverse hyperbolic sine."""
    spread = 1 / right.hits - 1 / right.total + 1 / wrong.hits - 1 / wrong.total
    return math.log(right.value / wrong.value) - 2 * math.asinh(z / 2 * math.sqrt(spread))


RATIOS: dict[str, Callable[[Share, Share, float], float]] = {
    "Katz log": katz,
    "adjusted log": adjusted_log,
    "Bailey": bailey,
    "inverse sinh": inverse_sinh,
}


def ratio(name: str, right: Share, wrong: Share, level: float = LEVEL) -> float | None:
    """Return a ratio's limit of epsilon at delta 0; None where there are too few counts to approximate it."""
    if min(right.hits, wrong.hits, right.total - right.hits, wrong.total - wrong.hits) < FEWEST:
        return None
    return max(0.0, RATIOS[name](right, wrong, float(norm.ppf(1 - level))))


def choose(rehearsals: Floats, member: Bools, delta: float, like: tuple[int, int], candidates: int = 200) -> Decision:
    """Return the decision whose rates on rehearsals [R, A] would show the largest exact limit on a target of `like` members and others."""
    scores, truth = rehearsals.ravel(), member.ravel()
    members, others = split(scores, truth)
    thresholds = np.unique(np.quantile(scores, np.linspace(0, 1, candidates), method="lower"))
    above = [1 - np.searchsorted(np.sort(side), thresholds, side="right") / side.size for side in (members, others)]
    hits = [np.floor(share * total).astype(np.int64) for share, total in zip(above, like, strict=True)]
    plain, turned = (
        _limits(hits[0], like[0], hits[1], like[1], delta),
        _limits(like[1] - hits[1], like[1], like[0] - hits[0], like[0], delta),
    )
    way = bool(turned.max() > plain.max())
    return Decision(threshold=float(thresholds[int(np.argmax(turned if way else plain))]), turned=way)


def _limits(right: np.ndarray, rights: int, wrong: np.ndarray, wrongs: int, delta: float) -> Floats:
    low = np.where(right > 0, beta.ppf(LEVEL / 2, np.maximum(right, 1), rights - right + 1), 0.0)
    high = np.where(wrong < wrongs, beta.ppf(1 - LEVEL / 2, wrong + 1, np.maximum(wrongs - wrong, 1)), 1.0)
    return np.log(np.maximum(low - delta, 1e-300) / high)


def _rest(share: Share) -> Share:
    return Share(hits=share.total - share.hits, total=share.total)
