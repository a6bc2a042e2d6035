"""Spiking layers of a population: hidden neurons that send spikes, and readout neurons that are read."""

from typing import Any

import torch
from torch import Tensor, nn

from mia_audit.models import fused, quantization
from mia_audit.models.neurons import Dynamics, LeakyOverTime
from mia_audit.models.surrogates import surrogate
from mia_audit.recipe import Model, Neuron, settled


class SpikingLayer(nn.Module):
    """Leaky integrate-and-fire neurons behind an optional quantizer of their input currents."""

    def __init__(self, models: int, bits: int, neuron: Neuron, steps: int, kind: torch.dtype) -> None:
        super().__init__()
        self.current: Any = quantization.activation(models, bits, rectify=False)
        self.neuron, self.steps, self.kind = dynamics(neuron), steps, kind

    def forward(self, current: Tensor) -> Tensor:
        """Turn currents [K, T or 1, B, ...] into spikes [K, T, B, ...] of the type that the next layer computes in.

        In float32 Brevitas does its own rounding, so that a model equals one built from its layers to the bit; otherwise
        the kernel rounds with Brevitas' scale, and only the order of the scale's gradient sum differs.
        """
        if current.device.type != "cpu":
            spikes: Tensor = LeakyOverTime.apply(self.current(current), self.steps, self.neuron)[1]
            return spikes.to(self.kind)
        if self.kind == torch.float32:
            current = self.current(current)
            scale = current.new_zeros(len(current))
        else:
            scale = self.current.scale(current)
        fired: Tensor = fused.Fire.apply(current, scale, self.neuron, self.current.grid, self.steps, self.kind)
        return fired


class Readout(nn.Module):
    """The last layer's neurons: currents [K, T or 1, B, classes] -> logits [K, B, classes], as the recipe reads them."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.neuron, self.steps, self.read = dynamics(settled(model.neuron)), model.time_steps, model.readout

    def forward(self, current: Tensor) -> Tensor:
        """Integrate and read: the mean or last membrane, or the number of spikes."""
        membranes: Tensor
        spikes: Tensor
        membranes, spikes = LeakyOverTime.apply(current, self.steps, self.neuron)
        if self.read == "membrane-mean":
            return membranes.mean(dim=1)
        if self.read == "membrane-last":
            return membranes[:, -1]
        return spikes.sum(dim=1)


def dynamics(neuron: Neuron) -> Dynamics:
    """Return a recipe's neuron as the engine computes it."""
    shape = surrogate(neuron.surrogate)
    return Dynamics(
        beta=neuron.beta,
        threshold=neuron.threshold,
        reset_to_zero=neuron.reset == "zero",
        slope=shape.slope(neuron.surrogate_variant),
        code=shape.code(neuron.surrogate_variant),
    )
