"""Conversion against a slow, obvious version: thresholds, spikes and logits; and what cannot be converted."""

from typing import Any, Literal

import numpy as np
import pytest
import torch

from mia_audit.conversion import folding, stages, timing
from mia_audit.conversion.balancing import ABOVE, Balancing, Largest, balance, unfolded
from mia_audit.errors import DataError, RecipeError, TrainingError
from mia_audit.models.architectures import layers
from mia_audit.models.encoding import encode
from mia_audit.models.network import Population
from mia_audit.recipe import Neuron, Recipe
from mia_audit.recipe.layers import Layer
from tests.support.converting import CLASSES, SHAPE, Slow, asked, one, plain, spelled_out, teachers
from tests.support.engine import layer_of

IMAGES = 4


def pictures(models: int = 2, count: int = IMAGES, seed: int = 1) -> torch.Tensor:
    """Return images [K, count, H, W, C]."""
    return torch.rand(models, count, *SHAPE, generator=torch.Generator().manual_seed(seed))


def generators(models: int) -> list[torch.Generator]:
    """Return the generators of random codes."""
    return [torch.Generator().manual_seed(90 + k) for k in range(models)]


def converted(recipe: Recipe, weights: list[folding.Weights], images: torch.Tensor, percentile: float = 100.0) -> tuple[Population, Any]:
    """Convert teachers' weights; return the networks and their thresholds."""
    models = len(images)
    population = folding.build(recipe, SHAPE, CLASSES, models).requires_grad_(requires_grad=False)
    by = Balancing(
        images=images, percentile=percentile, model=recipe.model, generators=lambda: generators(models), indices=tuple(range(models))
    )
    return population, balance(population, weights, by)


def layers_of(recipe: Recipe) -> tuple[Layer, ...]:
    """Return the layers that a converted network is built of, but for the last."""
    return layers(stages.spelled_out(recipe.model, CLASSES), CLASSES)


def codes(recipe: Recipe, images: torch.Tensor) -> list[list[np.ndarray]]:
    """Return what enters each model, for each image [T, H, W, C] in float64."""
    fed = encode(images, recipe.model, generators(len(images)))
    fed = fed.expand(-1, recipe.model.time_steps, *fed.shape[2:])
    return [[fed[k, :, n].double().numpy() for n in range(images.shape[1])] for k in range(len(images))]


def test_a_folded_norm_changes_no_answer() -> None:
    """Without batch norm, its statistics in weights and biases, a teacher answers what it did."""
    recipe = spelled_out()
    trained = teachers(recipe)
    ours = plain(recipe, folding.folded(trained))
    x = pictures().unsqueeze(1)
    torch.testing.assert_close(ours.logits(x), trained.logits(x), rtol=1e-4, atol=1e-5)
    assert not any("running" in name for name in ours.state_dict())


@pytest.mark.parametrize(("encoding", "start", "percentile"), [("direct", 0.0, 100.0), ("rate", 0.5, 100.0), ("direct", 0.5, 98.0)])
def test_conversion_is_the_slow_one(encoding: Literal["direct", "rate"], start: float, percentile: float) -> None:
    """Thresholds, spikes of every layer and logits are those of one network at a time, its thresholds kept apart from its weights."""
    recipe = spelled_out(model__encoding=encoding, model__neuron__start=start)
    weights = folding.folded(teachers(recipe))
    balancing, tried = pictures(), pictures(count=3, seed=2)
    population, thetas = converted(recipe, weights, balancing, percentile)
    fed = encode(tried, recipe.model, generators(2))
    seen = population.observe(fed)
    for k in range(2):
        slow = Slow(layers_of(recipe), one(weights, k), start=start)
        expected = slow.balance(codes(recipe, balancing)[k], percentile)
        np.testing.assert_allclose(thetas[k], expected, rtol=1e-4)
        for n, code in enumerate(codes(recipe, tried)[k]):
            logits, spikes = slow.run(code, expected)
            np.testing.assert_allclose(seen.logits[k, n], logits, rtol=1e-3, atol=1e-4)
            rates = seen.rates[:, k, n] * recipe.model.time_steps
            sizes = [108, 4, 5]
            np.testing.assert_allclose([float(rate) * size for rate, size in zip(rates, sizes, strict=True)], spikes, atol=1e-2)
    assert float(seen.rates.mean()) > 0.02


def test_predecessors_spike_while_a_threshold_is_measured() -> None:
    """Thresholds that are measured on what a ReLU would send are other ones: spikes are never larger than 1."""
    recipe = spelled_out(model__norm="none")
    weights = folding.folded(teachers(recipe))
    _, thetas = converted(recipe, weights, pictures())
    blind = Slow(layers_of(recipe), one(weights, 0), blind=True).balance(codes(recipe, pictures())[0])
    assert thetas[0, 0] == pytest.approx(blind[0], rel=1e-4)
    assert abs(float(thetas[0, 1]) / blind[1] - 1) > 0.05


def test_thresholds_are_undone() -> None:
    """The ordinary network that a converted one stands for is its teacher."""
    recipe = spelled_out()
    weights = folding.folded(teachers(recipe))
    population, thetas = converted(recipe, weights, pictures())
    for again, own in zip(unfolded(population, thetas), weights, strict=True):
        torch.testing.assert_close(again.weight, own.weight, rtol=1e-5, atol=1e-7)
        assert (again.bias is None) == (own.bias is None)
        if again.bias is not None and own.bias is not None:
            torch.testing.assert_close(again.bias, own.bias, rtol=1e-5, atol=1e-7)


def test_the_scale_of_a_layer_is_lost() -> None:
    """Weights twice as large in one layer and half as large in the next give the same spikes and logits: thresholds take it up."""
    stack = [{"kind": "conv", "channels": 3, "bias": False}, {"kind": "fire"}, {"kind": "linear", "features": 5, "bias": False}]
    recipe = spelled_out(model__norm="none", model__output_bias=False, model__layers=[*stack, {"kind": "fire"}])
    weights = folding.folded(teachers(recipe))
    moved = [own._replace(weight=own.weight * factor) for own, factor in zip(weights, (4.0, 0.5, 0.5), strict=True)]
    (ours, thetas), (theirs, others) = converted(recipe, weights, pictures()), converted(recipe, moved, pictures())
    x = pictures(seed=3).unsqueeze(1)
    torch.testing.assert_close(ours.logits(x), theirs.logits(x), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(others, thetas * torch.tensor([4.0, 0.5]))


def test_models_are_converted_each_by_itself() -> None:
    """A model has the same thresholds alone and beside another."""
    recipe = spelled_out(model__encoding="direct")
    weights = folding.folded(teachers(recipe))
    _, together = converted(recipe, weights, pictures())
    _, alone = converted(recipe, folding.select(weights, [1]), pictures()[1:])
    torch.testing.assert_close(together[1:], alone)


def test_many_steps_answer_what_the_teacher_does() -> None:
    """With thresholds that no current exceeds and steps without end, rates are activations: logits come near the teacher's."""
    recipe = spelled_out(model__time_steps=512, model__neuron__start=0.5)
    weights = folding.folded(teachers(recipe))
    images = pictures(count=8)
    population, _ = converted(recipe, weights, images)
    ours, theirs = population.logits(images.unsqueeze(1)), plain(recipe, weights).logits(images.unsqueeze(1))
    assert float((ours - theirs).abs().max()) < 0.05 * float(theirs.std())


@pytest.mark.parametrize(("start", "current", "steps"), [(0.0, 0.31, 10), (0.5, 0.31, 10), (0.5, 0.05, 9), (0.9, 0.47, 33)])
def test_a_neuron_counts_what_it_is_sent(start: float, current: float, steps: int) -> None:
    """A constant current c up to 1 gives ceil(T c + start) - 1 spikes: what is left over stays in the membrane."""
    spikes = layer_of(1, Neuron(beta=1.0, start=start), steps)(torch.full((1, 1, 1, 1), current))
    assert float(spikes.sum()) == np.ceil(steps * current + start) - 1


@pytest.mark.parametrize(("percentile", "count"), [(100.0, 1), (99.0, 6), (90.0, 51)])
def test_the_largest_are_kept(percentile: float, count: int) -> None:
    """Parts that come one after the other give the percentile of all of them."""
    values = torch.randn(2, 5, 10, 10, generator=torch.Generator().manual_seed(3))  # models, steps, images, neurons
    kept = Largest.of(values[:, :, :3], 10, percentile)
    for part in values.split(3, dim=2):
        kept.add(part)
    assert kept.count == count
    assert torch.equal(kept.least, values.flatten(1).sort(dim=1, descending=True).values[:, count - 1])


def test_the_first_steps_are_a_shorter_run() -> None:
    """One run answers for every number of steps up to its own, and counts every layer's spikes."""
    recipe = spelled_out(model__encoding="rate")
    population, _ = converted(recipe, folding.folded(teachers(recipe)), pictures())
    inputs = pictures(1, 5)[0].numpy()
    whole = timing.over_time(population, inputs, recipe.model, seed=4)
    short = folding.build(recipe, SHAPE, CLASSES, 2, steps=3).requires_grad_(requires_grad=False)
    short.load_state_dict(population.state_dict())
    fed = encode(torch.from_numpy(inputs).unsqueeze(0), recipe.model, [torch.Generator().manual_seed(4)])
    seen = short.observe(fed[:, :3].expand(2, -1, -1, -1, -1, -1))
    torch.testing.assert_close(whole.logits[:, 2], seen.logits)
    torch.testing.assert_close(whole.spikes[:, 1, 2], seen.rates[1].mean(dim=1) * 3 * 4)
    full = population.observe(fed.expand(2, -1, -1, -1, -1, -1))
    torch.testing.assert_close(whole.logits[:, -1], full.logits)


def test_a_silent_layer_is_named() -> None:
    """A layer that gets no positive current has no threshold; layer and model are named."""
    recipe = spelled_out(model__norm="none")
    weights = folding.folded(teachers(recipe))
    dead = weights[1]._replace(weight=torch.stack([weights[1].weight[0], -weights[1].weight[1].abs()]))
    with pytest.raises(TrainingError, match=r"got layer 2 of model 1, whose threshold would be 0"):
        converted(recipe, [weights[0], dead, *weights[2:]], pictures())


@pytest.mark.parametrize("shape", [(7, 9, 2), (6, 6, 1), (6, 6)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    """Images that the networks do not take are refused in a line that says what they are."""
    recipe = spelled_out()
    with pytest.raises(DataError, match=r"balancing needs images as the network takes them, got 2 times \(4, "):
        converted(recipe, folding.folded(teachers(recipe)), torch.rand(2, 4, *shape))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "tanh": ({"model__activation": "tanh"}, r"model.activation = tanh, which no spike rate follows"),
    "max pooling": ({"model__architecture": "conv"}, r"got layer 2 of conv: max pooling, which knows no rates"),
    "residual": (
        {"model__architecture": "resnet18", "model__width": 0.1},
        r"of resnet18: a residual sum, whose two sides have thresholds of their own",
    ),
    "group norm": ({"model__norm": "group", "model__groups": 1}, r"got layer 2 of vgg5: group norm, which depends on the example"),
    "a norm by itself": (
        {"model__architecture": "layers", "model__width": 1.0, "model__layers": [{"kind": "norm", "over": "batch"}]},
        r"got layer 1 of layers: batch norm that does not follow a layer of weights",
    ),
    "two sums": (
        {"model__architecture": "layers", "model__width": 1.0, "model__layers": [{"kind": "linear", "features": 3}]},
        r"got layer 2 of layers: a linear layer without neurons",
    ),
    "neurons twice": (
        {"model__architecture": "layers", "model__width": 1.0, "model__layers": [{"kind": "fire"}]},
        r"got layer 1 of layers: neurons without a layer of weights",
    ),
    "ordinary neurons": (
        {
            "model__architecture": "layers",
            "model__width": 1.0,
            "model__layers": [{"kind": "linear", "features": 3}, {"kind": "fire", "activation": "relu"}],
        },
        r"got layer 2 of layers: relu neurons of their own",
    ),
    "a leak": ({"model__neuron__beta": 0.9}, r"got model.neuron.beta = 0.9; use --set model.neuron.beta=1.0"),
    "a readout that fires": ({"model__readout": "spike-count"}, r"got model.readout = spike-count"),
    "latency": ({"model__encoding": "latency"}, r"needs direct or rate input, got model.encoding = latency"),
    "a table": ({"dataset": "iris", "model__architecture": "mlp"}, r"needs images, whose values lie between 0 and 1"),
    "bits": ({"model__quantization__weight_bits": 4}, r"needs a network in full precision"),
    "checkpoints": ({"training__checkpoints": [1]}, r"got training.checkpoints of an unfinished one"),
    "too many members": ({"target": "converted-snn", "conversion__images": 31}, r"at most 14 members of a pool of 60"),
    "too few synthetic": (
        {"target": "converted-snn-synthetic", "conversion__synthesis__images": 9},
        r"needs one of each of 10 classes, got 9",
    ),
    "more than were made": (
        {"target": "converted-snn-synthetic", "conversion__synthesis__images": 20, "conversion__images": 30},
        r"at most the 20 images of conversion.synthesis.images, got 30",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_converted_is_named(name: str) -> None:
    """It is refused before anything trains, with the layer's number and name, or the field, and a way out."""
    changes, said = REFUSED[name]
    with pytest.raises(RecipeError, match=said):
        asked(**changes)


def test_shadow_stages_need_a_conversion() -> None:
    """A target that was trained itself has no teacher to stop at."""
    with pytest.raises(RecipeError, match=r"audit.shadow_stage = teacher does nothing in ann-teacher; leave it out, or use a converted"):
        asked("ann-teacher", audit__shadow_stage="teacher")


def test_thresholds_lie_just_above_what_was_measured() -> None:
    """The neuron that sets a threshold does not exceed it at once, however its weights are rounded."""
    assert 1 < ABOVE < 1.0001
