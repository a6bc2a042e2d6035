"""Robust membership inference attack (RMIA): the target's confidence against what reference models make of the example.

Zarifzadeh, Liu and Shokri, "Low-Cost High-Power Membership Inference Attacks", ICML 2024, arXiv:2312.03262v3. Names follow the
paper: LR(x, z) = (Pr(x|theta) / Pr(x)) / (Pr(z|theta) / Pr(z)), where Pr(x) is the mean over reference models; x is called a
member where LR(x, z) >= gamma for a share beta of the examples z of an outside population (`PopulationData`).

Departs from the paper: the score is log Pr(x|theta) / Pr(x), less log gamma and less the beta-quantile of the same ratio over z,
both on a scale where ratios of probabilities that are nearly 1 stay apart (`nearly_one.py`).
It is 0 or more exactly where the paper calls x a member. For a fixed population the paper's score (the share of z with
LR >= gamma) is a monotone function of it, and ties where it does not. Several queries are averaged as log-probabilities.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.nearly_one import log_mean_missing, log_ratio, spread_values, unspread
from mia_audit.attacks.observables import each_model, log_loss, log_over_queries
from mia_audit.attacks.ranges import Range, Share
from mia_audit.types import Evidence, Floats, PopulationData

Surpassed: TypeAlias = Annotated[float, Range(above=0)]
Part: TypeAlias = Annotated[float, Range(above=0, most=1)]


@dataclass(frozen=True, kw_only=True)
class OnlineRMIA(Attack):
    """Reference models trained with or without the example, alike; works from one reference model on.

    gamma  by how much x must surpass z
    beta   the share of z that x must surpass
    """

    name = "rmia-online"
    shadows_per_side = 0
    needs = frozenset({"shadows", "population"})
    gamma: Surpassed = 2.0
    beta: Part = 0.5

    def _score(self, seen: Evidence) -> Floats:
        """Return log ratio of x less what it must surpass, [examples]; larger means more likely a member."""
        of_x = log_ratio(_target(seen), log_mean_missing(_shadows(seen)))
        pool = _pool(seen)
        of_z = log_ratio(_target(pool), log_mean_missing(_shadows(pool)))
        return of_x - _bar(of_z, self.gamma, self.beta)


@dataclass(frozen=True, kw_only=True)
class OfflineRMIA(Attack):
    """Reference models without the example only; what models with it would say is guessed: Pr_IN = a Pr_OUT + 1 - a.

    gamma  by how much x must surpass z
    beta   the share of z that x must surpass
    a      of the guess: 1 is "as without it", 0 is "certain"
    """

    name = "rmia-offline"
    shadows_per_side = 1
    offline = True
    needs = frozenset({"shadows", "population"})
    gamma: Surpassed = 2.0
    beta: Part = 0.5
    a: Share = 0.3

    def _score(self, seen: Evidence) -> Floats:
        """Return log ratio of x less what it must surpass, [examples]; larger means more likely a member."""
        of_x = log_ratio(_target(seen), self._corrected(log_mean_missing(_shadows(seen), ~seen.trained_on)))
        pool = _pool(seen)
        of_z = log_ratio(_target(pool), self._corrected(log_mean_missing(_shadows(pool))))
        return of_x - _bar(of_z, self.gamma, self.beta)

    def _corrected(self, without: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Return log Pr and log(1 - Pr) of the mean of Pr_OUT and the guess at Pr_IN, from those of Pr_OUT."""
        if self.a == 1:
            return without
        missing = np.log(0.5 * (1 + self.a)) + without[1]
        return np.log1p(-np.exp(missing)), missing


def _target(seen: Evidence | PopulationData) -> Floats:
    return log_over_queries(log_loss(seen.target, seen.labels))


def _shadows(seen: Evidence | PopulationData) -> Floats:
    return each_model(log_loss, seen.shadows, seen.labels, logs=True)


def _pool(seen: Evidence) -> PopulationData:
    assert seen.population is not None, "require_needs was asked"  # noqa: S101
    return seen.population


def _bar(of_z: Floats, gamma: float, beta: float) -> float:
    """Return what log ratio of x must reach, scaled like it: gamma times the ratio that a share beta of z does not exceed."""
    place = max(int(np.ceil(beta * of_z.size - 1e-9)), 1) - 1
    bar = np.log(gamma) + unspread(np.partition(of_z, place)[place])
    return float(spread_values(np.asarray(bar)))
