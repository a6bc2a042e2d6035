"""What can be converted: networks whose every sum is followed by integrate-and-fire neurons, in place of the teacher's ReLU.

A neuron's rate is its current over its threshold, cut to what lies between 0 and 1: a ReLU as far as it goes. Nothing else that a layer
may do to currents has such a counterpart, and is refused with its name.
"""

import math
from collections.abc import Iterator

from mia_audit.data.profiles import Profile
from mia_audit.errors import RecipeError
from mia_audit.models import architectures
from mia_audit.recipe import Quantization, Recipe
from mia_audit.recipe.layers import Conv, Fire, Layer, Linear, Norm, Pool, Residual


def check_conversion(recipe: Recipe, dataset: Profile) -> None:
    """Raise a RecipeError, with the way out, where a resolved recipe with [conversion] asks for what cannot be."""
    if recipe.conversion is None:
        return
    _check_neurons(recipe)
    _check_surroundings(recipe, dataset)
    _check_layers(recipe, architectures.layers(recipe.model, dataset.classes))
    _check_images(recipe, dataset)


def _check_neurons(recipe: Recipe) -> None:
    neuron = recipe.model.neuron
    if neuron is None:
        raise RecipeError(
            f"[conversion] needs a [model.neuron], which takes the place of the teacher's ReLU, got none in {recipe.name}; add one with "
            f"beta = 1.0"
        )
    wanted = {"beta": 1.0, "threshold": 1.0, "reset": "subtract"}
    for name, value in wanted.items():
        if getattr(neuron, name) != value:
            raise RecipeError(
                f"[conversion] needs integrate-and-fire neurons, whose thresholds are folded into weights, got model.neuron.{name} = "
                f"{getattr(neuron, name)}; use --set model.neuron.{name}={value}"
            )
    if recipe.model.readout != "accumulated":
        raise RecipeError(
            f"[conversion] needs readout neurons that never fire, got model.readout = {recipe.model.readout}; "
            f"use --set model.readout=accumulated"
        )
    if recipe.model.activation != "relu":
        raise RecipeError(
            f"[conversion] needs a teacher with ReLU, got model.activation = {recipe.model.activation}, which no spike rate follows; "
            f"use --set model.activation=relu"
        )


def _check_surroundings(recipe: Recipe, dataset: Profile) -> None:
    if dataset.kind != "image" or dataset.events:
        raise RecipeError(f"[conversion] needs images, whose values lie between 0 and 1, got {dataset.title}; use --dataset digits")
    if recipe.model.encoding not in {"direct", "rate"}:
        raise RecipeError(
            f"[conversion] needs direct or rate input, got model.encoding = {recipe.model.encoding}; use --set model.encoding=direct"
        )
    if recipe.model.quantization != Quantization() or recipe.audit.releases:
        raise RecipeError(
            "[conversion] needs a network in full precision, got model.quantization or audit.releases; leave them out: weights are scaled "
            "by thresholds, each model's by its own"
        )
    if recipe.privacy is not None:
        raise RecipeError(
            "[conversion] needs a teacher trained without [privacy], whose claim says nothing of what comes after; use --set privacy=none"
        )
    if recipe.training.checkpoints:
        raise RecipeError("[conversion] converts a trained teacher, got training.checkpoints of an unfinished one; leave them out")


def _check_images(recipe: Recipe, dataset: Profile) -> None:
    conversion, pool = recipe.conversion, recipe.data.pool or 0
    assert conversion is not None, "there is a conversion"  # noqa: S101
    share = recipe.data.member_fraction
    fewest = max(0, int(pool * share - 4 * math.sqrt(pool * share * (1 - share))))
    if conversion.balancing == "members" and conversion.images > fewest:
        raise RecipeError(
            f"conversion.images needs at most {fewest} members of a pool of {pool}, drawn by coins, got {conversion.images}; "
            f"use --set conversion.images={fewest}, or a larger --set data.pool=..."
        )
    made = conversion.synthesis.images
    if conversion.synthetic and made < dataset.classes:
        raise RecipeError(
            f"conversion.synthesis.images needs one of each of {dataset.classes} classes, got {made}; "
            f"use --set conversion.synthesis.images={100 * dataset.classes}"
        )
    if conversion.balancing == "synthetic" and conversion.images > made:
        raise RecipeError(
            f"conversion.images needs at most the {made} images of conversion.synthesis.images, got {conversion.images}; "
            f"use --set conversion.images={made}"
        )
    if conversion.encryption is not None and conversion.encryption.batch_size > made:
        raise RecipeError(
            f"conversion.encryption.batch_size needs at most the {made} images of conversion.synthesis.images, got "
            f"{conversion.encryption.batch_size}; use --set conversion.encryption.batch_size={made}"
        )


def _check_layers(recipe: Recipe, stack: tuple[Layer, ...]) -> None:
    for number, fault in _faults(recipe, stack):
        raise RecipeError(
            f"[conversion] needs convolutions, dense layers, batch norm behind them, average pooling and ReLU, got layer {number} of "
            f"{recipe.model.architecture}: {fault}; use another architecture, such as vgg5"
        )


def _faults(recipe: Recipe, stack: tuple[Layer, ...]) -> Iterator[tuple[int, str]]:
    """Yield the number and the name of every layer that cannot be converted."""
    fired = True  # the input is what comes before the first sum
    for number, layer in enumerate(stack, 1):
        before = stack[number - 2] if number > 1 else None
        fault = _fault(layer, before, layer.over or recipe.model.norm if isinstance(layer, Norm) else "none")
        if isinstance(layer, Conv | Linear) and not fired:
            fault = f"a {layer.kind} layer without neurons between it and the one before"
        if isinstance(layer, Fire) and fired:
            fault = "neurons without a layer of weights between them and the ones before"
        fired = isinstance(layer, Fire) or (fired and not isinstance(layer, Conv | Linear))
        if fault:
            yield number, fault


def _fault(layer: Layer, before: Layer | None, over: str) -> str:
    """Say what is wrong with a layer by itself; nothing where it can be converted."""
    if isinstance(layer, Residual):
        return "a residual sum, whose two sides have thresholds of their own"
    if isinstance(layer, Pool) and layer.of == "max":
        return "max pooling, which knows no rates"
    if isinstance(layer, Fire) and layer.activation is not None:
        return f"{layer.activation} neurons of their own, which stay as they are"
    if over not in {"none", "batch"}:
        return f"{over.replace('-', ' ')} norm, which depends on the example"
    return "batch norm that does not follow a layer of weights" if over == "batch" and not isinstance(before, Conv | Linear) else ""
