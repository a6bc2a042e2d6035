"""How examples enter a network: as a constant current, as spikes that code their intensity, or as the events they are."""

import torch
from torch import Tensor

from mia_audit.models.axes import Batch, Float
from mia_audit.recipe import Model


def direct(x: Batch) -> Float[Tensor, "K 1 B *rest"]:
    """Return the input as one step that stands for all: [K, B, ...] -> [K, 1, B, ...]."""
    return x.unsqueeze(1)


def rate(x: Batch, steps: int, generators: list[torch.Generator]) -> Float[Tensor, "K {steps} B *rest"]:
    """Draw spikes with probability x (intensities in [0, 1]): [K, B, ...] -> [K, T, B, ...]; one generator a model, or one for all.

    Examples are drawn one after the other, so that an example's spikes do not depend on how many follow it.
    """
    shape = (x.shape[1], steps, *x.shape[2:])
    draws = [torch.rand(shape, generator=generator, device=generator.device).to(x.device).transpose(0, 1) for generator in generators]
    return (torch.stack(draws) < x.unsqueeze(1)).to(x.dtype)


def latency(x: Batch, steps: int) -> Float[Tensor, "K {steps} B *rest"]:
    """Spike once, the earlier the brighter: [K, B, ...] -> [K, T, B, ...], intensities in [0, 1].

    snnTorch's `spikegen.latency(normalize=True, linear=True)`: the spike comes at step round((T - 1)(1 - x)), and what lies below
    the threshold 0.01 as late as the threshold does. The linear code, since the logarithmic one depends on the whole batch.
    """
    at = torch.round((-(steps - 1) * (x - 1)).clamp(max=-(steps - 1) * (0.01 - 1)))
    return torch.stack([at == step for step in range(steps)], dim=1).to(x.dtype)


def delta(x: Float[Tensor, "K B T *rest"]) -> Float[Tensor, "K T B *rest"]:
    """Spike where a frame differs from the one before by 0.1 or more, with its sign: [K, B, T, ...] -> [K, T, B, ...].

    snnTorch's `spikegen.delta(threshold=0.1, off_spike=True)`: the first frame follows an empty one.
    """
    frames = x.transpose(1, 2)
    change = frames - torch.cat([torch.zeros_like(frames[:, :1]), frames[:, :-1]], dim=1)
    return (change >= 0.1).to(x.dtype) - (change <= -0.1).to(x.dtype)


def events(x: Float[Tensor, "K B T *rest"]) -> Float[Tensor, "K T B *rest"]:
    """Return frames of events as they are, time before examples: [K, B, T, ...] -> [K, T, B, ...]."""
    return x.transpose(1, 2).contiguous()


def encode(x: Tensor, model: Model, generators: list[torch.Generator]) -> Tensor:
    """Encode inputs [K, B, ...] as the model asks for."""
    match model.encoding:
        case "direct":
            return direct(x)
        case "rate":
            return rate(x, model.time_steps, generators)
        case "latency":
            return latency(x, model.time_steps)
        case "delta":
            return delta(x)
        case _:
            return events(x)
