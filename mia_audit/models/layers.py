"""Layers of a population: every parameter carries a leading model axis, every activation is [K, T, B, ...], channels last.

A layer without state sees time folded into the batch; T = 1 where all steps are the same. K = 1 is no special case. A
weighted layer gives raw sums; `PoolShift` makes currents of them, so that pooling, scale and bias are one pass over memory.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name the field reads

from mia_audit.models import fused, narrow, quantization
from mia_audit.models.axes import Activations, Biases, Float, Gain, Kernels, Maps, Matrices
from mia_audit.models.convolution import Convolution, ConvolveAndPool
from mia_audit.models.passage import QUERY, Passage
from mia_audit.models.product import Product
from mia_audit.models.tally import Convolved, Dense, Summed
from mia_audit.models.unfolding import Images

_DENSE = 2**16  # values of a convolution's matrix up to which it is multiplied whole; set by benchmarks/training.py


class Sums(NamedTuple):
    """Raw sums [K, T, B, ..., channels] of a weighted layer; the current is sum times gain [K] or [K, channels] plus bias [K, channels].

    A large convolution on the CPU is left to `PoolShift`, which does both in one (`convolution.py`).
    """

    values: Activations | Convolution
    gain: Gain
    bias: Biases


class Arithmetic(NamedTuple):
    """How a weighted layer multiplies.

    bits        of its weights; `by_channel`: each output channel has a scale of its own
    dtype       of its operands; `precise`: it sums in float32 all the same
    """

    bits: int
    dtype: torch.dtype
    precise: bool
    by_channel: bool = False


class LockstepLinear(nn.Module):
    """K dense layers: [K, T, B, ...] -> sums [K, T, B, features]. Weights [K, out, in], biases [K, out].

    The last one is precise: logits are sums in float32, whatever the type of the rows.
    """

    def __init__(self, weight: Matrices, bias: Biases | None, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.weight = quantization.weights(weight, arithmetic.bits, by_channel=arithmetic.by_channel)
        self.bias = _held(self, bias, weight)
        self.dtype, self.precise = arithmetic.dtype, arithmetic.precise

    def forward(self, x: Activations, passage: Passage = QUERY) -> Sums:
        """Multiply each model's rows with its own matrix."""
        rows = x.flatten(3).flatten(1, 2).to(self.dtype)
        values, gain = self.weight(torch.float32 if self.precise else self.dtype)
        if passage.tally is not None:
            values = values.detach()
        if self.dtype == torch.float32:
            sums: Tensor = torch.bmm(rows, values.transpose(1, 2))
        else:
            sums = (fused.PreciseProduct if self.precise else Product).apply(rows, values)
        if passage.tally is not None:
            passage.tally.add(Dense(*_single(self.weight), rows.view(*x.shape[:3], -1), gain), sums)
        return Sums(values=sums.view(*x.shape[:3], -1), gain=gain, bias=self.bias)


class LockstepConv(nn.Module):
    """K convolutions: [K, T, B, H, W, C] -> sums [K, T, B, H', W', channels]. Weights [K, out, in, kernel, kernel], biases [K, out].

    On the CPU in bfloat16 a small convolution is one matrix product for all models, its matrix written out: twice the
    multiplications of digits' second layer, but 16 calls fewer, each of which costs more than its arithmetic.
    """

    def __init__(self, weight: Kernels, bias: Biases | None, arithmetic: Arithmetic, *, padding: int, stride: int = 1) -> None:
        super().__init__()
        self.weight = quantization.weights(weight, arithmetic.bits, by_channel=arithmetic.by_channel)
        self.bias = _held(self, bias, weight)
        self.dtype = arithmetic.dtype
        self.kernel_size, self.padding, self.stride = weight.shape[-1], padding, stride

    def forward(self, x: Maps, passage: Passage = QUERY) -> Sums:
        """Convolve each model's images with its own kernels, channels last."""
        values, gain = self.weight(self.dtype)
        x = x.to(self.dtype)
        if passage.tally is not None:
            each = convolve(x, values.detach(), self.padding, self.stride)
            passage.tally.add(Convolved(*_single(self.weight), Images(x, self.padding, self.stride), gain), each)
            return Sums(values=each, gain=gain, bias=self.bias)
        if x.device.type != "cpu" or self.dtype != torch.bfloat16 or self.stride != 1:
            return Sums(values=convolve(x, values, self.padding, self.stride), gain=gain, bias=self.bias)
        small = math.prod(x.shape[3:]) * math.prod(self._after(x)) <= _DENSE
        sums = self._as_product(x, values) if small else Convolution(images=x, kernels=values, padding=self.padding)
        return Sums(values=sums, gain=gain, bias=self.bias)

    def _after(self, x: Tensor) -> tuple[int, int, int]:
        height, width = ((side + 2 * self.padding - self.kernel_size) // self.stride + 1 for side in x.shape[3:5])
        return height, width, self.bias.shape[1]

    def _as_product(self, x: Float[Tensor, "K T B H W in"], values: Kernels) -> Float[Tensor, "K T B h w out"]:
        matrix: Tensor = fused.Spread.apply(values, tuple(x.shape[3:5]), self.padding)
        return narrow.bmm(x.flatten(3).flatten(1, 2), matrix).view(*x.shape[:3], *self._after(x))


def convolve(x: Float[Tensor, "K T B H W in"], kernels: Kernels, padding: int, stride: int = 1) -> Float[Tensor, "K T B h w out"]:
    """Return sums [K, T, B, H', W', out] of images [K, T, B, H, W, C] and kernels [K, out, in, n, n].

    One model after the other on the CPU, where a grouped convolution is slower; all models in one call elsewhere.
    """
    if x.device.type != "cpu":
        return convolve_grouped(x, kernels, padding, stride)
    images = x.flatten(1, 2).movedim(-1, 2)
    maps: list[Tensor] = [
        narrow.conv2d(image, own.contiguous(memory_format=torch.channels_last), padding=padding, stride=stride)
        for image, own in zip(images.unbind(), kernels.unbind(), strict=True)
    ]
    stacked = torch.stack([each.movedim(1, -1) for each in maps])
    return stacked.view(*x.shape[:3], *stacked.shape[2:])


def convolve_grouped(x: Float[Tensor, "K T B H W in"], kernels: Kernels, padding: int, stride: int = 1) -> Float[Tensor, "K T B h w out"]:
    """Do as `convolve` does in a single call: the models are groups of channels."""
    models, outs = kernels.shape[:2]
    images = x.flatten(1, 2).permute(1, 0, 4, 2, 3).flatten(1, 2)
    maps = F.conv2d(images, kernels.flatten(0, 1), padding=padding, stride=stride, groups=models)
    stacked: Tensor = maps.view(maps.shape[0], models, outs, *maps.shape[2:]).permute(1, 0, 3, 4, 2)
    return stacked.reshape(*x.shape[:3], *stacked.shape[2:])


class PoolShift(nn.Module):
    """Sums [K, T, B, ..., C] -> currents float32: the maximum over squares of images (size 1: no pooling), scale, bias."""

    def __init__(self, size: int = 1) -> None:
        super().__init__()
        self.size = size

    def forward(self, sums: Sums, passage: Passage = QUERY) -> Activations:
        """Pool first, since neither a positive scale nor a channel's bias moves a maximum."""
        if passage.tally is None or not sums.bias.requires_grad:
            return self._currents(sums)
        currents = self._currents(sums._replace(bias=sums.bias.detach()))
        passage.tally.add(Summed(sums.bias), currents)
        return currents

    def _currents(self, sums: Sums) -> Activations:
        values, gain, bias = sums
        if isinstance(values, Convolution):
            if self.size == 2 and gain.ndim == 1:
                pooled: Tensor = ConvolveAndPool.apply(values.images.flatten(1, 2), values.kernels, values.padding, gain, bias)
                return pooled.view(*values.images.shape[:3], *pooled.shape[2:])
            values = convolve(*values)
        if values.device.type != "cpu" or self.size > 2 or gain.ndim > 1:
            return pool_shift(values, gain, bias, self.size)
        currents: Tensor = (fused.PoolShift if self.size == 2 else fused.Shift).apply(values, gain, bias)
        return currents


def pool_shift(values: Float[Tensor, "K T B *places out"], gain: Gain, bias: Biases, size: int) -> Float[Tensor, "K T B *pooled out"]:
    """Make currents of sums by torch's own layers: the form for other devices, and the truth that the CPU kernel is held to."""
    if size > 1:
        pooled = F.max_pool2d(values.flatten(0, 2).movedim(-1, 1), size).movedim(1, -1)
        values = pooled.reshape(*values.shape[:3], *pooled.shape[1:])
    ones = (1,) * (values.ndim - 2)
    wide = gain.view(-1, 1, *ones) if gain.ndim == 1 else gain.view(len(gain), *ones, -1)
    return values.float() * wide + bias.view(len(bias), *ones, -1)


def initial(shape: tuple[int, ...], fan_in: int, generators: list[torch.Generator], *, gaussian: bool = False) -> Tensor:
    """Draw parameters [K, *shape], one generator a model: uniform within 1 / sqrt(fan in) as in torch, or of variance 2 / fan in."""
    bound, deviation = 1 / math.sqrt(fan_in), math.sqrt(2 / fan_in)
    drawn = (
        torch.empty(shape).normal_(0, deviation, generator=each) if gaussian else torch.empty(shape).uniform_(-bound, bound, generator=each)
        for each in generators
    )
    return torch.stack(list(drawn))


def _single(held: nn.Module) -> tuple[Tensor, Tensor]:
    """Return a layer's weights, and what the gradients of single examples are by: these, or what a quantizer makes of them, float32."""
    quantized: Tensor = held(torch.float32).values
    return held.get_parameter("weight"), quantized


def _held(layer: nn.Module, bias: Tensor | None, weight: Tensor) -> Tensor:
    """Return biases [K, outputs] as a parameter, or zeros that no optimizer moves and no file holds."""
    if bias is not None:
        return nn.Parameter(bias)
    layer.register_buffer("bias", weight.new_zeros(weight.shape[:2]), persistent=False)
    return layer.get_buffer("bias")
