"""Quantile regression: no shadow model, one regression of the target's confidence on the inputs.

Bertran et al., "Scalable Membership Inference Attacks via Quantile Regression", NeurIPS 2023, arXiv:2307.03694v1: on examples that
are known not to be members, learn which confidence the target shows for inputs like x; x is called a member where the target is
surer than the 1 - alpha quantile. What is fitted is the target's behaviour on the population data; its membership is never seen.

Departs from the paper: the quantiles stand in one scale, median and spread (three regressions), so that one score serves every
alpha; half of the population data fits and the other half calibrates, so that a score above 0 has the false positive rate alpha (or
1 / (n + 1), where only n examples calibrate and that is more) on examples outside both, whatever the regression is worth;
scikit-learn's gradient-boosted trees; several queries are averaged.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.learning import Classifier
from mia_audit.attacks.observables import phi
from mia_audit.attacks.ranges import Count, Range
from mia_audit.streams import stream
from mia_audit.types import Evidence, Floats, Ints

_QUARTILES = (0.25, 0.5, 0.75)
_LEAST_SPREAD = 0.1
"""Share of the population data's own spread that the spread of an input is at least; also where leaves are nearly constant."""


@dataclass(frozen=True, kw_only=True)
class QuantileRegression(Attack):
    """How far the target is surer than it usually is of inputs like this one.

    alpha  false positive rate of a score above 0
    trees  how many to a quartile; each has at most eight leaves
    seed   of the split
    """

    name = "quantile-regression"
    shadows_per_side = 0
    needs = frozenset({"population", "features"})
    alpha: Annotated[float, Range(above=0, below=1)] = 0.1
    trees: Count = 50
    seed: int = 0

    def _score(self, seen: Evidence) -> Floats:
        """Return (phi - median) / spread less its calibrated quantile, [examples]; larger means more likely a member."""
        pool = seen.population
        assert pool is not None, "require_needs was asked"  # noqa: S101
        assert seen.features is not None, "require_needs was asked"  # noqa: S101
        outside = phi(pool.target, pool.labels).mean(axis=0)
        order = stream(self.seed, "split of the third pool").permutation(outside.size)
        fit, calibrate = order[: max(1, outside.size // 2)], order[outside.size // 2 :]
        inputs = _described(pool.features if pool.features is not None else np.empty((outside.size, 0)), pool.labels, seen.classes)
        scale = self._fit(inputs[fit], outside[fit])
        bar = honest_quantile(scale(inputs[calibrate], outside[calibrate]), self.alpha)
        target: Floats = phi(seen.target, seen.labels).mean(axis=0)
        return scale(_described(seen.features, seen.labels, seen.classes), target) - bar

    def _fit(self, inputs: Floats, values: Floats) -> "_Scale":
        floor = max(_LEAST_SPREAD * float(np.subtract(*np.quantile(values, [0.75, 0.25]))), 1e-3)
        with threadpool_limits(limits=1):
            quartiles = tuple(self._regression(q).fit(inputs, values) for q in _QUARTILES)
        return _Scale(quartiles=quartiles, floor=floor)

    def _regression(self, quantile: float) -> Classifier:
        return HistGradientBoostingRegressor(
            loss="quantile",
            quantile=quantile,
            max_iter=self.trees,
            max_leaf_nodes=8,
            early_stopping=False,  # pyright: ignore[reportArgumentType]  # documented as 'auto' or bool
            random_state=self.seed,
        )


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """Fitted quartiles: where phi of an input usually lies, and how widely it is spread."""

    quartiles: tuple[Classifier, ...]
    floor: float

    def __call__(self, inputs: Floats, values: Floats) -> Floats:
        with threadpool_limits(limits=1):
            low, middle, high = np.sort([quartile.predict(inputs) for quartile in self.quartiles], axis=0)
        standing: Floats = (values - middle) / np.maximum(high - low, self.floor)
        return standing


def honest_quantile(scores: Floats, alpha: float) -> float:
    """Return the score that a further exchangeable example exceeds with probability alpha at most: the conformal quantile.

    With n scores that is possible from alpha = 1 / (n + 1) on; below, the largest score is returned, which is exceeded that often.
    """
    place = int(np.ceil((1 - alpha) * (scores.size + 1) - 1e-9))
    return float(np.sort(scores)[min(place, scores.size) - 1])


def _described(features: Floats, labels: Ints, classes: int) -> Floats:
    """Return the inputs with the label beside them, one column a class."""
    described: Floats = np.concatenate([features, np.arange(classes) == labels[:, None]], axis=1)
    return described
