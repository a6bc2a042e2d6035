"""A claim to be tested: (noise multiplier, rate, steps, delta) of a DP-SGD training, its sampler, and which data sets are neighbours.

What the claim permits at every epsilon comes from privacy loss distributions (`accounting`), rounded so that delta is an upper limit: a
test against it refutes too seldom, never too often. Without sampling it is a Gaussian release of mu = sqrt(releases) / sigma. Under
replace-one an example is another, and a sum moves by twice the clipping norm.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mia_audit.errors import RecipeError, nearest
from mia_audit.privacy import gaussian
from mia_audit.privacy.accounting import COARSE, library
from mia_audit.privacy.mechanism import SAMPLINGS

ADJACENCIES = ("add/remove", "replace-one")
_RELATIONS = {"add/remove": "ADD_OR_REMOVE_ONE", "replace-one": "REPLACE_ONE"}
_SMALLEST = 1e-12
_LARGEST = 700.0


@dataclass(frozen=True, kw_only=True)
class Stated:
    """A DP-SGD training as somebody states it.

    noise_multiplier  standard deviation of the noise over the clipping norm
    rate              the probability of being in a step; with `shuffle` and `balls-and-bins` one over the steps of an epoch
    steps             all of them
    epsilon           what they say it comes to, where they say it
    """

    noise_multiplier: float
    rate: float
    steps: int
    delta: float
    sampling: str = "poisson"
    adjacency: str = "add/remove"
    epsilon: float | None = None

    def __post_init__(self) -> None:
        if self.sampling not in SAMPLINGS:
            raise RecipeError(f"--sampling needs a sampler that is accounted for, got {self.sampling!r}{nearest(self.sampling, SAMPLINGS)}")
        if self.adjacency not in ADJACENCIES:
            raise RecipeError(f"--adjacency needs to be known, got {self.adjacency!r}{nearest(self.adjacency, ADJACENCIES)}")
        if not (self.noise_multiplier > 0 and math.isfinite(self.noise_multiplier)):
            raise RecipeError(
                f"a claim needs a noise multiplier above 0, got {self.noise_multiplier:g}; without noise no epsilon is finite, "
                "so that there is nothing to test"
            )
        for name, value, most in (("--rate", self.rate, 1.0), ("--delta", self.delta, 0.5)):
            if not 0 < value <= most:
                raise RecipeError(f"{name} needs to be above 0 and at most {most:g}, got {value:g}")
        if self.steps < 1:
            raise RecipeError(f"--steps needs a whole number from 1, got {self.steps}")
        if self.epsilon is not None and not 0 <= self.epsilon < _LARGEST:
            raise RecipeError(f"--epsilon needs to be from 0 to {_LARGEST:g}, got {self.epsilon:g}")
        if self.sampling != "poisson" and self.steps % self.epoch:
            raise RecipeError(
                f"--steps needs whole epochs of 1 / rate = {self.epoch} steps with {self.sampling}, got {self.steps}; "
                f"give {math.ceil(self.steps / self.epoch) * self.epoch}"
            )

    @property
    def sensitivity(self) -> float:
        """How far one example moves a sum at most, in clipping norms."""
        return 1.0 if self.adjacency == "add/remove" else 2.0

    @property
    def step_mu(self) -> float:
        """How far one example moves the sum of a step that has it, in standard deviations of the noise."""
        return self.sensitivity / self.noise_multiplier

    @property
    def epoch(self) -> int:
        """Steps an epoch."""
        return max(1, round(1 / self.rate))

    @property
    def mu(self) -> float | None:
        """Of the Gaussian release that the whole training is, where it is one: nothing sampled, or in an order that may be known."""
        releases = self.steps if self.rate == 1 else self.steps // self.epoch if self.sampling == "shuffle" else None
        return None if releases is None else math.sqrt(releases) * self.step_mu

    def with_noise(self, factor: float) -> Self:
        """Return the claim that a training with so many times the noise would have met."""
        return replace(self, noise_multiplier=self.noise_multiplier * factor)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Upper limits of delta [points] at ascending epsilons [points]: all that a claim permits."""

    epsilons: npt.NDArray[np.float64]
    deltas: npt.NDArray[np.float64]


def profile(claim: Stated, points: int = 600, width: float = COARSE) -> Profile:
    """Return what a claim permits; RecipeError for balls and bins, whose delta is computed at one epsilon at a time and in minutes."""
    if (mu := claim.mu) is not None:
        epsilons = np.linspace(0.0, min(_LARGEST, max(1.0, gaussian.epsilon_of(mu, _SMALLEST))), points)
        return Profile(epsilons=epsilons, deltas=np.array([gaussian.delta_of(mu, float(each)) for each in epsilons]))
    losses = _losses(claim, width)
    top = float(losses.get_epsilon_for_delta(_SMALLEST))
    epsilons = np.linspace(0.0, min(_LARGEST, max(1.0, top if math.isfinite(top) else _LARGEST)), points)
    deltas = np.clip(np.asarray(losses.get_delta_for_epsilon(epsilons), dtype=np.float64), 0.0, 1.0)
    return Profile(epsilons=epsilons, deltas=np.minimum.accumulate(deltas))


def epsilon_of(claim: Stated, width: float = COARSE) -> float:
    """Return an upper bound of epsilon at the claim's delta."""
    if (mu := claim.mu) is not None:
        return gaussian.epsilon_of(mu, claim.delta)
    return float(_losses(claim, width).get_epsilon_for_delta(claim.delta))


def least_epsilon_of(claim: Stated, width: float = COARSE) -> float:
    """Return a lower bound of the same: a claim of less than this is wrong before anything is measured."""
    if (mu := claim.mu) is not None:
        return gaussian.epsilon_of(mu, claim.delta)
    return float(_losses(claim, width, least=True).get_epsilon_for_delta(claim.delta))


def _losses(claim: Stated, width: float, *, least: bool = False) -> Any:
    """Return dp-accounting's privacy loss distribution of the whole training, from above or from below."""
    if claim.sampling != "poisson":
        raise RecipeError(
            f"a whole trade-off needs --sampling poisson or shuffle, got {claim.sampling!r}; its delta is computed at one epsilon only: "
            "give --epsilon, from `mia-audit account`, and that point alone is tested"
        )
    relation = getattr(library("dp_accounting").NeighboringRelation, _RELATIONS[claim.adjacency])
    step = library("dp_accounting.pld.privacy_loss_distribution").from_gaussian_mechanism(
        claim.noise_multiplier,
        sampling_prob=claim.rate,
        neighboring_relation=relation,
        value_discretization_interval=width,
        pessimistic_estimate=not least,
        use_connect_dots=not least,
    )
    return step.self_compose(claim.steps)
