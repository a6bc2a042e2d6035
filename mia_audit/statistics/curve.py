"""A privacy claim as a whole trade-off curve: the largest TPR at every FPR, from delta at many epsilons.

A mechanism that is (epsilon, delta(epsilon))-private for every epsilon keeps each attack below all the lines TPR <= e^epsilon FPR +
delta(epsilon), and below the same lines with both sides turned (Dong, Roth and Su, arXiv:1905.02383v3, Propositions 2.5 and 2.12).
The least of them is concave and made of straight pieces; its corners are kept, so that nothing between two corners is approximated.
Deltas that are upper limits give a curve that is an upper limit: a test against it refutes the claim too seldom, never too often.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import ndtri

from mia_audit.errors import EvidenceError
from mia_audit.statistics.tradeoff import gaussian_delta
from mia_audit.types import Floats

_POINTS = 600
_LEAST_DELTA = 1e-13
_LARGEST = 700.0


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Corners of a concave trade-off, both ascending: `fpr` [corners] from 0 to 1 and the largest `tpr` [corners] there.

    Equal to its own mirror image: guesses "in" and guesses "out" are held to the same.
    """

    fpr: Floats
    tpr: Floats

    @classmethod
    def of_lines(cls, epsilons: Floats, deltas: Floats) -> Self:
        """Return the least of all lines and mirrored lines; epsilons [points] ascend from 0 or above, deltas [points] are theirs."""
        if epsilons.ndim != 1 or epsilons.shape != deltas.shape or not epsilons.size or (np.diff(epsilons) <= 0).any():
            raise EvidenceError(
                f"a curve needs ascending epsilons and a delta for each, got {epsilons.shape} and {deltas.shape}; give a claim's"
            )
        if epsilons[0] < 0 or epsilons[-1] > _LARGEST or deltas.min() < 0 or deltas.max() > 1:
            raise EvidenceError(
                f"a curve needs epsilons from 0 to {_LARGEST:g} and deltas from 0 to 1, got {epsilons.min():g} to {epsilons.max():g} "
                f"and {deltas.min():g} to {deltas.max():g}; give a claim's"
            )
        slopes = np.exp(epsilons)
        middle = (1 - deltas[0]) / (1 + slopes[0])  # where the flattest line meets its mirror image
        meet = (deltas[:-1] - deltas[1:]) / np.diff(slopes)  # neighbouring lines, the flattest first
        x = np.concatenate([[0.0], np.maximum.accumulate(np.clip(meet, 0.0, middle)[::-1]), [middle]])
        y = np.maximum.accumulate(np.concatenate([[deltas[-1]], (slopes[:-1] * meet + deltas[:-1])[::-1], [1 - middle]]))
        return cls(fpr=np.concatenate([x, 1 - y[::-1]]), tpr=np.concatenate([y, 1 - x[::-1]]))

    @classmethod
    def of(cls, delta_of: Callable[[Floats], Floats], top: float) -> Self:
        """Return the curve of delta as a function of epsilons, looked at up to the epsilon `top`."""
        epsilons = np.linspace(0.0, min(top, _LARGEST), _POINTS)
        deltas = np.minimum.accumulate(np.clip(delta_of(epsilons), 0.0, 1.0))
        return cls.of_lines(epsilons, deltas)

    @classmethod
    def gaussian(cls, mu: float) -> Self:
        """Return the curve of mu-Gaussian privacy, from above: the least of its tangents."""
        if mu <= 0:
            return cls(fpr=np.array([0.0, 1.0]), tpr=np.array([0.0, 1.0]))
        top = mu * (mu / 2 - float(ndtri(_LEAST_DELTA)))
        return cls.of(lambda epsilons: np.array([gaussian_delta(mu, float(one)) for one in epsilons]), top)

    def most_tpr(self, fpr: Floats) -> Floats:
        """Return the largest TPR that any attack can have at each FPR."""
        return np.interp(fpr, self.fpr, self.tpr)

    def least_fpr(self, tpr: Floats) -> Floats:
        """Return the smallest FPR at which any attack can have each TPR."""
        return np.where(np.asarray(tpr) <= self.tpr[0], 0.0, np.interp(tpr, self.tpr, self.fpr))

    def least(self) -> Callable[[float], float]:
        """Return `least_fpr` of single numbers, quickly: what recursions over guesses ask."""
        x, y = self.fpr, self.tpr
        first = float(y[0])
        return lambda tpr: 0.0 if tpr <= first else float(np.interp(min(tpr, 1.0), y, x))

    def delta_at(self, epsilon: float) -> float:
        """Return the least delta at an epsilon: how far the curve rises above the line of that slope."""
        return max(0.0, float((self.tpr - np.exp(epsilon) * self.fpr).max()))

    def epsilon_at(self, delta: float) -> float:
        """Return the least epsilon at a delta, by bisection; infinite where the curve begins above delta."""
        if self.delta_at(0.0) <= delta:
            return 0.0
        low, high = 0.0, _LARGEST
        if self.delta_at(high) > delta:
            return float("inf")
        while high - low > 1e-9 * max(1.0, high):
            middle = (low + high) / 2
            low, high = (low, middle) if self.delta_at(middle) <= delta else (middle, high)
        return high

    def steepness(self, fpr: Floats) -> Floats:
        """Return the slope at each FPR."""
        place = np.clip(np.searchsorted(self.fpr, fpr, side="right"), 1, self.fpr.size - 1)
        run, rise = np.diff(self.fpr), np.diff(self.tpr)
        slopes = np.divide(rise, run, out=np.full(run.shape, np.exp(_LARGEST / 2)), where=run > 0)
        chosen: Floats = slopes[place - 1]
        return chosen
