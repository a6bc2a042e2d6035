"""Lockstep: models trained together are the models trained alone."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from mia_audit.catalogue import load_recipe, override
from mia_audit.data.profiles import profile, resolve
from mia_audit.errors import TrainingError
from mia_audit.models.network import Population
from mia_audit.recipe import Recipe
from mia_audit.signals import query
from mia_audit.training.lockstep import Cohort, Pool, build, train
from mia_audit.types import Floats

CPU = torch.device("cpu")
MODELS = 4


def asked(target: str, dataset: str = "iris", **changes: Any) -> Recipe:
    """Return a resolved recipe of a short training in full precision arithmetic."""
    short = {"data.dataset": dataset, "data.pool": 40, "training.epochs": 2, "training.batch_size": 7, "training.precision": "fp32"}
    return resolve(override(load_recipe(target), {**short, **{key.replace("__", "."): value for key, value in changes.items()}}))


def pool(recipe: Recipe, *, spoilt: bool = False) -> Pool:
    """Return random examples of the shape that the recipe's data set has, channels last, values from 0 to 1."""
    dataset = profile(recipe.data.dataset)
    shape = (*dataset.shape[1:], dataset.shape[0]) if dataset.kind == "image" else dataset.shape
    rng = np.random.default_rng(3)
    inputs = rng.random((40, *shape), dtype=np.float32)
    if spoilt:
        inputs[:5] = np.nan
    return Pool(inputs=inputs, labels=rng.integers(0, dataset.classes, 40), classes=dataset.classes)


def trained(recipe: Recipe, *indices: int, examples: Pool | None = None) -> Population:
    """Train the models of these indices together, each on members of its own."""
    rows = np.stack([np.random.default_rng(index).random(40) < 0.5 for index in indices])
    return train(recipe, Cohort(indices=indices, rows=rows), examples or pool(recipe), CPU, lambda _: None)


def parameters(population: Population, model: int) -> torch.Tensor:
    """Return all of one model's parameters as one vector."""
    return torch.cat([value[model].flatten() for value in population.state_dict().values()])


@pytest.mark.parametrize(
    ("target", "dataset", "changes"),
    [
        *(
            ("snn", "iris", {"model__neuron__reset": reset, "model__readout": readout, "model__neuron__surrogate": "sre"})
            for reset, readout in product(("subtract", "zero"), ("membrane-mean", "membrane-last", "spike-count"))
        ),
        ("snn", "iris", {"model__neuron__beta": 1.0}),
        ("snn", "digits", {"model__time_steps": 3}),
        ("snn", "digits", {"model__time_steps": 3, "model__encoding": "rate"}),
        ("ann", "iris", {}),
        ("ann", "digits", {}),
        ("ann-q8", "iris", {}),
        ("ann-q8", "digits", {}),
        ("snn-q8", "iris", {}),
        ("snn-q8", "digits", {"model__time_steps": 3}),
    ],
)
def test_models_trained_together_are_those_trained_alone(target: str, dataset: str, changes: dict[str, Any]) -> None:
    """Whatever the network, each model of four ends where it ends when it is trained by itself.

    Rounding differs, and may tip a spike or the sign of a tiny gradient that Adam makes a whole step of: one tipped spike moved
    a tenth of the parameters, so a fifth may end elsewhere. With another stream, or a gradient that crosses over, none ends there.
    """
    recipe = asked(target, dataset, **changes)
    together = trained(recipe, *range(MODELS))
    for model in range(MODELS):
        close = torch.isclose(parameters(together, model), parameters(trained(recipe, model), 0), rtol=1e-3, atol=2e-4)
        assert close.float().mean() > 0.8


def test_models_differ() -> None:
    """The models of a population start and end apart: another index is another stream."""
    recipe = asked("ann")
    untrained, ended = build(recipe, (0, 1), pool(recipe)), trained(recipe, 0, 1)
    assert not torch.isclose(parameters(untrained, 0), parameters(untrained, 1)).any()
    assert (parameters(ended, 0) != parameters(ended, 1)).all()


def test_companions_do_not_move_a_models_streams() -> None:
    """Initial weights follow from seed and index: alone, first or last, with whomever."""
    recipe = asked("snn-q4")
    for indices in ((3,), (3, 9), (0, 1, 2, 3)):
        weights = parameters(build(recipe, indices, pool(recipe)), indices.index(3))
        assert torch.equal(weights, parameters(build(recipe, (3,), pool(recipe)), 0))


def test_training_twice_is_the_same_to_the_bit() -> None:
    """Nothing is drawn from a stream that another run could have moved."""
    recipe = asked("snn-q4", "digits", model__time_steps=3, model__encoding="rate")
    first = trained(recipe, 0, 1)
    torch.rand(7)
    again = trained(recipe, 0, 1)
    for one, other in zip(first.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_training_fits_its_members() -> None:
    """Enough epochs on twenty examples learn them by heart, and the others not."""
    recipe = asked("ann", training__epochs=300, training__learning_rate=0.02)
    examples = pool(recipe)
    answers = query(trained(recipe, 0), examples.inputs, recipe).logits[0, 0].argmax(1) == examples.labels
    member = np.random.default_rng(0).random(40) < 0.5
    assert answers[member].mean() > 0.95
    assert answers[~member].mean() < 0.7


def test_nobody_else_is_seen() -> None:
    """Spoiling an example changes the models that were trained on it, and no other."""
    recipe = asked("ann")
    rows = np.stack([np.arange(40) % 2 == 0, np.arange(40) % 2 == 1])
    spoilt = pool(recipe)
    spoilt.inputs[0] += 1
    before, after = (train(recipe, Cohort(indices=(0, 1), rows=rows), each, CPU, lambda _: None) for each in (pool(recipe), spoilt))
    assert not torch.equal(parameters(before, 0), parameters(after, 0))
    assert torch.equal(parameters(before, 1), parameters(after, 1))


@pytest.mark.parametrize("spoilt", [True, False])
def test_losses_that_are_not_finite_name_model_and_epoch(*, spoilt: bool) -> None:
    """A NaN among the inputs, or steps so long that a model blows up: the first such model and the epoch are named."""
    recipe = asked("ann") if spoilt else asked("ann", training__learning_rate=1e30, training__epochs=5)
    with pytest.raises(TrainingError, match=r"model \d needs finite losses, got (nan|inf) in epoch \d; lower training\.learning_rate"):
        trained(recipe, 0, 1, examples=pool(recipe, spoilt=spoilt))


def test_only_the_model_that_saw_the_nan_is_named() -> None:
    """Model 5 is healthy, model 7 trained on the spoilt example."""
    recipe = asked("ann")
    rows = np.stack([np.arange(40) > 9, np.arange(40) < 9])
    with pytest.raises(TrainingError, match="model 7 needs finite losses, got nan in epoch 1"):
        train(recipe, Cohort(indices=(5, 7), rows=rows), pool(recipe, spoilt=True), CPU, lambda _: None)


def test_progress_is_told_epoch_by_epoch() -> None:
    """Shares rise to one."""
    recipe = asked("ann", training__epochs=4)
    heard: list[float] = []
    train(recipe, Cohort(indices=(0,), rows=np.ones((1, 40), dtype=np.bool_)), pool(recipe), CPU, heard.append)
    assert heard == [0.25, 0.5, 0.75, 1.0]


def test_weight_decay_leaves_learned_scales_alone() -> None:
    """A decay too small to move a weight does not move an activation's scale either, through statistics and learning."""
    short = {"training__batch_size": 1, "training__epochs": 16, "training__learning_rate": 0.005}
    ends = [trained(asked("ann-q4", **short, training__weight_decay=decay), 0).state_dict() for decay in (0.0, 1e-5)]
    names = [name for name in ends[0] if name.endswith("scaling_impl.value")]
    assert names
    for name in names:
        torch.testing.assert_close(ends[0][name], ends[1][name], rtol=0.1, atol=0)


def answers(population: Population, inputs: Floats, recipe: Recipe) -> Floats:
    """Return what the models answer."""
    return query(population, inputs, recipe).logits


def test_queries_have_the_same_spikes_for_every_model_and_companion() -> None:
    """A rate-coded query is one draw a number: the same for all models, repeatable, another for the next number."""
    recipe = asked("snn", "digits", model__time_steps=3, model__encoding="rate", audit__queries=2)
    inputs = pool(recipe).inputs
    two, one = build(recipe, (0, 1), pool(recipe)).eval(), build(recipe, (1,), pool(recipe)).eval()
    together = answers(two, inputs, recipe)
    assert together.shape == (2, 2, 40, 10)
    np.testing.assert_allclose(together[1], answers(one, inputs, recipe)[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(together, answers(two, inputs, recipe))
    assert (together[:, 0] != together[:, 1]).any()


def test_a_querys_spikes_do_not_depend_on_how_many_models_are_asked() -> None:
    """Many models are asked in smaller chunks; an example's spikes are the same, so that every cohort is asked the same."""
    recipe = asked("snn", "digits", model__time_steps=20, model__encoding="rate", model__channels=[2])
    inputs = np.random.default_rng(0).random((700, 8, 8, 1), dtype=np.float32)
    few, many = (build(recipe, tuple(range(models)), pool(recipe)).eval() for models in (1, 5))
    np.testing.assert_allclose(answers(few, inputs, recipe)[0], answers(many, inputs, recipe)[0], rtol=1e-4, atol=1e-5)
