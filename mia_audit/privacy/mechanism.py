"""What DP-SGD did, as public constants: the only things that its (epsilon, delta) may depend on.

Abadi et al. 2016, arXiv:1607.00133v2, Algorithm 1. Each step adds Gaussian noise of `noise_multiplier` times the clipping norm to
a sum of clipped gradients. How examples came into a step is the sampler's: each by a coin of its own (`poisson`), each into one
random step of an epoch (`balls-and-bins`, arXiv:2412.16802), or each once an epoch in an order that an attacker may know (`shuffle`).
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from mia_audit.errors import RecipeError, nearest

Sampling = Literal["poisson", "balls-and-bins", "shuffle"]
SAMPLINGS: tuple[str, ...] = get_args(Sampling)


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """A DP-SGD training.

    batch     examples a step holds on average; a constant, never what a model's own members come to
    examples  that a step is drawn from
    epochs    of ceil(examples / batch) steps each; every epoch run counts, not only the released one's
    """

    noise_multiplier: float
    batch: int
    examples: int
    epochs: int
    sampling: str = "poisson"

    def __post_init__(self) -> None:
        if self.sampling not in SAMPLINGS:
            raise RecipeError(f"--sampling needs a sampler that is accounted for, got {self.sampling!r}{nearest(self.sampling, SAMPLINGS)}")
        if not (self.noise_multiplier > 0 and math.isfinite(self.noise_multiplier)):
            raise RecipeError(
                f"a guarantee needs a noise multiplier above 0, got {self.noise_multiplier:g}; without noise epsilon is infinite: "
                "give --noise-multiplier, or --target-epsilon to have it found"
            )
        for name, value in (("--batch", self.batch), ("--examples", self.examples), ("--epochs", self.epochs)):
            if value < 1:
                raise RecipeError(f"{name} needs a whole number from 1, got {value}")
        if self.batch > self.examples:
            raise RecipeError(f"--batch needs at most as many as --examples, {self.examples}, got {self.batch}")

    @property
    def rate(self) -> float:
        """The probability with which an example is in a step."""
        return self.batch / self.examples

    @property
    def epoch(self) -> int:
        """Steps an epoch."""
        return math.ceil(self.examples / self.batch)

    @property
    def steps(self) -> int:
        """All steps."""
        return self.epoch * self.epochs


def check_delta(delta: float, examples: int) -> float:
    """Return delta; RecipeError unless it lies between 0 and 1 / examples: a larger one permits to publish somebody's record whole."""
    if not 0 < delta < 1 / examples:
        raise RecipeError(
            f"--delta needs to be above 0 and below 1 / examples = {1 / examples:.3g}, got {delta:g}; "
            f"a common choice is {10 ** math.floor(math.log10(0.5 / examples)):g}"
        )
    return delta
