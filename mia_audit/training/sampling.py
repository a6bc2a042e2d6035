"""Which sampler a recipe asks for. No torch here: what should have been fed is worked out without it."""

from mia_audit.privacy.constants import constants
from mia_audit.recipe import Recipe, filled
from mia_audit.training.batches import Sampler, Shuffled, steps_per_epoch
from mia_audit.training.private_batches import BallsAndBins, Poisson
from mia_audit.types import Bools


def sampler(recipe: Recipe, indices: tuple[int, ...], rows: Bools) -> Sampler:
    """Return the sampler of models `indices` with membership rows [K, pool]."""
    pool, seed = rows.shape[1], recipe.training.seed
    if recipe.privacy is None:
        steps = steps_per_epoch(pool, recipe.data.member_fraction, filled(recipe.training.batch_size))
        return Shuffled(rows=rows, indices=indices, seed=seed, steps=steps)
    told, secure = constants(recipe, pool), recipe.privacy.secure_noise
    if recipe.privacy.sampling == "poisson":
        return Poisson(rows=rows, indices=indices, seed=seed, rate=told.rate, steps=told.steps, secure=secure)
    return BallsAndBins(rows=rows, indices=indices, seed=seed, steps=told.steps, secure=secure)
