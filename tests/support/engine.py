"""What the engine is tested against: surrogates as smooth steps, neurons one step at a time."""

import math
from collections.abc import Callable

import snntorch
import torch
from snntorch import surrogate as reference
from torch import Tensor

from mia_audit.models.network import SpikingLayer
from mia_audit.recipe import Neuron

Potential = Callable[[Tensor], Tensor]

SNNTORCH: dict[str, Callable[[], Potential]] = {
    "atan": reference.atan,
    "fast-sigmoid": reference.fast_sigmoid,
    "sre": reference.spike_rate_escape,
    "ste": reference.straight_through_estimator,
    "triangular": reference.triangular,
}

POTENTIALS: dict[str, Potential] = {
    "atan": lambda x: torch.arctan(math.pi * x) / math.pi,
    "fast-sigmoid": lambda x: x / (1 + 25 * x.abs()),
    "sre": lambda x: x.sign() * (1 - torch.exp(-x.abs())),
    "ste": lambda x: x,
    "triangular": lambda x: (x - x.sign() * x**2 / 2) * (x.abs() < 1),
}
"""A smooth step whose derivative is the textbook surrogate, for each."""


def spike_function(neuron: Neuron) -> Potential:
    """Return what fires: snnTorch's own function, or a step that borrows the derivative of a potential."""
    if neuron.surrogate_variant == "snntorch":
        return SNNTORCH[neuron.surrogate]()

    def fire(x: Tensor) -> Tensor:
        smooth = POTENTIALS[neuron.surrogate](x)
        return (x > 0).to(x.dtype) + (smooth - smooth.detach())

    return fire


def snntorch_cell(neuron: Neuron) -> snntorch.Leaky:
    """Return snnTorch's cell with this recipe's constants."""
    return snntorch.Leaky(beta=neuron.beta, threshold=neuron.threshold, spike_grad=spike_function(neuron), reset_mechanism=neuron.reset)


def stepped(currents: Tensor, neuron: Neuron) -> tuple[Tensor, Tensor]:
    """Return membranes and spikes [..., T, ...] of currents [K, T, ...] from snnTorch's cell, one step after the other."""
    cell = snntorch_cell(neuron)
    membrane = torch.zeros_like(currents[:, 0])
    membranes, spikes = [], []
    for current in currents.unbind(1):
        spike, membrane = cell(current, membrane)
        membranes.append(membrane)
        spikes.append(spike)
    return torch.stack(membranes, 1), torch.stack(spikes, 1)


def at_once(currents: Tensor, neuron: Neuron, steps: int) -> tuple[Tensor, Tensor]:
    """Return membranes and spikes [K, T, ...] from the engine's layer, all steps at once."""
    membranes, spikes = SpikingLayer(len(currents), 32, neuron, steps)(currents)
    return membranes, spikes
