"""Attackers who know less: shadow models of a recipe that differs from the target's in one thing they may guess wrong.

The degraded shadow models have the coins and the streams of the true ones, and are asked the same queries: nothing differs but the
guess. To an attack they are one more signal, so that in a rehearsal a *true* shadow model takes the target's part against degraded
ones: thresholds and strength are what such an attacker would find on the target.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from mia_audit.audit.bank.prepared import Bank, Prepared, gather
from mia_audit.data import design
from mia_audit.recipe import Model, Quantization, Recipe, filled
from mia_audit.training import plan, schedule
from mia_audit.training.material import material
from mia_audit.types import Floats

FEW = Quantization(weight_bits=4, activation_bits=4)


def _other_surrogate(model: Model) -> Model:
    neuron = filled(model.neuron)
    other = "fast-sigmoid" if neuron.surrogate == "atan" else "atan"
    shape = {name: None for name in type(neuron).model_fields if name.startswith("surrogate_") and name != "surrogate_variant"}
    return model.model_copy(update={"neuron": neuron.model_copy(update={**shape, "surrogate": other})})


def _other_steps(model: Model) -> Model:
    return model.model_copy(update={"time_steps": max(1, model.time_steps // 2)})


def _other_bits(model: Model) -> Model:
    """Return a full-precision model of a quantized one, and a quantized one of a model in full precision."""
    return model.model_copy(update={"quantization": Quantization() if quantized(model) else FEW})


def quantized(model: Model) -> bool:
    """Say whether anything in the model has fewer than 32 bits."""
    widths = model.quantization
    return min(widths.weight_bits, widths.activation_bits, widths.input_bits, widths.membrane_bits) < 32


GUESSES: dict[str, Callable[[Model], Model]] = {
    "other-surrogate": _other_surrogate,
    "other-steps": _other_steps,
    "other-bits": _other_bits,
}


def available(recipe: Recipe) -> frozenset[str]:
    """Return which wrong guesses a recipe's target allows."""
    model = recipe.model
    if recipe.conversion is not None:
        return frozenset()  # what a converted network is, its teacher decides
    found = {"other-bits"}
    if model.spiking:
        found.add("other-surrogate")
    if model.spiking and model.time_steps > 1 and model.encoding not in ("events", "delta"):
        found.add("other-steps")
    return frozenset(found)


def degraded(recipe: Recipe, guess: str) -> Recipe:
    """Return the recipe of an attacker who guesses one thing wrong."""
    training = recipe.training.model_copy(update={"checkpoints": ()})
    return recipe.model_copy(update={"model": GUESSES[guess](recipe.model), "training": training})


def guessed(prepared: Prepared, wanted: Iterable[str]) -> Iterator[tuple[str, Recipe, tuple[plan.Task, ...]]]:
    """Yield each wanted guess, its recipe, and the cohorts that it has trained."""
    for guess in (guess for guess in GUESSES if guess in wanted):
        recipe = degraded(prepared.recipe, guess)
        yield guess, recipe, plan.tasks(recipe, prepared.rows[design.FIRST_SHADOW :], prepared.examples.sha256, prepared.device)


def train(prepared: Prepared, bank: Bank, wanted: Iterable[str], machine: schedule.Machine) -> dict[str, Floats]:
    """Return for each wanted guess logits [models, pool, queries, classes]: target and phantom as they are, then degraded models."""
    found = {}
    for guess, recipe, tasks in guessed(prepared, wanted):
        trained = schedule.run(tasks, material(recipe, prepared.examples), prepared.store, machine)
        logits = np.concatenate([bank.pool[: design.FIRST_SHADOW], gather(trained.cohorts).pool])
        found[guess] = np.moveaxis(logits, 1, 2)
    return found
