"""What a converted network answers at every step, and how much its neurons have spiked by then: one run for all numbers of steps.

Input, neurons and readout know nothing of the steps to come, so that the first t of T steps are a run of t steps.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mia_audit.conversion.folding import firing
from mia_audit.models.encoding import encode
from mia_audit.models.network import Population
from mia_audit.models.passage import QUERY
from mia_audit.recipe import Model
from mia_audit.types import Floats, Ints

_VALUES = 2**22


class OverTime(NamedTuple):
    """Logits [K, T, N, classes] after each step, and spikes [K, layers, T] of each spiking layer up to it, a mean over examples."""

    logits: Tensor
    spikes: Tensor


@torch.inference_mode()
def over_time(population: Population, inputs: Floats, model: Model, seed: int) -> OverTime:
    """Run every model on inputs [N, H, W, C] (channels last), the same code for all."""
    steps = _steps(population)
    found = [_chunk(population, fed, steps) for fed in _encoded(inputs, model, population, seed)]
    spikes = torch.stack([part.spikes for part in found]).sum(dim=0) / len(inputs)
    return OverTime(logits=torch.cat([part.logits for part in found], dim=2), spikes=spikes)


def accuracies(logits: Tensor, labels: Ints) -> Tensor:
    """Return the accuracies [K, T] of logits [K, T, N, classes]."""
    return (logits.argmax(dim=-1) == torch.from_numpy(labels).to(logits.device)).float().mean(dim=-1)


def _encoded(inputs: Floats, model: Model, population: Population, seed: int) -> Iterator[Tensor]:
    size = max(1, _VALUES // (population.models * _steps(population) * inputs[0].size))
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, len(inputs), size):
        part = torch.from_numpy(inputs[start : start + size]).unsqueeze(0)
        fed = encode(part, model, [generator]).to(population.device)
        yield fed.expand(population.models, *fed.shape[1:])


def _chunk(population: Population, fed: Tensor, steps: int) -> OverTime:
    spikes: list[Tensor] = []

    def count(_: Any, __: Any, fired: Tensor) -> None:
        spikes.append(fired.float().flatten(3).sum(dim=(2, 3)).cumsum(dim=1))

    hooks = [population.layers[place].register_forward_hook(count) for place in firing(population)]
    try:
        currents = population.layers(population.receive(fed), QUERY)
    finally:
        for hook in hooks:
            hook.remove()
    by_step = torch.arange(1, steps + 1, device=fed.device).view(1, -1, 1, 1)
    return OverTime(logits=currents.cumsum(dim=1) / by_step, spikes=torch.stack(spikes, dim=1))


def _steps(population: Population) -> int:
    steps = population.layers[firing(population)[0]].steps
    assert isinstance(steps, int), "a spiking layer knows its steps"  # noqa: S101
    return steps
