"""Likelihood-ratio attack whose spreads are shrunken: each example's own, as far as its few shadow models can be believed.

Brännvall, "Exponential-Family Membership Inference: From LiRA and RMIA to BaVarIA", arXiv:2603.11799v1: a conjugate prior on the
variance gives a Student-t predictive density for each side. The prior's centre and weight are estimated from all examples at
once by the method of moments for log variances (Smyth, "Linear Models and Empirical Bayes Methods for Assessing Differential
Expression in Microarray Experiments", 2004, section 6.2).

Departs from the paper: the mean's prior is flat; the prior is estimated, not chosen; several queries are averaged.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.special import digamma, polygamma
from scipy.stats import t as student

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.gaussians import SMALLEST_SIGMA, Moments, moments
from mia_audit.attacks.observables import each_model, phi
from mia_audit.attacks.ranges import Range
from mia_audit.types import Bools, Evidence, Floats

_FEWEST_DEGREES = 1.0


@dataclass(frozen=True, kw_only=True)
class ShrunkenLiRA(Attack):
    """Weigh "trained on x" against "not trained on x", one Student-t each.

    most_degrees  the prior on an example's variance weighs at most as much as so many shadow models
    """

    name = "lira-shrunken"
    shadows_per_side = 2
    needs = frozenset({"shadows"})
    most_degrees: Annotated[float, Range(least=_FEWEST_DEGREES)] = 1_000.0

    def _score(self, seen: Evidence) -> Floats:
        """Return the log ratio of the two predictive densities, [examples]; larger means more likely a member."""
        target: Floats = phi(seen.target, seen.labels).mean(axis=0)
        shadow = each_model(phi, seen.shadows, seen.labels)
        return self._log_density(target, shadow, seen.trained_on) - self._log_density(target, shadow, ~seen.trained_on)

    def _log_density(self, target: Floats, shadow: Floats, side: Bools) -> Floats:
        there = moments(shadow, side)
        degrees, variance = prior(there, self.most_degrees)
        own = there.count - 1
        posterior = (degrees * variance + there.squares) / (degrees + own)
        scale = np.sqrt(np.maximum(posterior, SMALLEST_SIGMA**2) * (1 + 1 / there.count))
        density: Floats = student.logpdf((target - there.mean) / scale, degrees + own) - np.log(scale)
        return density


def prior(there: Moments, most: float) -> tuple[float, float]:
    """Return how many degrees of freedom the prior is worth, and its variance: one side's spread of spreads over examples.

    With log s^2 = log sigma0^2 + log F(own, prior degrees), mean and variance of log s^2 over the examples give both.
    """
    degrees = there.count - 1.0
    logs = np.log(np.maximum(there.squares / degrees, SMALLEST_SIGMA**2))
    centred = logs - digamma(degrees / 2) + np.log(degrees / 2)
    surplus = float(centred.var() - polygamma(1, degrees / 2).mean())
    worth = min(max(2 * _inverse_trigamma(surplus), _FEWEST_DEGREES), most) if surplus > 0 else most
    return worth, float(np.exp(centred.mean() + digamma(worth / 2) - np.log(worth / 2)))


def _inverse_trigamma(value: float) -> float:
    """Return y with trigamma(y) = value, by Newton's steps on 1 / trigamma, which is nearly straight."""
    y = 0.5 + 1 / value
    for _ in range(50):
        here = float(polygamma(1, y))
        step = here * (1 - here / value) / float(polygamma(2, y))
        y += step
        if abs(step) < 1e-10 * y:
            break
    return y
