"""A population of K networks as one module: built from a recipe's layers, run on [K, T or 1, B, ...] inputs."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mia_audit.models import architectures, quantization
from mia_audit.models.architectures import Conv, Linear, Pool
from mia_audit.models.layers import LockstepConv, LockstepLinear, MaxPool, initial
from mia_audit.models.neurons import Dynamics, LeakyOverTime
from mia_audit.models.surrogates import surrogate
from mia_audit.recipe import Model, Neuron


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a population answers: logits [K, B, classes]; rates [layers, K, B], spikes per neuron and step (empty for an ANN)."""

    logits: Tensor
    rates: Tensor


class SpikingLayer(nn.Module):
    """Leaky integrate-and-fire neurons behind an optional quantizer of their input currents."""

    def __init__(self, models: int, bits: int, neuron: Neuron, steps: int) -> None:
        super().__init__()
        self.current = quantization.activation(models, bits, rectify=False)
        self.steps = steps
        self.neuron = Dynamics(
            beta=neuron.beta,
            threshold=neuron.threshold,
            reset_to_zero=neuron.reset == "zero",
            slope=surrogate(neuron.surrogate).slope(neuron.surrogate_variant),
        )

    def forward(self, current: Tensor) -> tuple[Tensor, Tensor]:
        """Turn a current [K, T or 1, B, ...] into membranes and spikes [K, T, B, ...]."""
        membranes, spikes = LeakyOverTime.apply(self.current(current), self.steps, self.neuron)
        return membranes, spikes


class Population(nn.Module):
    """K networks in lockstep."""

    def __init__(self, model: Model, shape: tuple[int, ...], classes: int, generators: list[torch.Generator]) -> None:
        """Build for inputs of `shape` (features,) or (height, width, channels); one generator of initial weights a model."""
        super().__init__()
        stack = architectures.layers(model, classes)
        self.readout = model.readout
        self.receive = quantization.activation(len(generators), model.quantization.input_bits, rectify=False)
        self.layers = nn.ModuleList(_built(model, stack, shape, generators))
        self.answer = SpikingLayer(len(generators), 32, model.neuron, model.time_steps) if model.neuron else None

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
            if isinstance(layer, SpikingLayer):
                _, x = layer(x)
                if watch:
                    rates.append(x.flatten(3).mean(dim=(1, 3)))
            else:
                x = layer(x)
        logits = x.squeeze(1) if self.answer is None else self._read(x)
        return Outputs(logits=logits, rates=torch.stack(rates) if rates else logits.new_empty(0, *logits.shape[:2]))

    def _read(self, current: Tensor) -> Tensor:
        """Return logits [K, B, classes] from the current [K, T or 1, B, classes] of the readout neurons."""
        assert self.answer is not None  # noqa: S101  only spiking networks come here
        membranes: Tensor
        spikes: Tensor
        membranes, spikes = self.answer(current)
        if self.readout == "membrane-mean":
            return membranes.mean(dim=1)
        if self.readout == "membrane-last":
            return membranes[:, -1]
        return spikes.sum(dim=1)


def _built(
    model: Model, stack: tuple[architectures.Layer, ...], shape: tuple[int, ...], generators: list[torch.Generator]
) -> list[nn.Module]:
    """Return the modules of all layers."""
    weighted = [index for index, layer in enumerate(stack) if isinstance(layer, Conv | Linear)]
    modules: list[nn.Module] = []
    for index, (layer, after) in enumerate(zip(stack, architectures.shapes(stack, shape), strict=True)):
        if isinstance(layer, Conv | Linear):
            modules.append(_weighted(layer, shape, _weight_bits(model, index, weighted), generators))
        elif isinstance(layer, Pool):
            modules.append(MaxPool(layer.size))
        else:
            modules.append(_fire(model, len(generators)))
        shape = after
    return modules


def _weight_bits(model: Model, index: int, weighted: list[int]) -> int:
    """Return the bits of a layer's weights: full precision for a first or last layer that the recipe leaves out."""
    quantization_ = model.quantization
    spared = (index == weighted[0] and not quantization_.first_layer) or (index == weighted[-1] and not quantization_.last_layer)
    return 32 if spared else quantization_.weight_bits


def _weighted(layer: Conv | Linear, shape: tuple[int, ...], bits: int, generators: list[torch.Generator]) -> nn.Module:
    if isinstance(layer, Linear):
        fan_in = torch.Size(shape).numel()
        weight, bias = (initial(size, fan_in, generators) for size in ((layer.features, fan_in), (layer.features,)))
        return LockstepLinear(weight, bias, bits)
    fan_in = shape[-1] * layer.kernel**2
    kernel = (layer.channels, shape[-1], layer.kernel, layer.kernel)
    weight, bias = (initial(size, fan_in, generators) for size in (kernel, (layer.channels,)))
    return LockstepConv(weight, bias, bits, padding=layer.padding)


def _fire(model: Model, models: int) -> nn.Module:
    bits = model.quantization.activation_bits
    if model.neuron is None:
        return quantization.activation(models, bits, rectify=True)
    return SpikingLayer(models, bits, model.neuron, model.time_steps)
