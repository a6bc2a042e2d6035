"""Gradients of single examples from one pass: they are those of a plain loop over examples, and what is weighed is what is summed."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mia_audit.catalogue import load_recipe, override
from mia_audit.data.profiles import profile, resolve
from mia_audit.errors import TrainingError
from mia_audit.models import budget, unfolding
from mia_audit.models.encoding import encode
from mia_audit.models.layers import Arithmetic, LockstepConv, LockstepLinear, PoolShift
from mia_audit.models.network import Population
from mia_audit.models.normalization import GroupNorm
from mia_audit.models.passage import Passage
from mia_audit.models.quantization import FullWeight
from mia_audit.models.surrogates import SURROGATES
from mia_audit.models.tally import Tally
from mia_audit.recipe import Recipe
from mia_audit.training.lockstep import Pool, build

BATCH = 4
SMALL: dict[str, Any] = {"data.dataset": "digits", "data.pool": 40, "training.precision": "fp32"}


def asked(target: str, **changes: Any) -> Recipe:
    """Return a resolved recipe in full precision arithmetic, on digits unless another data set is named."""
    return resolve(override(load_recipe(target), {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}))


def material(recipe: Recipe, models: int) -> tuple[Population, Tensor, Tensor, Tensor]:
    """Return models in training mode, a batch of random inputs and labels, and weights: the last model's last two examples are padding."""
    dataset = profile(recipe.data.dataset)
    rng = np.random.default_rng(4)
    inputs = rng.random((models, BATCH, *dataset.channels_last), dtype=np.float32)
    pool = Pool(inputs=inputs[0], labels=rng.integers(0, dataset.classes, BATCH), classes=dataset.classes)
    weights = torch.full((models, BATCH), 1 / BATCH)
    weights[-1, 2:] = 0
    generators = [torch.Generator().manual_seed(model) for model in range(models)]
    x = encode(torch.from_numpy(inputs), recipe.model, generators)
    return (
        build(recipe, tuple(range(models)), pool).train(),
        x,
        torch.from_numpy(rng.integers(0, dataset.classes, (models, BATCH))),
        weights,
    )


def losses(population: Population, x: Tensor, labels: Tensor, passage: Passage) -> Tensor:
    """Return each example's loss [K, B]."""
    return F.cross_entropy(population(x, passage).flatten(0, 1), labels.flatten(), reduction="none").view_as(labels)


def tallied(population: Population, x: Tensor, labels: Tensor, weights: Tensor) -> Tally:
    """Return what a pass forward and back leaves; padding has no loss."""
    tally = Tally()
    (losses(population, x, labels, Passage(weights=weights, tally=tally)) * (weights > 0)).sum().backward()
    return tally


def one_by_one(population: Population, x: Tensor, labels: Tensor, weights: Tensor) -> Iterator[dict[str, Tensor]]:
    """Yield the gradients [K, ...] by example 0, 1, ... of every model, each from a pass of its own."""
    for b in range(BATCH):
        population.zero_grad(set_to_none=True)
        here = slice(b, b + 1)
        own = losses(population, x[:, :, here], labels[:, here], Passage(weights=torch.ones(len(labels), 1)))
        (own * (weights[:, here] > 0)).sum().backward()
        yield {name: parameter.grad.clone() for name, parameter in population.named_parameters() if parameter.grad is not None}


def unquantized(population: Population) -> Population:
    """Hold what the layers multiply with as if it were in full precision."""
    for module in population.modules():
        if isinstance(module, LockstepConv | LockstepLinear):
            module.weight = FullWeight(module.weight(torch.float32).values.detach())
    return population


def agree(recipe: Recipe, models: int, *, quantized: bool = False) -> None:
    """Compare norms, and sums with random factors, with the plain loop's."""
    population, x, labels, weights = material(recipe, models)
    tally = tallied(population, x, labels, weights)
    norms = tally.norms(population)
    names = {id(parameter): name for name, parameter in population.named_parameters()}
    factors = torch.rand(models, BATCH, generator=torch.Generator().manual_seed(2))
    totals = {names[id(part.parameter)]: part.total(factors) for part in tally.parts}
    each = list(one_by_one(unquantized(population) if quantized else population, x, labels, weights))
    assert set(totals) == set(each[0])
    lengths = torch.stack([torch.stack([g.double().flatten(1).square().sum(1) for g in one.values()]).sum(0).sqrt() for one in each], dim=1)
    assert (lengths > 0).all() == bool((weights > 0).all())
    torch.testing.assert_close(norms.double(), lengths, rtol=1e-5, atol=1e-8)
    whole = torch.stack([total.double().flatten(1).square().sum(1) for total in totals.values()]).sum(0).sqrt()
    for name, total in totals.items():
        loop = sum(factors[:, b].view(-1, *(1,) * (total.ndim - 1)) * one[name] for b, one in enumerate(each))
        assert isinstance(loop, Tensor)
        assert ((total - loop).flatten(1).norm(dim=1) <= 1e-5 * whole).all(), name


NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "convolutions, static first layer": ("snn", {"model__time_steps": 3}),
    "another input at every step": ("snn", {"model__time_steps": 3, "model__encoding": "rate"}),
    "group norm": ("snn", {"model__time_steps": 2, "model__norm": "group", "model__groups": 2}),
    "net1, strides and padding": ("dp-snn", {"model__architecture": "net1", "data__dataset": "mnist", "model__width": 0.25}),
    "net2, tanh": ("dp-ann", {"data__dataset": "mnist", "model__width": 0.25}),
    "vgg5, no biases": ("snn-vgg5", {"model__time_steps": 2, "model__width": 0.03, "model__norm": "group", "model__groups": 1}),
    "residual blocks": ("snn-resnet18", {"model__time_steps": 1, "model__width": 0.04, "model__norm": "group", "model__groups": 1}),
    "a table": ("snn", {"data__dataset": "iris"}),
}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("models", [1, 3, 8])
def test_norms_and_sums_are_those_of_a_loop_over_examples(network: str, models: int) -> None:
    """Whatever the layers, for one model and for several, padding included: to a hundred-thousandth."""
    target, changes = NETWORKS[network]
    agree(asked(target, **changes), models)


@pytest.mark.parametrize("surrogate", [each.name for each in SURROGATES if not each.noisy])
def test_every_surrogate_gives_the_gradients_of_a_loop(surrogate: str) -> None:
    """A slope that crosses from one example to another would show."""
    agree(asked("snn", model__time_steps=3, model__channels=[2], model__neuron__surrogate=surrogate), 2)


@pytest.mark.parametrize("changes", [{}, {"model__quantization__granularity": "channel"}, {"model__quantization__weight_bits": 1}])
@pytest.mark.parametrize("models", [1, 3])
def test_quantized_layers_have_the_gradients_by_the_weights_they_multiply_with(changes: dict[str, Any], models: int) -> None:
    """As if the integers times their scale were the parameters."""
    agree(
        asked("snn", model__time_steps=2, model__quantization__weight_bits=changes.pop("model__quantization__weight_bits", 4), **changes),
        models,
        quantized=True,
    )


def test_gradients_too_large_to_keep_are_computed_again_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of nothing changes no bit."""
    recipe = asked("snn", model__time_steps=3)
    found = []
    for kept in (2**25, 0):
        monkeypatch.setattr(budget, "KEPT", kept)
        population, *batch = material(recipe, 2)
        tally = tallied(population, *batch)
        norms = tally.norms(population)
        found.append([norms, *(part.total(1 / norms.clamp(min=1)) for part in tally.parts)])
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


def test_examples_in_several_pieces_keep_their_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    """An example a piece gives the sums of all at once."""
    found = []
    for piece in (2**20, 1):
        monkeypatch.setattr(unfolding, "_PIECE", piece)
        population, *batch = material(asked("snn", model__time_steps=3), 2)
        factors = torch.rand(2, BATCH, generator=torch.Generator().manual_seed(2))
        found.append([part.total(factors) for part in tallied(population, *batch).parts])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    ("target", "changes"),
    [
        ("snn", {"model__time_steps": 5}),
        ("snn", {"model__time_steps": 3, "model__quantization__weight_bits": 4}),
        ("snn", {"model__time_steps": 3, "model__quantization__weight_bits": 4, "model__quantization__granularity": "channel"}),
        ("snn", {"model__time_steps": 3, "model__norm": "group", "model__groups": 4}),
    ],
)
def test_what_is_clipped_is_what_is_summed(target: str, changes: dict[str, Any], precision: str) -> None:
    """However numbers are rounded, a clipped example's share in a sum is as long as the clipping norm, give or take a millionth."""
    population, *batch = material(asked(target, **changes, training__precision=precision), 2)
    tally = tallied(population, *batch)
    norms = tally.norms(population)
    most = 0.5 * float(norms[norms > 0].min())
    for model in range(2):
        for b in range(BATCH if model == 0 else 2):
            factors = torch.zeros(2, BATCH)
            factors[model, b] = most / norms[model, b]
            share = torch.cat([part.total(factors)[model].double().flatten() for part in tally.parts]).norm()
            assert share == pytest.approx(most, rel=1e-6)


def test_steps_below_float32_have_the_scale_of_float32() -> None:
    """Integers that are multiplied with, and scaled afterwards, give each layer's gradients by the scaled weights."""
    for dataset, granularity in product(("digits", "iris"), ("tensor", "channel")):
        found = []
        for precision in ("fp32", "bf16"):
            bits = {"model__quantization__weight_bits": 4, "model__quantization__granularity": granularity}
            recipe = asked("snn", data__dataset=dataset, model__time_steps=2, training__precision=precision, **bits)
            population, *batch = material(recipe, 2)
            found.append([part.squares().sum(dim=1).sqrt() for part in tallied(population, *batch).parts])
        for one, other in zip(*found, strict=True):
            torch.testing.assert_close(other, one, rtol=0.6, atol=0)  # spikes may tip; a scale is a tenth


class Spoilt(nn.Module):
    """A network with something wrong about its parameters."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault
        arithmetic = Arithmetic(bits=32, dtype=torch.float32, precise=True)
        self.first = LockstepLinear(torch.ones(1, 3, 3), torch.zeros(1, 3), arithmetic)
        self.second = LockstepLinear(torch.ones(1, 3, 3), torch.zeros(1, 3), arithmetic)
        self.norm = GroupNorm(1, 3, 1)
        self.pool_shift = PoolShift()
        if fault == "frozen":
            self.first.weight.get_parameter("weight").requires_grad = False
        if fault == "tied":
            self.second.weight = self.first.weight

    def forward(self, x: Tensor, passage: Passage) -> Tensor:
        """Run both layers."""
        between = self.norm(self.pool_shift(self.first(x, passage), Passage() if self.fault == "past" else passage), passage)
        if self.fault == "unused":
            between = x
        ended: Tensor = self.pool_shift(self.second(between, passage), passage)
        return ended * self.norm.bias if self.fault == "scaled" else ended


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("frozen", "first.weight.weight, which is frozen"),
        ("tied", "first.weight.weight, which is used twice"),
        ("past", "first.bias, which reported nothing"),
        ("unused", "first.bias, which reported nothing"),
        ("scaled", "norm.bias, which also gets a gradient of the whole batch"),
    ],
)
def test_a_parameter_whose_single_gradients_are_not_known_is_named(fault: str, told: str) -> None:
    """Frozen, tied, past the tally, behind a layer that nothing reaches, or in use elsewhere too."""
    network, tally = Spoilt(fault), Tally()
    network(torch.randn(1, 1, 2, 3, generator=torch.Generator().manual_seed(0)), Passage(tally=tally)).square().sum().backward()
    with pytest.raises(TrainingError, match=f"needs the gradient of every example by every parameter, got {told}; leave that layer out"):
        tally.norms(network)


def test_batch_norm_is_named() -> None:
    """It mixes examples, so it leaves nothing in a tally."""
    population, *batch = material(asked("snn", model__time_steps=2, model__norm="batch"), 1)
    with pytest.raises(TrainingError, match=r"layers\.2\.weight, which reported nothing"):
        tallied(population, *batch).norms(population)
