"""What a private training must not do: whatever lets an example into a model past its own clipped gradient.

What is allowed: group norm, dropout, augmentation and random codes treat each example by itself; quantizers of weights see weights alone;
those that are calibrated after training see examples outside the pool.
"""

from mia_audit.data.profiles import Profile
from mia_audit.errors import RecipeError
from mia_audit.models import architectures
from mia_audit.privacy.constants import constants
from mia_audit.recipe import Recipe, filled
from mia_audit.recipe.layers import Norm
from mia_audit.training.plan import input_shape


def check_private(recipe: Recipe, dataset: Profile) -> None:
    """Raise a RecipeError, with the way out, where a resolved recipe with [privacy] could not keep what it claims."""
    if recipe.privacy is None:
        return
    private, pool = recipe.privacy, filled(recipe.data.pool)
    if (private.noise_multiplier is None) == (private.target_epsilon is None):
        raise RecipeError("[privacy] needs noise_multiplier or target_epsilon, got both or neither; give one")
    if private.delta >= 1 / pool:
        raise RecipeError(
            f"privacy.delta needs to be below 1 / pool = {1 / pool:.3g}, got {private.delta:g}: such a delta permits to publish somebody's "
            f"record whole; use --set privacy.delta={_tenth(pool):g}"
        )
    expected = constants(recipe, pool).examples
    if filled(recipe.training.batch_size) > expected:
        raise RecipeError(
            f"[privacy] needs training.batch_size of at most the {expected} members that are expected, got {recipe.training.batch_size}; "
            f"use a smaller one, or a larger --set data.pool=..."
        )
    _check_layers(recipe, dataset)
    if dataset.kind == "table":
        raise RecipeError(
            f"[privacy] needs inputs that are scaled by public constants, got the table {dataset.name}, whose columns are standardised on "
            f"the pool; use a data set of images, such as --dataset digits, or leave [privacy] out: --set privacy=none"
        )


def _check_layers(recipe: Recipe, dataset: Profile) -> None:
    stack = architectures.layers(recipe.model, dataset.classes)
    over = {layer.over for layer, _, _ in architectures.walk(stack, input_shape(dataset)) if isinstance(layer, Norm)}
    batched = sorted(kind for kind in over if kind in {"batch", "batch-per-step"})
    if batched:
        raise RecipeError(
            f"[privacy] needs layers that treat each example by itself, got {batched[0]} norm, which mixes a batch; "
            f"use --set model.norm=group"
        )
    quantized = recipe.model.quantization
    for name in ("activation_bits", "input_bits"):
        if quantized.when == "training" and getattr(quantized, name) != 32:
            raise RecipeError(
                f"[privacy] needs quantizers that no private example scales, got model.quantization.{name} = {getattr(quantized, name)} "
                f"while training; use --set model.quantization.{name}=32, or --ptq, which calibrates them outside the pool"
            )


def _tenth(pool: int) -> float:
    """Return the power of ten next below half of one over the pool."""
    digits = len(str(2 * pool))
    return float(f"1e-{digits}")
