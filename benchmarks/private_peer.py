"""A private step as a user takes it with the libraries: Net2 in PyTorch, spiking step by step with snnTorch, gradients by Opacus."""

from collections.abc import Callable
from typing import Any

import numpy as np
import snntorch
import torch
from opacus import GradSampleModule
from opacus.optimizers import DPOptimizer
from snntorch import surrogate
from torch import Tensor, nn

from mia_audit.recipe import Recipe, filled
from mia_audit.types import Floats, Ints

WIDTH = 1.0
"""Of the gate: the default of ours, which a test compares."""


def gate(membrane: Tensor, incoming: Tensor, _: Tensor) -> Tensor:
    """Pass gradients on where the membrane lies in the gate."""
    return incoming * (membrane.abs() < WIDTH / 2)


class Net2(nn.Module):
    """Logits [B, 10] of images [B, 1, 28, 28]: two convolutions, a dense layer, and a readout, summed over steps where it spikes."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.weighted = nn.ModuleList([nn.Conv2d(1, 16, 7), nn.Conv2d(16, 32, 4), nn.Linear(512, 32)])
        self.readout, self.pool = nn.Linear(32, 10), nn.MaxPool2d(2)
        self.steps = filled(recipe.model.time_steps) if recipe.model.spiking else 0
        neuron = recipe.model.neuron
        self.neurons = nn.ModuleList() if neuron is None else nn.ModuleList(
            snntorch.Leaky(
                beta=neuron.beta, threshold=neuron.threshold, reset_mechanism=neuron.reset, reset_delay=False,
                spike_grad=surrogate.custom_surrogate(gate),
            )
            for _ in range(3)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Pass, as often as there are steps."""
        if not self.steps:
            found: Tensor = self.readout(self._through(x, [torch.tanh] * 3))
            return found
        neurons: list[Any] = list(self.neurons)
        membranes, total = [neuron.reset_mem() for neuron in neurons], torch.zeros(())

        def firing(number: int) -> Callable[[Tensor], Tensor]:
            def fire(current: Tensor) -> Tensor:
                spikes: Tensor
                spikes, membranes[number] = neurons[number](current, membranes[number])
                return spikes

            return fire

        for _ in range(self.steps):
            total = total + self.readout(self._through(x, [firing(number) for number in range(3)]))
        return total / self.steps

    def _through(self, x: Tensor, active: list[Callable[[Tensor], Tensor]]) -> Tensor:
        first, second, third = self.weighted
        x = self.pool(active[0](first(x)))
        x = self.pool(active[1](second(x)))
        return active[2](third(x.flatten(1)))


class Peer:
    """Opacus' step: per-example gradients by hooks, flat clipping, noise, SGD."""

    def __init__(self, recipe: Recipe) -> None:
        private, training = filled(recipe.privacy), recipe.training
        torch.manual_seed(0)
        self.net = GradSampleModule(Net2(recipe), strict=False)
        self._optimizer = DPOptimizer(
            torch.optim.SGD(self.net.parameters(), lr=filled(training.learning_rate)),
            noise_multiplier=filled(private.noise_multiplier),
            max_grad_norm=private.max_grad_norm,
            expected_batch_size=filled(training.batch_size),
        )

    def take(self, inputs: Floats, labels: Ints) -> None:
        """Take a step with images [B, 28, 28, 1]."""
        x = torch.from_numpy(np.ascontiguousarray(np.moveaxis(inputs, -1, 1)))
        self._optimizer.zero_grad()
        nn.functional.cross_entropy(self.net(x), torch.from_numpy(labels)).backward()
        self._optimizer.step()
