"""A teacher's weights without batch norm, and the networks that take them."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mia_audit.conversion.stages import converted
from mia_audit.models.layers import LockstepConv, LockstepLinear
from mia_audit.models.network import Population
from mia_audit.models.normalization import EPSILON, BatchNorm
from mia_audit.models.spiking import SpikingLayer
from mia_audit.recipe import Recipe


class Weights(NamedTuple):
    """A layer's weights [K, out, ...] and biases [K, out]; no biases where the layer has none."""

    weight: Tensor
    bias: Tensor | None


def weighted(population: Population) -> list[LockstepConv | LockstepLinear]:
    """Return the layers with weights, in order."""
    return [module for module in population.layers if isinstance(module, LockstepConv | LockstepLinear)]


def firing(population: Population) -> list[int]:
    """Return the places of spiking layers in the chain, in order."""
    return [place for place, module in enumerate(population.layers) if isinstance(module, SpikingLayer)]


def held(layer: nn.Module) -> Weights:
    """Return a layer's own parameters."""
    bias = dict(layer.named_parameters(recurse=False)).get("bias")
    return Weights(layer.get_parameter("weight.weight"), bias)


@torch.no_grad()
def folded(teacher: Population) -> list[Weights]:
    """Return copies of each layer's weights, with the batch norm behind it multiplied in: the same sums in evaluation mode."""
    found: list[Weights] = []
    for module in _plain(teacher):
        if isinstance(module, BatchNorm):
            found[-1] = _normalized(found[-1], module)
        else:
            own = held(module)
            found.append(Weights(own.weight.clone(), None if own.bias is None else own.bias.clone()))
    return found


def _plain(teacher: Population) -> Iterator[nn.Module]:
    yield from (module for module in teacher.layers if isinstance(module, LockstepConv | LockstepLinear | BatchNorm))


def _normalized(own: Weights, norm: BatchNorm) -> Weights:
    """Return the layer that gives scale (W x + b - mean) / sqrt(var + epsilon) + shift by itself; norms have shape [K, 1, out]."""
    scale = (norm.weight * torch.rsqrt(norm.running_var + EPSILON)).squeeze(1)
    shift = norm.bias.squeeze(1) - norm.running_mean.squeeze(1) * scale
    bias = shift if own.bias is None else own.bias * scale + shift
    return Weights(own.weight * alike(scale, own.weight), bias)


def build(recipe: Recipe, shape: tuple[int, ...], classes: int, models: int, *, steps: int | None = None) -> Population:
    """Return untrained converted networks, for so many steps if not the recipe's, in evaluation mode: in float32, whatever trained."""
    own = converted(recipe)
    model = own.model if steps is None else own.model.model_copy(update={"time_steps": steps})
    return Population(model, shape, classes, [torch.Generator().manual_seed(0) for _ in range(models)]).eval()


def build_plain(recipe: Recipe, shape: tuple[int, ...], classes: int, weights: list[Weights]) -> Population:
    """Return the teacher as an ordinary network of these weights, without norms, to be asked alone."""
    plain = build(converted(recipe).teacher, shape, classes, len(weights[0].weight))
    load(plain, weights)
    return plain.to(weights[0].weight.device).requires_grad_(requires_grad=False)


def alike(factor: Tensor, values: Tensor) -> Tensor:
    """Return factors [K] or [K, out] in a form that multiplies values [K, out, ...]."""
    return factor.view(*factor.shape, *(1,) * (values.ndim - factor.ndim))


@torch.no_grad()
def load(population: Population, weights: list[Weights]) -> None:
    """Write weights into a population of the same layers."""
    for layer, own in zip(weighted(population), weights, strict=True):
        target = held(layer)
        target.weight.copy_(own.weight)
        if target.bias is not None and own.bias is not None:
            target.bias.copy_(own.bias)


def select(weights: list[Weights], places: list[int]) -> list[Weights]:
    """Return the weights of some of the models."""
    return [Weights(own.weight[places], None if own.bias is None else own.bias[places]) for own in weights]
