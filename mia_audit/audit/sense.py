"""Whether a resolved recipe makes sense as a whole: names, shapes, and fields that depend on one another."""

import re

from mia_audit.data.profiles import Profile, profile
from mia_audit.errors import RecipeError
from mia_audit.models.architectures import layers, shapes
from mia_audit.models.names import check_neuron
from mia_audit.recipe import Recipe, settled
from mia_audit.training.plan import input_shape

MOST_SHADOWS = 100_000


def check(recipe: Recipe) -> None:
    """Raise a CatalogueError or RecipeError that says the way out, before anything is computed."""
    suits = profile(recipe.data.dataset)
    if not re.fullmatch(r"\w[\w.+-]{0,99}", recipe.name):
        raise RecipeError(
            f"the name of a recipe, and of its folder, takes letters, digits, . _ + -, got {recipe.name!r}; use name = 'mine'"
        )
    if not 2 <= recipe.audit.shadows <= MOST_SHADOWS:
        raise RecipeError(f"an audit needs from 2 to {MOST_SHADOWS} shadow models, got {recipe.audit.shadows}; use --shadows 32")
    _check_time(recipe, suits)
    _check_quantization(recipe)
    _check_releases(recipe)
    _check_training(recipe)
    _check_augmentation(recipe, suits)
    shapes(layers(recipe.model, suits.classes), input_shape(suits))


def _check_time(recipe: Recipe, suits: Profile) -> None:
    """Neurons, steps and encodings that go together, on data that they are for."""
    if recipe.model.neuron is not None:
        check_neuron(recipe.model.neuron)
    elif not suits.events and (recipe.model.time_steps != 1 or recipe.model.encoding != "direct"):
        raise RecipeError(
            f"{recipe.name}: an ANN runs one step on direct input; add a [model.neuron] or set time_steps = 1 and encoding = 'direct'"
        )
    encoding = recipe.model.encoding
    if (encoding in {"events", "delta"}) != suits.events:
        needs, fits = ("frames of events", "direct") if not suits.events else ("an example without time", "events")
        raise RecipeError(f"{recipe.name}: {encoding} encoding needs {needs}, got {suits.name}; use --set model.encoding={fits}")
    if encoding in {"rate", "latency"} and suits.kind != "image":
        raise RecipeError(
            f"{recipe.name}: {encoding} encoding needs intensities from 0 to 1, got the table {suits.name}; use --set model.encoding=direct"
        )


def _check_quantization(recipe: Recipe) -> None:
    quantized = recipe.model.quantization
    if quantized.membrane_bits != 32 and recipe.model.neuron is None:
        raise RecipeError("quantization.membrane_bits needs neurons with membranes, got an ANN; leave it out, or add a [model.neuron]")
    bits = {quantized.weight_bits, quantized.activation_bits, quantized.input_bits, quantized.membrane_bits}
    if quantized.when == "post-training" and bits == {32}:
        raise RecipeError("--ptq needs something to quantize, got 32 bits everywhere; use --set model.quantization.weight_bits=4")


def _check_releases(recipe: Recipe) -> None:
    """Other releases have the target's own trained weights, so nothing may have been quantized while they were trained."""
    quantized, widths = recipe.model.quantization, recipe.audit.releases
    bits = {quantized.weight_bits, quantized.activation_bits, quantized.input_bits, quantized.membrane_bits}
    if widths and quantized.when == "training" and bits != {32}:
        raise RecipeError(
            f"audit.releases needs models that are quantized after training, got {recipe.name}, quantized while training; "
            f"use --ptq, or a target in full precision"
        )
    own = (quantized.weight_bits,) if quantized.weight_bits == quantized.activation_bits else ()
    if len({*own, *widths}) < len(own) + len(widths):
        raise RecipeError(
            f"audit.releases needs bit widths that differ from one another and from the target's own, got {list(widths)} beside "
            f"{quantized.weight_bits}; leave out what is there twice"
        )


def _check_training(recipe: Recipe) -> None:
    training = recipe.training
    if training.last_epoch > settled(training.epochs):
        raise RecipeError(
            f"training.stop_epoch needs one of {training.epochs} epochs, got {training.last_epoch}; use --set training.epochs=... as well"
        )
    late = [epoch for epoch in training.checkpoints if epoch > training.last_epoch]
    if late:
        raise RecipeError(f"training.checkpoints needs epochs up to {training.last_epoch}, the last one, got {late[0]}; leave it out")
    batched = recipe.model.norm.startswith("batch")
    if batched and settled(training.batch_size) < 2:
        raise RecipeError("batch norm needs at least two examples in a batch, got training.batch_size=1; use --set model.norm=group")


def _check_augmentation(recipe: Recipe, suits: Profile) -> None:
    if recipe.data.augment and (suits.kind != "image" or suits.events):
        raise RecipeError(f"data.augment needs images, got {suits.title}; use --set data.augment=[]")
    if recipe.audit.augmented_queries and not recipe.data.augment:
        raise RecipeError('audit.augmented_queries needs data.augment to say how, got none; use --set \'data.augment=["crop","flip"]\'')
