"""Other releases of the same trained models: each quantized after training at one more bit width, and asked as the target was.

The weights are the cohort's own, out of the store; scales are measured on calibration examples outside the pool, as for a target that
is quantized after training. Nothing is trained.
"""

import numpy as np

from mia_audit.models.network import Population
from mia_audit.probes.subject import Subject
from mia_audit.recipe import Bits, Quantization, Recipe
from mia_audit.signals import query
from mia_audit.training.calibrating import calibrated
from mia_audit.training.lockstep import Pool, build
from mia_audit.training.material import Material
from mia_audit.types import Floats


def releases(subject: Subject, given: Material) -> dict[str, Floats]:
    """Return logits of every release [K, N, releases, classes], averaged over queries, in the recipe's order."""
    found = []
    for bits in given.recipe.audit.releases:
        recipe = released(given.recipe, bits)
        population = _population(subject, recipe, given)
        found.append(query(population, given.pool_inputs, recipe).logits.mean(axis=1))
    return {"releases": np.stack(found, axis=2).astype(np.float32)}


def released(recipe: Recipe, bits: Bits) -> Recipe:
    """Return the recipe of a release: weights and activations at so many bits after training; 32 bits are full precision throughout."""
    changed = {"weight_bits": bits, "activation_bits": bits, "when": "post-training"}
    quantization = Quantization() if bits == 32 else recipe.model.quantization.model_copy(update=changed)
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"quantization": quantization})})


def _population(subject: Subject, recipe: Recipe, given: Material) -> Population:
    """Return the release; by way of full precision, so that no scale of the target's own quantizers is left in it."""
    pool = Pool(inputs=given.pool_inputs, labels=given.pool_labels, classes=given.classes)
    indices = tuple(range(subject.models))
    plain = build(released(recipe, 32), indices, pool)
    missing = plain.load_state_dict(subject.population.state_dict(), strict=False).missing_keys
    assert not missing, "a full-precision model has nothing that a quantized one lacks"  # noqa: S101
    if recipe.model.quantization.when == "training":
        return plain.to(subject.device).eval()
    return calibrated(build(recipe, indices, pool), plain.to(subject.device).eval(), recipe, given.calibration_inputs, subject.device)
