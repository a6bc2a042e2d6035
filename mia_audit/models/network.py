"""A population of K networks as one module: built from a recipe's layers, run on [K, T or 1, B, ...] inputs."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mia_audit.models import architectures, quantization
from mia_audit.models.architectures import Conv, Fire, Layer, Linear, Pool, Shape
from mia_audit.models.layers import Arithmetic, Drain, LockstepConv, LockstepLinear, initial
from mia_audit.models.spiking import Readout, SpikingLayer
from mia_audit.recipe import Model


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a population answers: logits [K, B, classes]; rates [layers, K, B], spikes per neuron and step (empty for an ANN)."""

    logits: Tensor
    rates: Tensor


class Population(nn.Module):
    """K networks in lockstep."""

    def __init__(
        self, model: Model, shape: Shape, classes: int, generators: list[torch.Generator], kind: torch.dtype = torch.float32
    ) -> None:
        """Build for inputs of `shape` (features,) or (height, width, channels); one generator of initial weights a model.

        kind: the type that hidden layers compute in; sums, membranes, logits and all parameters stay float32.
        """
        super().__init__()
        stack = architectures.layers(model, classes)
        self.receive = quantization.activation(len(generators), model.quantization.input_bits, rectify=False)
        self.layers = nn.ModuleList(_built(model, stack, shape, generators, kind))
        self.answer = Readout(model) if model.neuron else None

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [K, B, classes] of inputs [K, T or 1, B, ...]."""
        return self._run(x, watch=False).logits

    def observe(self, x: Tensor) -> Outputs:
        """Return logits and firing rates."""
        return self._run(x, watch=True)

    def _run(self, x: Tensor, *, watch: bool) -> Outputs:
        rates = []
        x = self.receive(x)
        for layer in self.layers:
            x = layer(x)
            if watch and isinstance(layer, SpikingLayer):
                rates.append(x.flatten(3).float().mean(dim=(1, 3)))
        logits = x.squeeze(1) if self.answer is None else self.answer(x)
        return Outputs(logits=logits, rates=torch.stack(rates) if rates else logits.new_empty(0, *logits.shape[:2]))


def _built(model: Model, stack: tuple[Layer, ...], shape: Shape, generators: list[torch.Generator], kind: torch.dtype) -> list[nn.Module]:
    """Return the modules of all layers: a weighted layer is drained by the pool behind it, or without pooling."""
    weighted = [index for index, layer in enumerate(stack) if isinstance(layer, Conv | Linear)]
    modules: list[nn.Module] = []
    for index, (layer, after) in enumerate(zip(stack, architectures.shapes(stack, shape), strict=True)):
        behind = stack[index + 1] if index + 1 < len(stack) else None
        if isinstance(layer, Conv | Linear):
            arithmetic = Arithmetic(bits=_weight_bits(model, index, weighted), kind=kind, precise=index == weighted[-1])
            modules.append(_weighted(layer, shape, generators, arithmetic))
            modules.append(Drain(behind.size if isinstance(behind, Pool) else 1))
        elif isinstance(layer, Fire):
            modules.append(_fire(model, len(generators), kind))
        shape = after
    return modules


def _weight_bits(model: Model, index: int, weighted: list[int]) -> int:
    """Return the bits of a layer's weights: full precision for a first or last layer that the recipe leaves out."""
    quantized = model.quantization
    spared = (index == weighted[0] and not quantized.first_layer) or (index == weighted[-1] and not quantized.last_layer)
    return 32 if spared else quantized.weight_bits


def _weighted(layer: Conv | Linear, shape: Shape, generators: list[torch.Generator], arithmetic: Arithmetic) -> nn.Module:
    if isinstance(layer, Linear):
        fan_in = torch.Size(shape).numel()
        weight, bias = (initial(size, fan_in, generators) for size in ((layer.features, fan_in), (layer.features,)))
        return LockstepLinear(weight, bias, arithmetic)
    fan_in = shape[-1] * layer.kernel**2
    kernel = (layer.channels, shape[-1], layer.kernel, layer.kernel)
    weight, bias = (initial(size, fan_in, generators) for size in (kernel, (layer.channels,)))
    return LockstepConv(weight, bias, arithmetic, padding=layer.padding)


def _fire(model: Model, models: int, kind: torch.dtype) -> nn.Module:
    bits = model.quantization.activation_bits
    if model.neuron is None:
        return quantization.activation(models, bits, rectify=True)
    return SpikingLayer(models, bits, model.neuron, model.time_steps, kind)
