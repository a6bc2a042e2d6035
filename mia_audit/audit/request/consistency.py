"""Whether a resolved recipe makes sense as a whole: names, shapes, and fields that depend on one another."""

import re

import numpy as np

from mia_audit.audit.request.idle import check_idle
from mia_audit.conversion.rules import check_conversion
from mia_audit.data.profiles import Profile, profile
from mia_audit.errors import RecipeError
from mia_audit.models.architectures import layers, shapes
from mia_audit.models.surrogates import check_neuron
from mia_audit.recipe import Recipe, filled
from mia_audit.training.plan import input_shape
from mia_audit.training.private_rules import check_private

MOST_SHADOWS = 100_000
FARTHEST = 10.0  # times the threshold: from where on, at most, a neuron on a grid has to fire


def check(recipe: Recipe) -> None:
    """Raise a CatalogueError or RecipeError that says the way out, before anything is computed."""
    dataset = profile(recipe.data.dataset)
    if not re.fullmatch(r"\w[\w.+-]{0,99}", recipe.name):
        raise RecipeError(
            f"the name of a recipe, and of its folder, takes letters, digits, . _ + -, got {recipe.name!r}; use name = 'mine'"
        )
    if not 2 <= recipe.audit.shadows <= MOST_SHADOWS:
        raise RecipeError(f"an audit needs from 2 to {MOST_SHADOWS} shadow models, got {recipe.audit.shadows}; use --shadows 32")
    _check_time(recipe, dataset)
    _check_quantization(recipe)
    _check_releases(recipe)
    _check_training(recipe)
    _check_augmentation(recipe, dataset)
    shapes(layers(recipe.model, dataset.classes), input_shape(dataset))
    check_private(recipe, dataset)
    check_conversion(recipe, dataset)
    check_idle(recipe, dataset)


def _check_time(recipe: Recipe, dataset: Profile) -> None:
    """Neurons, steps and encodings that go together, on data that they are for."""
    if recipe.model.neuron is not None:
        check_neuron(recipe.model.neuron)
    elif not dataset.events and (recipe.model.time_steps != 1 or recipe.model.encoding != "direct"):
        raise RecipeError(
            f"{recipe.name}: an ANN runs one step on direct input; add a [model.neuron] or set time_steps = 1 and encoding = 'direct'"
        )
    encoding = recipe.model.encoding
    if (encoding in {"events", "delta"}) != dataset.events:
        needs, fits = ("frames of events", "direct") if not dataset.events else ("an example without time", "events")
        raise RecipeError(f"{recipe.name}: {encoding} encoding needs {needs}, got {dataset.name}; use --set model.encoding={fits}")
    if encoding in {"rate", "latency"} and dataset.kind != "image":
        raise RecipeError(
            f"{recipe.name}: {encoding} encoding needs intensities from 0 to 1, got the table {dataset.name}; "
            "use --set model.encoding=direct"
        )


def _check_quantization(recipe: Recipe) -> None:
    quantized = recipe.model.quantization
    if quantized.membrane_bits != 32 and recipe.model.neuron is None:
        raise RecipeError("quantization.membrane_bits needs neurons with membranes, got an ANN; leave it out, or add a [model.neuron]")
    bits = {quantized.weight_bits, quantized.activation_bits, quantized.input_bits, quantized.membrane_bits}
    _check_grid(recipe)
    if quantized.when == "post-training" and bits == {32}:
        raise RecipeError("--ptq needs something to quantize, got 32 bits everywhere; use --set model.quantization.weight_bits=4")


def _check_grid(recipe: Recipe) -> None:
    """Refuse a grid of membranes on which no neuron fires, or only far above its threshold: in float32, as the engine counts."""
    quantized, neuron = recipe.model.quantization, recipe.model.neuron
    if neuron is None or quantized.membrane_bits == 32:
        return
    lower, upper = quantized.membrane_limits
    threshold = np.float32(neuron.threshold)
    levels = np.linspace(-neuron.threshold * (1 + lower), neuron.threshold * (1 + upper), 2**quantized.membrane_bits).astype(np.float32)
    above = int((levels <= threshold).sum())
    if above == levels.size:
        raise RecipeError(
            f"quantization.membrane_limits needs a level above the threshold {neuron.threshold:g}, or no neuron ever fires, got "
            f"{list(quantized.membrane_limits)}, whose highest level is {levels[-1]:g}; "
            "use --set 'model.quantization.membrane_limits=[0.0,0.2]'"
        )
    fires = (float(levels[above - 1]) + float(levels[above])) / 2
    if fires > FARTHEST * neuron.threshold:
        raise RecipeError(
            f"quantization.membrane_limits needs levels near the threshold {neuron.threshold:g}, got {list(quantized.membrane_limits)} and "
            f"{quantized.membrane_bits} bits: neurons fire from {fires:g} on; use narrower limits, or more membrane_bits"
        )


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
    if training.last_epoch > filled(training.epochs):
        raise RecipeError(
            f"training.stop_epoch needs one of {training.epochs} epochs, got {training.last_epoch}; use --set training.epochs=... as well"
        )
    late = [epoch for epoch in training.checkpoints if epoch > training.last_epoch]
    if late:
        raise RecipeError(f"training.checkpoints needs epochs up to {training.last_epoch}, the last one, got {late[0]}; leave it out")
    batched = recipe.model.norm.startswith("batch")
    if batched and filled(training.batch_size) < 2:
        raise RecipeError("batch norm needs at least two examples in a batch, got training.batch_size=1; use --set model.norm=group")


def _check_augmentation(recipe: Recipe, dataset: Profile) -> None:
    if recipe.data.augment and (dataset.kind != "image" or dataset.events):
        raise RecipeError(f"data.augment needs images, got {dataset.title}; use --set data.augment=[]")
    if recipe.audit.augmented_queries and not recipe.data.augment:
        raise RecipeError('audit.augmented_queries needs data.augment to say how, got none; use --set \'data.augment=["crop","flip"]\'')
