"""The slow reference of the zoo: one model, built from torch's, Brevitas' and snnTorch's own layers, one time step after the other."""

from collections.abc import Sequence
from typing import Any

import torch
from brevitas import nn as qnn
from brevitas.quant import Int8WeightPerChannelFloat, Int8WeightPerTensorFloat
from torch import Tensor, nn
from torch.nn.utils import parametrize

from mia_audit.models import architectures
from mia_audit.models.layers import LockstepConv, LockstepLinear
from mia_audit.models.network import Population
from mia_audit.models.normalization import BatchNorm, GroupNorm
from mia_audit.models.shapes import Shape, after, bypass
from mia_audit.recipe import Model
from mia_audit.recipe.layers import Conv, Dropout, Fire, GlobalAverage, Layer, Linear, Norm, Pool, Residual
from tests.support.engine import snntorch_cell

Steps = list[Tensor]

SMALL: dict[str, tuple[tuple[int, ...], float, dict[str, Any]]] = {
    "mlp": ((5,), 1.0, {"hidden": (7, 6)}),
    "conv": ((8, 8, 2), 1.0, {"channels": (3, 4)}),
    "mlp-1000": ((5,), 0.02, {}),
    "seed-conv": ((8, 8, 1), 0.1, {}),
    "net1": ((20, 20, 1), 0.25, {}),
    "net2": ((19, 19, 1), 0.25, {}),
    "vgg5": ((8, 8, 2), 0.03, {}),
    "vgg9": ((8, 8, 2), 0.03, {}),
    "vgg16": ((32, 32, 1), 0.01, {}),
    "resnet18": ((8, 8, 2), 0.03, {}),
}
"""The smallest of each architecture: input shape, width, and what the recipe has to say beside them."""


class Plain(nn.Module):
    """One model, channels first; takes T inputs [B, ...] (channels last, as the engine does) and returns logits [B, classes]."""

    def __init__(self, model: Model, shape: Shape, classes: int) -> None:
        super().__init__()
        self.model = model
        self.row = Row(model, architectures.layers(model, classes), shape)

    def load(self, together: Population, k: int) -> "Plain":
        """Take every weight, bias and running statistic of model k."""
        kinds = (LockstepConv, LockstepLinear, BatchNorm, GroupNorm)
        theirs = [module for module in together.modules() if isinstance(module, kinds)]
        own = [module for module in self.modules() if isinstance(module, nn.Conv2d | nn.Linear | Normal | nn.GroupNorm)]
        for their, mine in zip(theirs, own, strict=True):
            _copy(their, mine, k)
        return self

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return logits as the model reads them."""
        steps = self.row([x.movedim(-1, 1) if x.ndim == 4 else x for x in inputs])
        if self.model.neuron is None:
            return steps[0]
        cell, membrane, membranes, spikes = snntorch_cell(self.model.neuron), torch.zeros_like(steps[0]), [], []
        for current in steps:
            spike, membrane = cell(current, membrane)
            membranes.append(membrane)
            spikes.append(spike)
        reads = {"membrane-mean": torch.stack(membranes).mean(0), "membrane-last": membranes[-1], "spike-count": sum(spikes)}
        return reads[self.model.readout]


class Row(nn.Module):
    """Layers in a row."""

    def __init__(self, model: Model, stack: tuple[Layer, ...], shape: Shape) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for layer in stack:
            self.layers.append(_module(model, layer, shape))
            shape = after(layer, shape)

    def forward(self, steps: Steps) -> Steps:
        """Run T steps through every layer."""
        for layer in self.layers:
            steps = layer(steps) if isinstance(layer, Cells | Normal | Sum) else [layer(x) for x in steps]
        return steps


class Cells(nn.Module):
    """snnTorch's cells."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        assert model.neuron is not None
        self.cell = snntorch_cell(model.neuron)

    def forward(self, steps: Steps) -> Steps:
        """Fire, step by step."""
        membrane, fired = torch.zeros_like(steps[0]), []
        for current in steps:
            spike, membrane = self.cell(current, membrane)
            fired.append(spike)
        return fired


class Normal(nn.Module):
    """torch's batch norm: one over all steps, or one a step."""

    def __init__(self, channels: int, steps: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm1d(channels) for _ in range(steps))

    def forward(self, steps: Steps) -> Steps:
        """Normalize."""
        flat = [x.flatten(2) if x.ndim > 2 else x.unsqueeze(2) for x in steps]
        if len(self.norms) == 1:
            normal = list(self.norms[0](torch.cat(flat)).chunk(len(flat)))
        else:
            normal = [norm(x) for norm, x in zip(self.norms, flat, strict=True)]
        return [each.view_as(x) for each, x in zip(normal, steps, strict=True)]


class Sum(nn.Module):
    """A residual connection."""

    def __init__(self, model: Model, layer: Residual, shape: Shape) -> None:
        super().__init__()
        self.body = Row(model, layer.body, shape)
        shortcut = bypass(layer, shape)
        norms = tuple(inner for inner in layer.body if isinstance(inner, Norm))[-1:]
        self.shortcut = Row(model, (shortcut, *norms) if shortcut else (), shape)

    def forward(self, steps: Steps) -> Steps:
        """Add."""
        return [a + b for a, b in zip(self.body(steps), self.shortcut(steps), strict=True)]


class Signs(nn.Module):
    """Weights of one bit (Rastegari et al. 2016, equation 6): the sign times the mean magnitude, which the gradient passes as it is."""

    def __init__(self, *, by_channel: bool) -> None:
        super().__init__()
        self.by_channel = by_channel

    def forward(self, weight: Tensor) -> Tensor:
        """Return two values, or two a channel."""
        rows = weight.flatten(1) if self.by_channel else weight.flatten().unsqueeze(0)
        mean = rows.abs().mean(dim=1).view(-1, *(1,) * (weight.ndim - 1))
        return (weight + (torch.where(weight >= 0, 1.0, -1.0) - weight).detach()) * mean


class Flat(nn.Module):
    """Flatten as the engine does, channels last."""

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, features]."""
        return x.movedim(1, -1).flatten(1) if x.ndim > 2 else x


def _module(model: Model, layer: Layer, shape: Shape) -> nn.Module:  # noqa: C901, PLR0911  one case a layer
    match layer:
        case Conv():
            return _conv(model, layer, shape[-1])
        case Linear():
            return nn.Sequential(Flat(), _linear(model, layer, torch.Size(shape).numel()))
        case Pool():
            return (nn.MaxPool2d if layer.of == "max" else nn.AvgPool2d)(layer.size, layer.every)
        case GlobalAverage():
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case Fire():
            if model.neuron is not None and layer.activation is None:
                return Cells(model)
            return nn.Tanh() if (layer.activation or model.activation) == "tanh" else nn.ReLU()
        case Norm():
            if layer.over == "group":
                return nn.GroupNorm(layer.groups or model.groups, shape[-1])
            return Normal(shape[-1], model.time_steps if layer.over == "batch-per-step" else 1)
        case Residual():
            return Sum(model, layer, shape)
        case Dropout():
            return nn.Identity()


def _quantizer(model: Model) -> dict[str, Any]:
    by_channel = model.quantization.granularity == "channel"
    return {
        "weight_quant": Int8WeightPerChannelFloat if by_channel else Int8WeightPerTensorFloat,
        "weight_bit_width": model.quantization.weight_bits,
    }


class Thin(nn.Module):
    """Images at every so many places: what a kernel of one place sees under a stride, which torch cannot take back everywhere."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Leave places out."""
        return x[..., :: self.stride, :: self.stride]


def _conv(model: Model, layer: Conv, channels: int) -> nn.Module:
    if layer.kernel == 1 and layer.padding == 0 and layer.stride > 1:
        return nn.Sequential(Thin(layer.stride), _conv(model, layer.model_copy(update={"stride": 1}), channels))
    if model.quantization.weight_bits in {32, 1}:
        return _signed(model, nn.Conv2d(channels, layer.channels, layer.kernel, layer.stride, layer.padding, bias=layer.bias))
    return qnn.QuantConv2d(
        channels, layer.channels, layer.kernel, layer.stride, padding=layer.padding, bias=layer.bias, **_quantizer(model)
    )


def _linear(model: Model, layer: Linear, features: int) -> nn.Module:
    if model.quantization.weight_bits in {32, 1}:
        return _signed(model, nn.Linear(features, layer.features, bias=layer.bias))
    return qnn.QuantLinear(features, layer.features, bias=layer.bias, **_quantizer(model))


def _signed(model: Model, layer: nn.Module) -> nn.Module:
    """Return the layer, its weights of one bit where the model's are."""
    if model.quantization.weight_bits == 1:
        parametrize.register_parametrization(layer, "weight", Signs(by_channel=model.quantization.granularity == "channel"))
    return layer


def _copy(their: Any, mine: Any, k: int) -> None:
    if isinstance(mine, Normal):
        assert isinstance(their, BatchNorm)
        for step, norm in enumerate(mine.norms):
            for name in ("weight", "bias", "running_mean", "running_var"):
                getattr(norm, name).data.copy_(getattr(their, name).data[k, step])
        return
    weight = their.weight if isinstance(their, GroupNorm) else their.weight.weight
    own = mine.parametrizations.weight.original if parametrize.is_parametrized(mine) else mine.weight
    own.data.copy_(weight.data[k])
    if mine.bias is not None:
        mine.bias.data.copy_(their.bias.data[k])
