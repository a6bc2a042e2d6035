"""What a worker leaves in the store is what training and asking give, part for part; what it may not do it refuses."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mia_audit.catalogue import load_recipe, override
from mia_audit.data import design
from mia_audit.data.examples import load
from mia_audit.data.profiles import resolve
from mia_audit.errors import TrainingError
from mia_audit.models.network import Population
from mia_audit.recipe import Recipe
from mia_audit.signals import query
from mia_audit.training import plan
from mia_audit.training.calibrating import as_trained, calibrated
from mia_audit.training.lockstep import Cohort, Pool, build, train
from mia_audit.training.material import Material, material
from mia_audit.training.store import Store, Tensors
from mia_audit.training.worker import work

CPU = torch.device("cpu")


def prepared(target: str, **changes: Any) -> tuple[Recipe, Material, plan.Task]:
    """Return a recipe on iris, its examples, and a cohort of three models."""
    settings = {"data.dataset": "iris", "data.pool": 60, "data.population": 12, "training.epochs": 3, "model.hidden": [6]}
    recipe = resolve(override(load_recipe(target), {**settings, **{key.replace("__", "."): value for key, value in changes.items()}}))
    examples = load(recipe, root=None, offline=True, progress=lambda _: None)
    (task,) = plan.tasks(recipe, design.membership(recipe, 3), examples.sha256, "cpu")
    return recipe, material(recipe, examples), task


def left(folder: Path, given: Material, task: plan.Task) -> Tensors:
    """Return what the worker left in a store."""
    store = Store(folder=folder)
    assert work(task, given, store, "cpu", lambda _: None) == task.key
    found = store.load(task.key)
    assert found is not None
    return found


def again(recipe: Recipe, given: Material, task: plan.Task) -> dict[int, Population]:
    """Train the same models once more, and return them by epoch: at checkpoints and, as 0, at the end."""
    pool, found = Pool(inputs=given.pool_inputs, labels=given.pool_labels, classes=given.classes), {}

    def keep(epoch: int, population: Population) -> None:
        copy = build(as_trained(recipe), task.indices, pool).eval()
        copy.load_state_dict(population.state_dict())
        found[epoch] = copy

    found[0] = train(as_trained(recipe), Cohort(indices=task.indices, rows=task.rows), pool, CPU, lambda _: None, keep)
    return found


def test_answers_are_those_of_models_trained_once_more(tmp_path: Path) -> None:
    """Of pool, population, test set, at the end and at every checkpoint; whom the batches held are the members."""
    recipe, given, task = prepared("snn", training__checkpoints=[1, 2])
    found, models = left(tmp_path, given, task), again(recipe, given, task)
    parts = {"pool": given.pool_inputs, "population": given.population_inputs, "test": given.test_inputs}
    for name, inputs in parts.items():
        np.testing.assert_array_equal(found[f"{name}/logits"], query(models[0], inputs, recipe).logits)
    for epoch in (1, 2):
        np.testing.assert_array_equal(found[f"pool/logits@{epoch}"], query(models[epoch], given.pool_inputs, recipe).logits)
    np.testing.assert_array_equal(found["pool/trained_on"], task.rows)
    np.testing.assert_array_equal(found["pool/rates"], query(models[0], given.pool_inputs, recipe).rates)


def test_later_quantization_learns_from_calibration_examples_alone(tmp_path: Path) -> None:
    """Models train in full precision; then the calibration examples, and no others, set the scales."""
    recipe, given, task = prepared("ann-q4", model__quantization__when="post-training")
    found, models = left(tmp_path, given, task), again(recipe, given, task)
    pool = Pool(inputs=given.pool_inputs, labels=given.pool_labels, classes=given.classes)
    later = calibrated(build(recipe, task.indices, pool), models[0], recipe, given.calibration_inputs, CPU)
    np.testing.assert_array_equal(found["pool/logits"], query(later, given.pool_inputs, recipe).logits)
    assert (found["pool/logits"] != query(models[0], given.pool_inputs, recipe).logits).any()
    other = calibrated(build(recipe, task.indices, pool), models[0], recipe, given.pool_inputs, CPU)
    assert (found["pool/logits"] != query(other, given.pool_inputs, recipe).logits).any()


def test_the_parent_keeps_its_small_numbers(tmp_path: Path) -> None:
    """A worker flushes denormals to zero while it trains; whoever calls it computes afterwards as before."""
    _, given, task = prepared("ann")
    left(tmp_path, given, task)
    assert (torch.full((8,), 1e-41) * 1.0 != 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_answers_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    """One test example out of all that a model cannot answer is enough; nothing is stored."""
    _, given, task = prepared("ann")
    spoilt = given.test_inputs.copy()
    spoilt[3] = value
    with pytest.raises(TrainingError, match=r"model 0 needs finite logits, got NaN or infinity after the last epoch; lower"):
        work(task, replace(given, test_inputs=spoilt), Store(folder=tmp_path), "cpu", lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_another_kind_of_processor_is_refused(tmp_path: Path) -> None:
    """Both kinds are named."""
    _, given, task = prepared("ann")
    with pytest.raises(TrainingError, match=r"needs the processor that the audit was planned on, abacus, got \w+.*machines of one kind"):
        work(replace(task, processor="abacus"), given, Store(folder=tmp_path), "cpu", lambda _: None)
