"""What the engine is tested against: surrogates as smooth steps, neurons one step at a time, models built alone."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import snntorch
import torch
from brevitas import nn as qnn
from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerTensorFloat, Uint8ActPerTensorFloat
from snntorch import surrogate as reference
from torch import Tensor, nn

from mia_audit.models import architectures
from mia_audit.models.architectures import Conv, Layer, Linear, Pool
from mia_audit.models.network import Population
from mia_audit.models.neurons import LeakyOverTime
from mia_audit.models.spiking import SpikingLayer, dynamics
from mia_audit.recipe import Model, Neuron

Potential = Callable[[Tensor], Tensor]

SNNTORCH: dict[str, Callable[[], Potential]] = {
    "atan": reference.atan,
    "fast-sigmoid": reference.fast_sigmoid,
    "sre": reference.spike_rate_escape,
    "ste": reference.straight_through_estimator,
    "triangular": reference.triangular,
    "sigmoid": lambda: lambda x: reference.Sigmoid.apply(x.clamp(min=-3.4), 25),  # below, snnTorch overflows where the slope is zero
    "sfs": reference.SFS,
}
"""What snnTorch has and can call: its leaky spike operator fails, forward by name and backward by class (issue 347)."""

POTENTIALS: dict[str, Potential] = {
    "atan": lambda x: torch.arctan(math.pi * x) / math.pi,
    "fast-sigmoid": lambda x: x / (1 + 25 * x.abs()),
    "sre": lambda x: x.sign() * (1 - torch.exp(-x.abs())),
    "ste": lambda x: x,
    "triangular": lambda x: (x - x.sign() * x**2 / 2) * (x.abs() < 1),
    "sigmoid": lambda x: torch.sigmoid(25 * x),
    "lso": lambda x: torch.where(x > 0, x, 0.1 * x),
    "sfs": lambda x: x / (1 + 25 * x.abs()) * (x > 1),
    "sso": lambda x: x * (x > 0),
    "gate": lambda x: x * (x.abs() < 0.5),
    "sech2": torch.tanh,
    "gaussian": lambda x: math.sqrt(math.pi / 8) * torch.erf(math.sqrt(2) * x),
}
"""A smooth step whose derivative is the textbook surrogate, for each; the stochastic one's without its noise."""


def spike_function(neuron: Neuron) -> Potential:
    """Return what fires: snnTorch's own function, or a step that borrows the derivative of a potential."""
    if neuron.surrogate_variant == "snntorch" and neuron.surrogate in SNNTORCH:
        return SNNTORCH[neuron.surrogate]()

    return borrowed(POTENTIALS[neuron.surrogate])


def borrowed(potential: Potential) -> Potential:
    """Return a step whose derivative is that of a smooth potential."""

    def fire(x: Tensor) -> Tensor:
        smooth = potential(x)
        return (x > 0).to(x.dtype) + (smooth - smooth.detach())

    return fire


def snntorch_cell(neuron: Neuron) -> snntorch.Leaky:
    """Return snnTorch's cell with this recipe's constants."""
    return snntorch.Leaky(beta=neuron.beta, threshold=neuron.threshold, spike_grad=spike_function(neuron), reset_mechanism=neuron.reset)


def stepped(currents: Tensor, neuron: Neuron) -> tuple[Tensor, Tensor]:
    """Return membranes and spikes [..., T, ...] of currents [K, T, ...] from snnTorch's cell, one step after the other."""
    cell = snntorch_cell(neuron)
    membrane = torch.full_like(currents[:, 0], neuron.start * neuron.threshold)
    membranes, spikes = [], []
    for current in currents.unbind(1):
        spike, membrane = cell(current, membrane)
        membranes.append(membrane)
        spikes.append(spike)
    return torch.stack(membranes, 1), torch.stack(spikes, 1)


def at_once(currents: Tensor, neuron: Neuron, steps: int) -> tuple[Tensor, Tensor]:
    """Return membranes and spikes [K, T, ...] from the engine, all steps at once."""
    membranes, spikes = LeakyOverTime.apply(currents, steps, dynamics(neuron))
    return membranes, spikes


def layer_of(models: int, neuron: Neuron, steps: int, *, bits: int = 32, kind: torch.dtype = torch.float32) -> SpikingLayer:
    """Return the engine's layer of hidden neurons, kernels included."""
    return SpikingLayer(models, bits, neuron, steps, kind)


def population(model: Model, shape: tuple[int, ...], *, classes: int = 3, models: int = 3, first: int = 0) -> Population:
    """Return untrained models in full precision arithmetic; model k draws from a generator of its own."""
    generators = [torch.Generator().manual_seed(first + k) for k in range(models)]
    return Population(model, shape, classes, generators, torch.float32)


class Alone(nn.Module):
    """One model built from Brevitas' own layers (torch's at 32 bits), time folded into the batch, with snnTorch's cells.

    Takes inputs [T or 1, B, ...], channels last, and returns the logits [B, classes]. `load` copies a model out of a population.
    """

    def __init__(self, model: Model, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.model = model
        self.receive = _activation(model.quantization.input_bits, rectify=False)
        stack = architectures.layers(model, classes)
        weighted = [layer for layer in stack if isinstance(layer, Conv | Linear)]
        modules: list[nn.Module] = []
        for layer, after in zip(stack, architectures.shapes(stack, shape), strict=True):
            first, last = layer is weighted[0], layer is weighted[-1]
            spared = (first and not model.quantization.first_layer) or (last and not model.quantization.last_layer)
            modules.append(_module(layer, shape, 32 if spared else model.quantization.weight_bits, model))
            shape = after
        self.layers = nn.ModuleList(modules)

    def load(self, together: nn.Module, k: int) -> "Alone":
        """Take weights, biases and learned scales of model k from a population."""
        theirs = dict(together.named_parameters())
        for name, own in zip(weighted(theirs), weighted(dict(self.named_parameters())), strict=True):
            own.data.copy_(name.data[k].view_as(own))
        for their, own in zip(scalings(together), scalings(self), strict=True):
            if own.counter > own.collect_stats_steps:
                own.value.data.copy_(their.value.data[k].view_as(own.value))
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [B, classes]."""
        x = _value(self.receive(x))
        for layer in self.layers:
            x = self._through(layer, x)
        if self.model.neuron is None:
            return x[0]
        membranes, spikes = self._fired(x)
        return {"membrane-mean": membranes.mean(0), "membrane-last": membranes[-1], "spike-count": spikes.sum(0)}[self.model.readout]

    def _through(self, layer: nn.Module, x: Tensor) -> Tensor:
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            images = x.flatten(0, 1).movedim(-1, 1)
            return _value(layer(images)).movedim(1, -1).unflatten(0, x.shape[:2])
        if isinstance(layer, nn.Linear):
            return _value(layer(x.flatten(2)))
        x = _value(layer(x))
        return x if self.model.neuron is None else self._fired(x)[1]

    def _fired(self, currents: Tensor) -> tuple[Tensor, Tensor]:
        assert self.model.neuron is not None
        steps = currents.expand(self.model.time_steps, *currents.shape[1:]).unsqueeze(0)
        membranes, spikes = stepped(steps, self.model.neuron)
        return membranes[0], spikes[0]


def _module(layer: Layer, shape: tuple[int, ...], bits: int, model: Model) -> nn.Module:
    quantized = {"weight_quant": Int8WeightPerTensorFloat, "weight_bit_width": bits}
    if isinstance(layer, Conv):
        if bits == 32:
            return nn.Conv2d(shape[-1], layer.channels, layer.kernel, padding=layer.padding)
        return qnn.QuantConv2d(shape[-1], layer.channels, layer.kernel, padding=layer.padding, **quantized)
    if isinstance(layer, Linear):
        features = math.prod(shape)
        return nn.Linear(features, layer.features) if bits == 32 else qnn.QuantLinear(features, layer.features, bias=True, **quantized)
    if isinstance(layer, Pool):
        return nn.MaxPool2d(layer.size)
    return _activation(model.quantization.activation_bits, rectify=model.neuron is None)


def _activation(bits: int, *, rectify: bool) -> nn.Module:
    if bits == 32:
        return nn.ReLU() if rectify else nn.Identity()
    if rectify:
        return qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, bit_width=bits)
    return qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=bits)


def _value(quantized: Any) -> Tensor:
    return getattr(quantized, "value", quantized)


def weighted(parameters: Mapping[str, Tensor]) -> list[Tensor]:
    """Return weights and biases, layer by layer, without the quantizers' scales."""
    weights = [value for name, value in parameters.items() if name.startswith("layers.") and name.endswith("weight")]
    biases = [value for name, value in parameters.items() if name.startswith("layers.") and name.endswith("bias")]
    return [*weights, *biases]


def scalings(module: nn.Module) -> list[Any]:
    """Return Brevitas' activation scalings of a model or a population, in order."""
    return [part for part in module.modules() if hasattr(part, "collect_stats_steps")]
