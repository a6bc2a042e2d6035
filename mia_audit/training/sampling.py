"""Which sampler a recipe asks for. No torch here: what should have been fed is worked out without it."""

from mia_audit.recipe import Recipe, settled
from mia_audit.training.batches import Sampler, Shuffled, steps_per_epoch
from mia_audit.types import Bools


def sampler(recipe: Recipe, indices: tuple[int, ...], rows: Bools) -> Sampler:
    """Return the sampler of models `indices` with membership rows [K, pool]."""
    steps = steps_per_epoch(rows.shape[1], recipe.data.member_fraction, settled(recipe.training.batch_size))
    return Shuffled(rows=rows, indices=indices, seed=recipe.training.seed, steps=steps)
