"""How examples enter a network: as a constant current, or as random spikes whose rate is the intensity."""

import torch
from torch import Tensor

from mia_audit.recipe import Model


def direct(x: Tensor) -> Tensor:
    """Return the input as one step that stands for all: [K, B, ...] -> [K, 1, B, ...]."""
    return x.unsqueeze(1)


def rate(x: Tensor, steps: int, generators: list[torch.Generator]) -> Tensor:
    """Draw spikes with probability x (intensities in [0, 1]): [K, B, ...] -> [K, T, B, ...]; one generator a model, or one for all.

    Examples are drawn one after the other, so that an example's spikes do not depend on how many follow it.
    """
    shape = (x.shape[1], steps, *x.shape[2:])
    draws = [torch.rand(shape, generator=generator, device=x.device).transpose(0, 1) for generator in generators]
    return (torch.stack(draws) < x.unsqueeze(1)).to(x.dtype)


def encode(x: Tensor, model: Model, generators: list[torch.Generator]) -> Tensor:
    """Encode inputs [K, B, ...] as the model asks for."""
    return rate(x, model.time_steps, generators) if model.encoding == "rate" else direct(x)
