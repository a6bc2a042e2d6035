"""What a private training may depend on beside its members: public constants of the recipe, the same for every model.

The sampling rate, the steps and the divisor follow from the batch size and from how many members are expected of a pool. Computed
from the members that a model has, they would differ between neighbours, and the accountant's epsilon would hold for neither.
"""

import math
from dataclasses import dataclass

from mia_audit.privacy.mechanism import Mechanism
from mia_audit.recipe import Recipe, filled


@dataclass(frozen=True, kw_only=True)
class Constants:
    """Examples that a step holds on average, and the members that are expected."""

    batch: int
    examples: int

    @property
    def rate(self) -> float:
        """The probability with which a member is in a step."""
        return self.batch / self.examples

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return math.ceil(self.examples / self.batch)


def constants(recipe: Recipe, pool: int) -> Constants:
    """Return the constants of a resolved recipe for a pool of this size."""
    expected = max(1, round(pool * recipe.data.member_fraction))
    return Constants(batch=min(filled(recipe.training.batch_size), expected), examples=expected)


def mechanism(recipe: Recipe) -> Mechanism:
    """Return what the accountant is told of a resolved recipe with [privacy]: every epoch that is run."""
    private, told = filled(recipe.privacy), constants(recipe, filled(recipe.data.pool))
    return Mechanism(
        noise_multiplier=filled(private.noise_multiplier),
        batch=told.batch,
        examples=told.examples,
        epochs=recipe.training.last_epoch,
        sampling=private.sampling,
    )
