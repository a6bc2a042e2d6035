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
    calibration_inputs: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that a network is built for: of one example, or of one frame where examples are events."""
        return frame(self.pool_inputs)


def material(recipe: Recipe, examples: Examples) -> Material:
    """Return an audit's examples as the engine holds them: images channels last, [N, H, W, C], events [N, T, H, W, C]."""
    return Material(
        recipe=recipe,
        classes=examples.profile.classes,
        pool_inputs=_channels_last(examples.pool_inputs),
        pool_labels=examples.pool_labels,
        population_inputs=_channels_last(examples.population_inputs),
        test_inputs=_channels_last(examples.test_inputs),
        calibration_inputs=_channels_last(examples.calibration_inputs),
    )


def frame(inputs: Floats) -> tuple[int, ...]:
    """Return the shape of one example, or of one frame of events [N, T, H, W, C]."""
    return inputs.shape[1:] if inputs.ndim < 5 else inputs.shape[2:]


def _channels_last(inputs: Floats) -> Floats:
    return np.ascontiguousarray(np.moveaxis(inputs, -3, -1)) if inputs.ndim > 3 else inputs
