"""What happens inside a spiking network: the readout's membranes and spikes step by step, and every hidden layer's spikes."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mia_audit.models.passage import QUERY
from mia_audit.models.spiking import Readout, SpikingLayer, integrated
from mia_audit.probes.subject import Subject
from mia_audit.types import Floats


@torch.inference_mode()
def states(subject: Subject) -> dict[str, Floats]:
    """Return membranes and spike-counts [K, N, steps, classes] and layer-spikes [K, N, layers], of the first query's encoding."""
    readout = subject.population.answer
    assert isinstance(readout, Readout), "only spiking targets are asked"  # noqa: S101
    currents: list[Tensor] = []
    layers: list[Tensor] = []

    def at_readout(_: Any, arguments: tuple[Any, ...]) -> None:
        currents.append(arguments[0])

    def at_layer(_: Any, __: Any, spikes: Tensor) -> None:
        layers.append(spikes.flatten(3).float().sum(dim=(1, 3)))

    hooks = [readout.register_forward_pre_hook(at_readout)]
    hooks += [module.register_forward_hook(at_layer) for module in subject.population.modules() if isinstance(module, SpikingLayer)]
    found: dict[str, list[Tensor]] = {"membranes": [], "spike-counts": [], "layer-spikes": []}
    generator = subject.draws("states").encoding(0)
    try:
        for x, _ in subject.chunks():
            subject.logits(x, generator)
            membranes, spikes = integrated(currents.pop(), readout.steps, readout.neuron, QUERY)
            found["membranes"].append(membranes.transpose(1, 2))
            found["spike-counts"].append(spikes.cumsum(dim=1).transpose(1, 2))
            found["layer-spikes"].append(torch.stack(layers, dim=-1))
            layers.clear()
    finally:
        for hook in hooks:
            hook.remove()
    return {name: torch.cat(parts, dim=1).cpu().numpy() for name, parts in found.items()}


def time_sweep(subject: Subject) -> dict[str, Floats]:
    """Return logits [K, N, 3, classes] when the network runs for half, as many, and twice as many steps."""
    steps = subject.model.time_steps
    parts: list[Tensor] = []
    for number, here in enumerate((max(1, steps // 2), steps, 2 * steps)):
        population = subject.rebuild(here)
        generator = subject.draws("time-sweep").encoding(number)
        changed = subject if here == steps else _running(subject, here)
        parts.append(torch.cat([changed.logits(x, generator, population) for x, _ in changed.chunks()], dim=1))
    return {"time-sweep": torch.stack(parts, dim=2).cpu().numpy()}


def _running(subject: Subject, steps: int) -> Subject:
    return replace(subject, model=subject.model.model_copy(update={"time_steps": steps}))
