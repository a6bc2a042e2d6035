"""Layers of a population: every parameter carries a leading model axis, every activation is [K, T, B, ...], channels last.

A layer without state sees time folded into the batch; T = 1 where all steps are the same. K = 1 is no special case.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name the field reads

from mia_audit.models import quantization


class LockstepLinear(nn.Module):
    """K dense layers: [K, T, B, ...] -> [K, T, B, features]. Weights [K, out, in], biases [K, out]."""

    def __init__(self, weight: Tensor, bias: Tensor, bits: int) -> None:
        super().__init__()
        self.weight = quantization.weights(weight, bits)
        self.bias = nn.Parameter(bias)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply each model's rows with its own matrix."""
        rows = x.flatten(3).flatten(1, 2)
        out = torch.baddbmm(self.bias.unsqueeze(1), rows, self.weight().transpose(1, 2))
        return out.view(*x.shape[:3], -1)


class LockstepConv(nn.Module):
    """K convolutions: [K, T, B, H, W, C] -> [K, T, B, H', W', channels]. Weights [K, out, in, kernel, kernel], biases [K, out]."""

    def __init__(self, weight: Tensor, bias: Tensor, bits: int, *, padding: int) -> None:
        super().__init__()
        self.weight = quantization.weights(weight, bits)
        self.bias = nn.Parameter(bias)
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """Convolve each model's images with its own kernels, one model after the other, channels last."""
        images = x.flatten(1, 2).movedim(-1, 2)
        weight = self.weight()
        maps: list[Tensor] = [
            F.conv2d(images[k], weight[k].contiguous(memory_format=torch.channels_last), self.bias[k], padding=self.padding)
            for k in range(len(weight))
        ]
        stacked = torch.stack([each.movedim(1, -1) for each in maps])
        return stacked.view(*x.shape[:3], *stacked.shape[2:])


class MaxPool(nn.Module):
    """Maximum over squares: [K, T, B, H, W, C] -> [K, T, B, H // size, W // size, C]."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Pool all models, steps and examples as one batch."""
        pooled = F.max_pool2d(x.flatten(0, 2).movedim(-1, 1), self.size).movedim(1, -1)
        return pooled.reshape(*x.shape[:3], *pooled.shape[1:])


def initial(shape: tuple[int, ...], fan_in: int, generators: list[torch.Generator]) -> Tensor:
    """Draw parameters [K, *shape] as torch's own layers do, uniform within 1 / sqrt(fan in); one generator a model."""
    bound = 1 / math.sqrt(fan_in)
    return torch.stack([torch.empty(shape).uniform_(-bound, bound, generator=generator) for generator in generators])
