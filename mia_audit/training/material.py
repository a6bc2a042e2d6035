"""What every worker is handed beside its task. No torch here: the parent process trains nothing and need not import it."""

from dataclasses import dataclass

import numpy as np

from mia_audit.data.examples import Examples
from mia_audit.recipe import Recipe
from mia_audit.types import Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Material:
    """What every worker gets: the recipe, and the examples (inputs channels last)."""

    recipe: Recipe
    classes: int
    pool_inputs: Floats
    pool_labels: Ints
    population_inputs: Floats
    test_inputs: Floats


def material(recipe: Recipe, examples: Examples) -> Material:
    """Return an audit's examples as the engine holds them: images channels last, [N, H, W, C], events [N, T, H, W, C]."""
    return Material(
        recipe=recipe,
        classes=examples.profile.classes,
        pool_inputs=_channels_last(examples.pool_inputs),
        pool_labels=examples.pool_labels,
        population_inputs=_channels_last(examples.population_inputs),
        test_inputs=_channels_last(examples.test_inputs),
    )


def _channels_last(inputs: Floats) -> Floats:
    return np.ascontiguousarray(np.moveaxis(inputs, -3, -1)) if inputs.ndim > 3 else inputs
