"""Layers of a population: every parameter carries a leading model axis, every activation is [K, T, B, ...], channels last.

A layer without state sees time folded into the batch; T = 1 where all steps are the same. K = 1 is no special case. A
weighted layer gives raw sums; `Drain` makes currents of them, so that pooling, scale and bias are one pass over memory.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name the field reads

from mia_audit.models import fused, quantization

_DENSE = 2**16  # values of a convolution's matrix up to which it is multiplied whole; set by benchmarks/training.py


class Sums(NamedTuple):
    """Raw sums [K, T, B, ..., channels] of a weighted layer; the current is sum times gain [K] plus bias [K, channels]."""

    values: Tensor
    gain: Tensor
    bias: Tensor


class Arithmetic(NamedTuple):
    """How a weighted layer multiplies: bits of its weights, type of its operands, and whether it sums in float32 all the same."""

    bits: int
    kind: torch.dtype
    precise: bool


class LockstepLinear(nn.Module):
    """K dense layers: [K, T, B, ...] -> sums [K, T, B, features]. Weights [K, out, in], biases [K, out].

    The last one is precise: logits are sums in float32, whatever the type of the rows.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.weight = quantization.weights(weight, arithmetic.bits)
        self.bias = _held(self, bias, weight)
        self.kind, self.precise = arithmetic.kind, arithmetic.precise

    def forward(self, x: Tensor) -> Sums:
        """Multiply each model's rows with its own matrix."""
        rows = x.flatten(3).flatten(1, 2).to(self.kind)
        values, gain = self.weight(torch.float32 if self.precise else self.kind)
        if self.precise and self.kind != torch.float32:
            sums: Tensor = fused.PreciseProduct.apply(rows, values)
        else:
            sums = torch.bmm(rows, values.transpose(1, 2))
        return Sums(values=sums.view(*x.shape[:3], -1), gain=gain, bias=self.bias)


class LockstepConv(nn.Module):
    """K convolutions: [K, T, B, H, W, C] -> sums [K, T, B, H', W', channels]. Weights [K, out, in, kernel, kernel], biases [K, out].

    On the CPU in bfloat16 a small convolution is one matrix product for all models, its matrix written out: twice the
    multiplications of digits' second layer, but 16 calls fewer, each of which costs more than its arithmetic.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, arithmetic: Arithmetic, *, padding: int, stride: int = 1) -> None:
        super().__init__()
        self.weight = quantization.weights(weight, arithmetic.bits)
        self.bias = _held(self, bias, weight)
        self.kind = arithmetic.kind
        self.taps, self.padding, self.stride = weight.shape[-1], padding, stride

    def forward(self, x: Tensor) -> Sums:
        """Convolve each model's images with its own kernels, channels last."""
        values, gain = self.weight(self.kind)
        small = self.stride == 1 and math.prod(x.shape[3:]) * math.prod(self._after(x)) <= _DENSE
        convolve = self._as_product if small and x.device.type == "cpu" and self.kind == torch.bfloat16 else self._one_by_one
        return Sums(values=convolve(x.to(self.kind), values), gain=gain, bias=self.bias)

    def _after(self, x: Tensor) -> tuple[int, int, int]:
        height, width = ((side + 2 * self.padding - self.taps) // self.stride + 1 for side in x.shape[3:5])
        return height, width, self.bias.shape[1]

    def _as_product(self, x: Tensor, values: Tensor) -> Tensor:
        matrix: Tensor = fused.Spread.apply(values, tuple(x.shape[3:5]), self.padding)
        return torch.bmm(x.flatten(3).flatten(1, 2), matrix).view(*x.shape[:3], *self._after(x))

    def _one_by_one(self, x: Tensor, values: Tensor) -> Tensor:
        images = x.flatten(1, 2).movedim(-1, 2)
        maps: list[Tensor] = [
            F.conv2d(image, kernels.contiguous(memory_format=torch.channels_last), padding=self.padding, stride=self.stride)
            for image, kernels in zip(images.unbind(), values.unbind(), strict=True)
        ]
        return torch.stack([each.movedim(1, -1) for each in maps]).view(*x.shape[:3], *self._after(x))


class Drain(nn.Module):
    """Sums [K, T, B, ..., C] -> currents float32: the maximum over squares of images (size 1: no pooling), scale, bias."""

    def __init__(self, size: int = 1) -> None:
        super().__init__()
        self.size = size

    def forward(self, sums: Sums) -> Tensor:
        """Pool first, since neither a positive scale nor a channel's bias moves a maximum."""
        if sums.values.device.type != "cpu" or self.size > 2:
            return drain(sums, self.size)
        currents: Tensor = (fused.Drain if self.size == 2 else fused.Shift).apply(*sums)
        return currents


def drain(sums: Sums, size: int) -> Tensor:
    """Make currents of sums by torch's own layers: the form for other devices, and the truth that the CPU kernel is held to."""
    values, gain, bias = sums
    if size > 1:
        pooled = F.max_pool2d(values.flatten(0, 2).movedim(-1, 1), size).movedim(1, -1)
        values = pooled.reshape(*values.shape[:3], *pooled.shape[1:])
    ones = (1,) * (values.ndim - 2)
    return values.float() * gain.view(-1, 1, *ones) + bias.view(len(bias), *ones, -1)


def initial(shape: tuple[int, ...], fan_in: int, generators: list[torch.Generator], *, gaussian: bool = False) -> Tensor:
    """Draw parameters [K, *shape], one generator a model: uniform within 1 / sqrt(fan in) as in torch, or of variance 2 / fan in."""
    bound, deviation = 1 / math.sqrt(fan_in), math.sqrt(2 / fan_in)
    drawn = (
        torch.empty(shape).normal_(0, deviation, generator=each) if gaussian else torch.empty(shape).uniform_(-bound, bound, generator=each)
        for each in generators
    )
    return torch.stack(list(drawn))


def _held(layer: nn.Module, bias: Tensor | None, weight: Tensor) -> Tensor:
    """Return biases [K, outputs] as a parameter, or zeros that no optimizer moves and no file holds."""
    if bias is not None:
        return nn.Parameter(bias)
    layer.register_buffer("bias", weight.new_zeros(weight.shape[:2]), persistent=False)
    return layer.get_buffer("bias")
