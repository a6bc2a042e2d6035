"""The CPU kernels with gradients: what lies between two matrix products of a training step.

`PoolShift` takes a layer's raw sums to currents (max pooling, the weights' scale, the bias); `Fire` takes currents to spikes
(integer quantizer, leaky integration over all steps). Both equal their torch counterparts; a test holds them together.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mia_audit.models import narrow
from mia_audit.models.axes import Activations, Float, Kernels, Maps, Matrices, Products, Rows, Scales
from mia_audit.models.grids import Grid
from mia_audit.models.kernels import fire, pooled, rectify, spread, sums
from mia_audit.models.neurons import Dynamics
from mia_audit.recipe import filled
from mia_audit.types import Floats, Ints

Static = Float[Tensor, "K static B *places C"]
"""Currents of T steps, or of one that stands for all."""

_SPIKE = {torch.bfloat16: np.array([0, 0x3F80], np.uint16), torch.float32: np.array([0, 1], np.float32)}


class Shift(torch.autograd.Function):
    """Sums [K, T, B, ..., C] -> currents float32 of the same shape: times gain [K], plus bias [K, C]."""

    @staticmethod
    def forward(ctx: Any, raw: Activations, gain: Scales, bias: Float[Tensor, "K C"]) -> Activations:
        """Scale and shift."""
        flat = _rows(raw)
        currents = torch.empty(flat.shape)
        sums.scale_and_shift(bits(flat), gain.numpy(), bias.detach().numpy(), currents.numpy())
        ctx.save_for_backward(gain)
        ctx.shape, ctx.dtype = raw.shape, raw.dtype
        return currents.view(raw.shape)

    @staticmethod
    def backward(ctx: Any, grad: Activations) -> tuple[Activations, None, Float[Tensor, "K C"]]:
        """Scale back; a bias gathers over rows."""
        (gain,) = ctx.saved_tensors
        flat = _rows(grad)
        sums_grad, bias_grad = torch.empty(flat.shape, dtype=ctx.dtype), torch.empty(len(flat), flat.shape[2])
        sums.scale_and_shift_backward(flat.numpy(), gain.numpy(), bits(sums_grad), bias_grad.numpy())
        return sums_grad.view(ctx.shape), None, bias_grad


class PoolShift(torch.autograd.Function):
    """Sums [K, T, B, H, W, C] -> currents [K, T, B, H // 2, W // 2, C] float32: pooled, times gain [K], plus bias [K, C]."""

    @staticmethod
    def forward(ctx: Any, raw: Maps, gain: Scales, bias: Float[Tensor, "K C"]) -> Float[Tensor, "K T B h w C"]:
        """Pool and scale; only the winners' places are kept."""
        height, width, channels = raw.shape[3:]
        flat = raw.detach().contiguous().view(len(raw), -1, height, width * channels)
        pooled = torch.empty(*flat.shape[:2], height // 2, width // 2, channels)
        winner = torch.empty(pooled.shape, dtype=torch.uint8)
        sums.pool_shift(bits(flat), gain.numpy(), bias.detach().numpy(), pooled.numpy(), winner.numpy())
        ctx.save_for_backward(winner, gain)
        ctx.shape, ctx.dtype = raw.shape, raw.dtype
        return pooled.view(*raw.shape[:3], *pooled.shape[2:])

    @staticmethod
    def backward(ctx: Any, grad: Float[Tensor, "K T B h w C"]) -> tuple[Maps, None, Float[Tensor, "K C"]]:
        """Hand the gradient to the winners."""
        winner, gain = ctx.saved_tensors
        height, width, channels = ctx.shape[3:]
        sums_grad = torch.empty(*winner.shape[:2], height, width * channels, dtype=ctx.dtype)
        bias_grad = torch.empty(len(winner), channels)
        inner = grad.contiguous().view(winner.shape)
        sums.pool_shift_backward(inner.numpy(), winner.numpy(), gain.numpy(), bits(sums_grad), bias_grad.numpy())
        return sums_grad.view(ctx.shape), None, bias_grad


class Fire(torch.autograd.Function):
    """Currents [K, T or 1, B, ...] float32 -> spikes [K, T, B, ...] in `dtype`; scale [K] of the integer quantizer, or none."""

    @staticmethod
    def forward(  # noqa: PLR0913, PLR0917
        ctx: Any, current: Static, scale: Scales, neuron: Dynamics, grid: Grid, steps: int, dtype: torch.dtype
    ) -> Float[Tensor, "K {steps} B *places C"]:
        """Quantize, integrate and fire; what the way back needs is kept."""
        flat = current.detach().flatten(2).contiguous()
        spikes = torch.empty(flat.shape[0], steps, flat.shape[2], dtype=dtype)
        excess = torch.empty_like(spikes)
        constants = _constants(neuron, grid)
        fire.fire(flat.numpy(), scale.detach().numpy(), constants, neuron.reset_to_zero, bits(excess), bits(spikes), _SPIKE[dtype])
        ctx.save_for_backward(flat, scale, excess)
        ctx.neuron, ctx.grid, ctx.shape = neuron, grid, current.shape
        return spikes.view(current.shape[0], steps, *current.shape[2:])

    @staticmethod
    def backward(ctx: Any, grad: Activations) -> tuple[Static, Scales, None, None, None, None]:
        """Walk back through time, the quantizer's scale included."""
        flat, scale, excess = ctx.saved_tensors
        neuron: Dynamics = ctx.neuron
        current_grad, scale_grad = torch.empty_like(flat), torch.zeros_like(scale)
        incoming = grad.contiguous().view(excess.shape)
        fire.fire_backward(
            flat.numpy(), scale.detach().numpy(), _constants(neuron, ctx.grid), neuron.reset_to_zero, filled(neuron.code),
            bits(excess), bits(incoming), current_grad.numpy(), scale_grad.numpy(),
        )  # fmt: skip
        return current_grad.view(ctx.shape), scale_grad, None, None, None, None


class Squares(NamedTuple):
    """What is pooled over: squares of so many places a side, so far from one another."""

    size: int = 1
    every: int = 1


class FireAndPool(torch.autograd.Function):
    """Currents [K, T or 1, B, H, W, C] or [K, T or 1, B, C] float32 -> the maxima of spikes over squares, [K, T, B, h, w, C], in `dtype`.

    Currents alone are kept; membranes are computed again on the way back, so that slopes are of float32 whatever the dtype.
    """

    @staticmethod
    def forward(  # noqa: PLR0913, PLR0917
        ctx: Any, current: Static, neuron: Dynamics, squares: Squares, steps: int, dtype: torch.dtype
    ) -> Float[Tensor, "K {steps} B *pooled C"]:
        """Integrate, fire and pool."""
        flat = _images(current.detach())
        height, width = ((side - squares.size) // squares.every + 1 for side in (flat.shape[3], flat.shape[4]))
        channels = flat.shape[5]
        spikes = torch.empty(len(flat), steps, flat.shape[2], height, width * channels, dtype=dtype)
        constants, lines = np.array([neuron.beta, neuron.threshold, neuron.start], dtype=np.float32), flat.flatten(4)
        pooled.fire_and_pool(lines.numpy(), constants, neuron.reset_to_zero, tuple(squares), channels, bits(spikes), _SPIKE[dtype])
        ctx.save_for_backward(lines)
        ctx.rest, ctx.shape = (neuron, constants, squares, channels), current.shape
        return spikes.view(*spikes.shape[:3], *((height, width) if current.ndim > 4 else ()), channels)

    @staticmethod
    def backward(ctx: Any, grad: Float[Tensor, "K T B *pooled C"]) -> tuple[Static, None, None, None, None]:
        """Walk back through time."""
        (lines,) = ctx.saved_tensors
        neuron, constants, squares, channels = ctx.rest
        current_grad, incoming = torch.empty_like(lines), _images(grad).flatten(4)
        pooled.fire_and_pool_backward(
            lines.numpy(), constants, neuron.reset_to_zero, filled(neuron.code), tuple(squares), channels, bits(incoming),
            current_grad.numpy(),
        )  # fmt: skip
        return current_grad.view(ctx.shape), None, None, None, None


class Rectify(torch.autograd.Function):
    """Currents [K, ...] float32 -> activations in `dtype`: ReLU, and the unsigned grid where scale [K] is not zero."""

    @staticmethod
    def forward(ctx: Any, current: Activations, scale: Scales, grid: Grid, dtype: torch.dtype) -> Activations:
        """Rectify, round and clamp in one pass."""
        flat = current.detach().flatten(1).contiguous()
        activations = torch.empty(flat.shape, dtype=dtype)
        rectify.rectify(flat.numpy(), scale.detach().numpy(), np.float32(grid.high), bits(activations))
        ctx.save_for_backward(flat, scale)
        ctx.grid, ctx.shape = grid, current.shape
        return activations.view(current.shape)

    @staticmethod
    def backward(ctx: Any, grad: Activations) -> tuple[Activations, Scales, None, None]:
        """Pass gradients on where nothing was clamped, the scale's included."""
        flat, scale = ctx.saved_tensors
        current_grad, scale_grad = torch.empty_like(flat), torch.zeros_like(scale)
        incoming = grad.contiguous().view(flat.shape)
        high = np.float32(ctx.grid.high)
        rectify.rectify_backward(flat.numpy(), scale.detach().numpy(), high, bits(incoming), current_grad.numpy(), scale_grad.numpy())
        return current_grad.view(ctx.shape), scale_grad, None, None


class Spread(torch.autograd.Function):
    """Kernels [K, out, in, n, n] -> the matrix of the whole convolution, [K, H W in, H' W' out], for images of this shape."""

    @staticmethod
    def forward(ctx: Any, weight: Kernels, image: tuple[int, int], padding: int) -> Float[Tensor, "K before after"]:
        """Write every kernel at every place."""
        models, outs, ins, kernel_size, _ = weight.shape
        after = [side + 2 * padding - kernel_size + 1 for side in image]
        dense = torch.zeros(models, *image, ins, *after, outs, dtype=weight.dtype)
        spread.spread(bits(weight.detach().contiguous()), padding, bits(dense))
        ctx.weight, ctx.dense, ctx.padding = weight.shape, dense.shape, padding
        return dense.view(models, image[0] * image[1] * ins, -1)

    @staticmethod
    def backward(ctx: Any, grad: Float[Tensor, "K before after"]) -> tuple[Kernels, None, None]:
        """Sum over the places."""
        weight = torch.empty(ctx.weight)
        spread.gather(bits(grad.contiguous().view(ctx.dense)), ctx.padding, weight.numpy())
        return weight.to(grad.dtype), None, None


class PreciseProduct(torch.autograd.Function):
    """Rows [K, R, in] times weights [K, out, in], summed in float32: the logits; the way back is in the rows' own type."""

    @staticmethod
    def forward(ctx: Any, rows: Rows, weight: Matrices) -> Products:
        """Multiply in float32; with few outputs, weights times rows is twice as fast as rows times weights."""
        ctx.save_for_backward(rows, weight)
        return torch.bmm(weight, rows.float().transpose(1, 2)).transpose(1, 2).contiguous()

    @staticmethod
    def backward(ctx: Any, grad: Products) -> tuple[Rows, Matrices | None]:
        """Multiply back in the rows' type."""
        rows, weight = ctx.saved_tensors
        rounded = grad.to(rows.dtype)
        by_weight = narrow.bmm(rounded.transpose(1, 2), rows).float() if ctx.needs_input_grad[1] else None
        return narrow.bmm(rounded, weight.to(rows.dtype)), by_weight


def _images(tensor: Activations) -> Float[Tensor, "K T B h w C"]:
    """Return [K, T, B, H, W, C] or [K, T, B, C] as contiguous images, of one place where there are none."""
    return (tensor if tensor.ndim > 4 else tensor[:, :, :, None, None]).contiguous()


def _rows(tensor: Float[Tensor, "K *rest C"]) -> Float[Tensor, "K rows C"]:
    """Return [K, ..., C] as contiguous [K, rows, C], apart from the graph."""
    return tensor.detach().contiguous().view(len(tensor), -1, tensor.shape[-1])


def bits(tensor: Tensor) -> Floats | Ints:
    """Return a tensor's memory as NumPy sees it: float32, or the bits of bfloat16."""
    return (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _constants(neuron: Dynamics, grid: Grid) -> Floats:
    return np.array([neuron.beta, neuron.threshold, grid.low, grid.high, neuron.start], dtype=np.float32)
