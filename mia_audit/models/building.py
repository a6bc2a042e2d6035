"""From descriptions to modules: a population's layers as the engine runs them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mia_audit.models.chain import Chain, ResidualSum
from mia_audit.models.layers import Arithmetic, LockstepConv, LockstepLinear, PoolShift, initial
from mia_audit.models.normalization import BatchNorm, GroupNorm
from mia_audit.models.rectified import RectifiedLayer
from mia_audit.models.shapes import Shape, after, bypass
from mia_audit.models.spiking import FiredPool, SpikingLayer
from mia_audit.models.stateless import GlobalMean, Pooling, Silencing, Tanh
from mia_audit.recipe import Model
from mia_audit.recipe.layers import Conv, Dropout, Fire, Layer, Linear, Norm, Pool, Residual


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The first and the last weighted layer: quantized only where the recipe says so, and the last one precise."""

    first: Layer
    last: Layer


@dataclass(frozen=True, kw_only=True)
class Builder:
    """What every layer is built with; one generator of initial weights a model, `dtype` the type that hidden layers compute in."""

    model: Model
    generators: list[torch.Generator]
    dtype: torch.dtype
    ends: Ends

    def chain(self, stack: tuple[Layer, ...], shape: Shape) -> Chain:
        """Build layers in a row. A weighted layer takes the max pooling behind it into its own pass; neurons pool their spikes."""
        modules: list[nn.Module] = []
        pooling: Layer | None = None
        for index, layer in enumerate(stack):
            if isinstance(layer, Conv | Linear):
                behind = stack[index + 1] if index + 1 < len(stack) else None
                pooling = behind if isinstance(behind, Pool) and behind.of == "max" and behind.every == behind.size else None
                modules += [self._weighted(layer, shape), PoolShift(pooling.size if isinstance(pooling, Pool) else 1)]
            elif isinstance(layer, Pool) and modules and isinstance(modules[-1], SpikingLayer) and layer.of == "max":
                modules[-1] = FiredPool(modules[-1], layer)
            elif layer is not pooling and (module := self._unweighted(layer, shape)) is not None:
                modules.append(module)
            shape = after(layer, shape)
        return Chain(modules)

    def _unweighted(self, layer: Layer, shape: Shape) -> nn.Module | None:
        match layer:
            case Fire():
                return self._fire(layer)
            case Norm():
                return self._norm(layer, shape[-1])
            case Pool():
                return Pooling(layer)
            case Dropout():
                return Silencing(layer.rate)
            case Residual():
                return self._residual(layer, shape)
            case _:
                return GlobalMean()

    def _weighted(self, layer: Conv | Linear, shape: Shape) -> nn.Module:
        quantized = self.model.quantization
        spared = (layer is self.ends.first and not quantized.first_layer) or (layer is self.ends.last and not quantized.last_layer)
        arithmetic = Arithmetic(
            bits=32 if spared else quantized.weight_bits,
            dtype=self.dtype,
            precise=layer is self.ends.last,
            by_channel=quantized.granularity == "channel",
        )
        if isinstance(layer, Linear):
            fan_in = torch.Size(shape).numel()
            weight, bias = self._initial((layer.features, fan_in), fan_in, layer.bias)
            return LockstepLinear(weight, bias, arithmetic)
        fan_in = shape[-1] * layer.kernel**2
        weight, bias = self._initial((layer.channels, shape[-1], layer.kernel, layer.kernel), fan_in, layer.bias)
        return LockstepConv(weight, bias, arithmetic, padding=layer.padding, stride=layer.stride)

    def _initial(self, shape: tuple[int, ...], fan_in: int, biased: bool) -> tuple[Tensor, Tensor | None]:
        """Draw weights [K, *shape], and biases [K, outputs] where the layer has them."""
        gaussian = self.model.initial == "kaiming"
        weight = initial(shape, fan_in, self.generators, gaussian=gaussian)
        if not biased:
            return weight, None
        return weight, weight.new_zeros(weight.shape[:2]) if gaussian else initial(shape[:1], fan_in, self.generators)

    def _fire(self, layer: Fire) -> nn.Module:
        bits, neuron = self.model.quantization.activation_bits, self.model.neuron
        if neuron is not None and layer.activation is None:
            return SpikingLayer(len(self.generators), bits, neuron, self.model.time_steps, self.dtype, self.model.quantization)
        if (layer.activation or self.model.activation) == "tanh":
            return Tanh(len(self.generators), bits, self.dtype)
        return RectifiedLayer(len(self.generators), bits, self.dtype)

    def _norm(self, layer: Norm, channels: int) -> nn.Module | None:
        if layer.over in {None, "none"}:
            return None
        if layer.over == "group":
            return GroupNorm(len(self.generators), channels, layer.groups or self.model.groups)
        return BatchNorm(len(self.generators), channels, self.model.time_steps, per_step=layer.over == "batch-per-step")

    def _residual(self, layer: Residual, shape: Shape) -> nn.Module:
        body = self.chain(layer.body, shape)
        shortcut = bypass(layer, shape)
        if shortcut is None:
            return ResidualSum(body, Chain())
        norms = tuple(inner for inner in layer.body if isinstance(inner, Norm))[-1:]
        return ResidualSum(body, self.chain((shortcut, *norms), shape))


def ends(stack: tuple[Layer, ...]) -> Ends:
    """Return the first and last weighted layer, those of residual bodies included."""
    weighted = _weighted_layers(stack)
    return Ends(first=weighted[0], last=weighted[-1])


def _weighted_layers(stack: tuple[Layer, ...]) -> list[Layer]:
    found: list[Layer] = []
    for layer in stack:
        if isinstance(layer, Residual):
            found += _weighted_layers(layer.body)
        elif isinstance(layer, Conv | Linear):
            found.append(layer)
    return found
