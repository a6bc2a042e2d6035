"""Likelihood-ratio attack whose gap and spreads are shared over examples: strong with very few shadow models.

Carlini et al., "Membership Inference Attacks From First Principles", IEEE S&P 2022, arXiv:2112.03570v2: phi of models trained with (IN)
and without (OUT) an example, one Gaussian each. What training on an example does to its phi depends mostly on how hard it is, so the gap
between both means is estimated as a smooth function of the example's level, from all examples at once, as Smyth ("Linear Models and
Empirical Bayes Methods for Assessing Differential Expression in Microarray Experiments", 2004) shares variances. Every shadow model,
IN or OUT, then tells the level: two models give what Algorithm 1 needs many for.

    level      mean of phi over all shadow models, each less the gap if it is IN
    gap        IN mean less OUT mean, averaged over examples of like level with weights n_in n_out / n; never below 0
    spreads    of IN and of OUT models about level and gap, averaged likewise; an example's own spread counts for both sides as far as its
               few models can be believed (the prior of `lira_shrunken.py`, which gives a Student-t instead of a Gaussian)

Where no example has a model on either side the gap is unknown, and the score is the limit of a small one: phi less the level.
"""

from dataclasses import dataclass

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.gaussians import SMALLEST_SIGMA, Moments
from mia_audit.attacks.lira_shrunken import prior
from mia_audit.attacks.observables import each_model, phi
from mia_audit.attacks.ranges import Count
from mia_audit.types import Bools, Evidence, Floats

EXAMPLES_A_BIN = 60
MOST_DEGREES = 1_000.0
_ROUNDS = 3
"""Level and gap follow from each other; three rounds settle both."""


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What the shadow models say of each example: OUT level, gap, IN and OUT variance, all [examples]; and degrees of freedom.

    known   whether the gap could be estimated
    models  how many shadow models there are
    """

    level: Floats
    gap: Floats
    inside: Floats
    outside: Floats
    degrees: float
    models: int
    known: bool

    def log_ratio(self, target: Floats) -> Floats:
        """Return the log ratio of IN to OUT density of phi [examples]; phi less the level where the gap is not known."""
        if not self.known:
            return target - self.level
        return self._log_density(target - self.level - self.gap, self.inside) - self._log_density(target - self.level, self.outside)

    def _log_density(self, distance: Floats, variance: Floats) -> Floats:
        wide = variance * (1 + 1 / self.models)  # the level is a mean of so many
        density: Floats = -0.5 * (self.degrees + 1) * np.log1p(distance**2 / (self.degrees * wide)) - 0.5 * np.log(wide)
        return density


@dataclass(frozen=True, kw_only=True)
class SharedGapLiRA(Attack):
    """Weigh "trained on x" against "not trained on x", the difference that training makes being shared by examples of like level.

    bins  most groups of examples, by level, between which gap and spreads are smoothed
    """

    name = "lira-shared-gap"
    shadows_per_side = 0
    needs = frozenset({"shadows"})
    bins: Count = 24

    def _score(self, seen: Evidence) -> Floats:
        """Return log Lambda, [examples]; larger means more likely a member."""
        target: Floats = phi(seen.target, seen.labels).mean(axis=0)
        shadow = each_model(phi, seen.shadows, seen.labels).astype(np.float64)
        return shared(shadow, seen.trained_on, self.bins).log_ratio(target)


def shared(shadow: Floats, trained_on: Bools, bins: int = 24) -> Shared:
    """Return what phi of shadow models [models, examples] says of levels, gaps and spreads."""
    models, inside = len(shadow), trained_on.sum(axis=0)
    total, of_inside = shadow.sum(axis=0), np.where(trained_on, shadow, 0.0).sum(axis=0)
    apart = of_inside / np.maximum(inside, 1) - (total - of_inside) / np.maximum(models - inside, 1)
    weight = inside * (models - inside) / models  # 0 where a side is empty
    if not weight.any():
        nothing = np.zeros_like(total)
        return Shared(level=total / models, gap=nothing, inside=nothing, outside=nothing, degrees=1.0, models=models, known=False)
    gap = np.full_like(total, (weight * apart).sum() / weight.sum())
    for _ in range(_ROUNDS):
        gap = np.maximum(smoothed((total - gap * inside) / models, apart, weight, bins), 0.0)
    level = (total - gap * inside) / models
    squares = (shadow - level - gap * trained_on) ** 2
    return _with_spreads(level, gap, squares, trained_on, bins)


def _with_spreads(level: Floats, gap: Floats, squares: Floats, trained_on: Bools, bins: int) -> Shared:
    """Add variances: of each side smoothed over levels, and both times how widely an example's own models are spread.

    What the level takes of the squares is alike on both sides, and comes back with the centre of the prior.
    """
    models = len(squares)
    sides = []
    for side in (trained_on, ~trained_on):
        count = side.sum(axis=0)
        each = np.where(side, squares, 0.0).sum(axis=0) / np.maximum(count, 1)
        sides.append(np.maximum(smoothed(level, each, count, bins), SMALLEST_SIGMA**2))
    usual = np.where(trained_on, *(side[None] for side in sides))
    relative = Moments(count=np.full(level.size, models), mean=level, squares=(squares / usual).sum(axis=0))
    worth, centre = prior(relative, MOST_DEGREES)
    degrees = worth + models - 1
    wider = (worth * centre + relative.squares) / degrees
    variances = [np.maximum(side * wider, SMALLEST_SIGMA**2) for side in sides]
    return Shared(level=level, gap=gap, inside=variances[0], outside=variances[1], degrees=degrees, models=models, known=True)


def smoothed(level: Floats, values: Floats, weights: Floats, bins: int) -> Floats:
    """Return values averaged over examples of like level, [examples]: weighted means of bins and their neighbours, straight in between.

    Each bin has one example's usual weight of the mean over all besides, so that a bin of no weight takes that.
    """
    order = np.argsort(level, kind="stable")
    parts = np.array_split(order, min(bins, max(1, level.size // EXAMPLES_A_BIN)))
    centres = np.array([level[part].mean() for part in parts])
    sums = np.array([(weights[part] * values[part]).sum() for part in parts])
    amounts = np.array([weights[part].sum() for part in parts], dtype=np.float64)
    usual = amounts.sum() / level.size
    near = np.arange(len(parts))
    kernel = np.maximum(0.0, 1 - np.abs(near[:, None] - near) / 2)
    means = (kernel @ sums + usual * sums.sum() / amounts.sum()) / (kernel @ amounts + usual)
    found: Floats = np.interp(level, centres, means)
    return found
