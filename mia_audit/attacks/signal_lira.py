"""The likelihood ratio (LiRA) on what else was observed: a vector, or one number, of every example.

Carlini et al., "Membership Inference Attacks From First Principles", IEEE S&P 2022, arXiv:2112.03570v2, Algorithm 1, with other values
than the confidence. An attack is a row: which signals it needs, and how they become values; the rows stand beside their papers, in
`checkpoints`, `steps`, `firing`, `gradients`, `inverse_hessian`, `releases`, `label_only` and `degraded`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.gaussians import projected_log_ratio, vector_log_ratio
from mia_audit.attacks.ranges import Ridge
from mia_audit.types import Evidence, Floats

AnAttack = TypeVar("AnAttack", bound=Attack)

Values: TypeAlias = tuple[Floats, Floats]
"""Of the target and of the shadow models, the latter with models as the first axis."""


@dataclass(frozen=True, kw_only=True)
class SignalLiRA(Attack):
    """Weigh "trained on x" against "not trained on x" by a vector, in the direction that tells shadow models' members best.

    of     the vectors: target [values, examples] and shadow models [models, values, examples], from the evidence
    ridge  share of the mean variance that is added to every value's variance
    """

    shadows_per_side = 2
    name: str
    needs: frozenset[str]
    of: Callable[[Evidence], Values]
    ridge: Ridge = 0.001

    def _score(self, seen: Evidence) -> Floats:
        target, shadow = self.of(seen)
        return projected_log_ratio(target, shadow, seen.trained_on, self.ridge)


@dataclass(frozen=True, kw_only=True)
class NumberLiRA(Attack):
    """Weigh "trained on x" against "not trained on x" by one number.

    of  the numbers: target [examples] and shadow models [models, examples], from the evidence
    """

    shadows_per_side = 2
    name: str
    needs: frozenset[str]
    of: Callable[[Evidence], Values]

    def _score(self, seen: Evidence) -> Floats:
        target, shadow = self.of(seen)
        return vector_log_ratio(target[None], shadow[:, None], seen.trained_on, 0.0)


def on_signals(kind: Callable[..., AnAttack], name: str, *signals: str, by: Callable[..., Floats]) -> AnAttack:
    """Return a row: an attack on what a function makes of one model's signals and the labels."""
    return kind(name=name, needs=frozenset({"shadows", *signals}), of=partial(described, signals=signals, by=by))


def described(seen: Evidence, *, signals: tuple[str, ...], by: Callable[..., Floats]) -> Values:
    """Return what the function makes of the target, and of every shadow model."""
    there = [seen.signals[name] for name in signals]
    each = zip(*(signal.shadows for signal in there), strict=True)
    return by(*(signal.target for signal in there), seen.labels), np.stack([by(*arrays, seen.labels) for arrays in each])
