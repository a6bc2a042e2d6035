"""A claim, the curve that it permits, and the curves of the same training with less noise or more.

A violation is read as a training of the family with less noise: its epsilon is what an instrument shows. It is a lower bound of the true
epsilon where the training is a member of the family; that the claim is refuted needs no such thing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mia_audit.errors import RecipeError
from mia_audit.privacy import stated as claims
from mia_audit.privacy.accounting import COARSE
from mia_audit.privacy.stated import Stated
from mia_audit.statistics.curve import Curve

FACTORS = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
_LEAST, _MOST = 0.1, 16.0


@dataclass(frozen=True, kw_only=True)
class Family:
    """A claim and its relatives; curves are computed once."""

    claim: Stated
    kept: dict[float, Curve] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether the claim has a whole curve; else epsilon and delta are one point, and that alone is tested."""
        return self.claim.sampling != "balls-and-bins"

    def curve(self, factor: float = 1.0) -> Curve:
        """Return what the training permits with so many times the claimed noise."""
        if factor not in self.kept:
            self.kept[factor] = self._computed(factor)
        return self.kept[factor]

    def _computed(self, factor: float) -> Curve:
        if not self.whole:
            if self.claim.epsilon is None or factor != 1.0:
                raise RecipeError(
                    f"a test of --sampling {self.claim.sampling} needs --epsilon, got none; take it from `mia-audit account --sampling "
                    f"{self.claim.sampling}`"
                )
            return Curve.of_lines(np.array([self.claim.epsilon]), np.array([self.claim.delta]))
        relative = self.claim.with_noise(factor)
        width = COARSE * max(1.0, 0.5 / relative.noise_multiplier**2)  # a large epsilon needs no finer bins, and takes minutes in them
        found = claims.profile(relative, width=width)
        return Curve.of_lines(found.epsilons, found.deltas)

    def epsilon(self, factor: float = 1.0) -> float:
        """Return epsilon at the claim's delta with so many times the claimed noise."""
        return self.curve(factor).epsilon_at(self.claim.delta)

    def largest(self, seen: Callable[[float], bool]) -> float | None:
        """Return the largest share of the claimed noise, of a few, that is seen; None where none is."""
        return next((factor for factor in FACTORS if seen(factor)), None)

    def shown(self, refuted: Callable[[Curve], bool]) -> float:
        """Return the epsilon of the least noisy relative that is refuted, by bisection to 2 %; 0 where none is."""
        if not refuted(self.curve(_MOST)):
            return 0.0
        low, high = _LEAST, _MOST  # refuted at high
        while high / low > 1.02:
            middle = math.sqrt(low * high)
            low, high = (low, middle) if refuted(self.curve(middle)) else (middle, high)
        return self.epsilon(high)
