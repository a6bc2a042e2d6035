"""How a cohort is trained: a sampler, which says what each step is given, and a step, which makes gradients and an update of it.

The loop over epochs and steps (`lockstep.py`) knows neither: another way to train is another pair.
"""

from dataclasses import dataclass

from mia_audit.models.network import Population
from mia_audit.recipe import Recipe
from mia_audit.training.batches import Sampler
from mia_audit.training.private_step import PrivateStep
from mia_audit.training.sampling import sampler
from mia_audit.training.stepping import PlainStep, Step
from mia_audit.types import Bools


@dataclass(frozen=True, kw_only=True)
class Procedure:
    """One way to train."""

    sampler: Sampler
    step: Step


def procedure(recipe: Recipe, indices: tuple[int, ...], rows: Bools, population: Population) -> Procedure:
    """Return the way that a recipe asks for, for models `indices` with membership rows [K, pool]."""
    step = PlainStep(recipe.training, population) if recipe.privacy is None else PrivateStep(recipe, indices, population)
    return Procedure(sampler=sampler(recipe, indices, rows), step=step)
