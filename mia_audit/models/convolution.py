"""A large convolution and the max pooling behind it as one operation of the CPU, its way back cut into pieces.

oneDNN's convolution is the fastest way forward. Back, a piece of a few images is taken all the way while it lies in the
second cache level: pooling's gradient, patches, two matrix products, patches pasted.

Profiled on Fashion-MNIST (12 to 64 channels, kernel 5, 1,280 images, one AVX-512 thread with bf16): forward 19.7 ms (convolution 15.3,
pooling and shift 4.4), back 46 (gradient of the kernels 17.3, of the images 15.2, patches pasted 4.8 and cut 3.1, pooling and shift 2.6,
the rest 3).
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mia_audit.models import narrow
from mia_audit.models.axes import Biases, Float, Kernels, Scales
from mia_audit.models.fused import bits
from mia_audit.models.kernels import patches, sums
from mia_audit.types import Floats, Ints

_PIECE = 2**20  # values of a piece's patches


class Convolution(NamedTuple):
    """A convolution not computed yet: images [K, T, B, H, W, C], kernels [K, out, in, n, n], stride 1."""

    images: Float[Tensor, "K T B H W in"]
    kernels: Kernels
    padding: int


class ConvolveAndPool(torch.autograd.Function):
    """Images [K, R, H, W, C] and kernels to currents [K, R, h, w, out] float32, pooled over squares of two, scaled, shifted."""

    @staticmethod
    def forward(  # noqa: PLR0913, PLR0917
        ctx: Any, images: Float[Tensor, "K rows H W in"], kernels: Kernels, padding: int, gain: Scales, bias: Biases
    ) -> Float[Tensor, "K rows h w out"]:
        """Convolve one model after the other, each pooled and shifted while its sums are warm."""
        models, rows = images.shape[:2]
        kernel_size, outs = kernels.shape[-1], kernels.shape[1]
        height, width = (side + 2 * padding - kernel_size + 1 for side in images.shape[2:4])
        pooled = torch.empty(models, rows, height // 2, width // 2, outs)
        winner = torch.empty(pooled.shape, dtype=torch.uint8)
        for k in range(models):
            maps = narrow.conv2d(images[k].movedim(-1, 1), kernels[k].contiguous(memory_format=torch.channels_last), padding=padding)
            flat = maps.movedim(1, -1).contiguous().view(1, rows, height, width * outs)
            one = slice(k, k + 1)
            sums.pool_shift(bits(flat), gain[one].numpy(), bias.detach()[one].numpy(), pooled[one].numpy(), winner[one].numpy())
        ctx.save_for_backward(images, kernels, gain, winner)
        ctx.padding, ctx.sides = padding, (height, width)
        return pooled

    @staticmethod
    def backward(
        ctx: Any, grad: Float[Tensor, "K rows h w out"]
    ) -> tuple[Float[Tensor, "K rows H W in"] | None, Kernels, None, None, Biases]:
        """Take every model's images back in pieces."""
        images, kernels, gain, winner = ctx.saved_tensors
        images_grad = torch.empty_like(images) if ctx.needs_input_grad[0] else None
        kernels_grad, bias_grad = torch.empty_like(kernels), torch.zeros(kernels.shape[:2])
        for k in range(len(images)):
            matrix = kernels[k].permute(0, 2, 3, 1).flatten(1).contiguous()
            total = torch.zeros(matrix.shape)
            back = _Back(grad[k].contiguous(), winner[k], gain[k : k + 1], bias_grad[k : k + 1])
            step = max(1, _PIECE // (ctx.sides[0] * ctx.sides[1] * matrix.shape[1]))
            for start in range(0, images.shape[1], step):
                piece = slice(start, start + step)
                flowed = None if images_grad is None else images_grad[k, piece]
                total += _piece(back, piece, images[k, piece], matrix, flowed, ctx.padding, ctx.sides)
            outs, ins, kernel_size, _ = kernels.shape[1:]
            kernels_grad[k] = total.view(outs, kernel_size, kernel_size, ins).permute(0, 3, 1, 2)
        return images_grad, kernels_grad, None, None, bias_grad


class _Back(NamedTuple):
    """One model's gradient of currents [R, h, w, out], the places of its maxima, its gain [1], and its biases' gradient [1, out]."""

    grad: Tensor
    winner: Tensor
    gain: Tensor
    bias_grad: Tensor


def _piece(  # noqa: PLR0913, PLR0917
    back: _Back, piece: slice, images: Tensor, matrix: Tensor, images_grad: Tensor | None, padding: int, sides: tuple[int, int]
) -> Tensor:
    """Return a piece's share of the kernels' gradient [out, n n in] float32; write its images' gradient where one is asked for."""
    count, channels, outs = len(images), images.shape[-1], len(matrix)
    kernel_size = round((matrix.shape[1] / channels) ** 0.5)
    sums_grad = torch.empty(1, count, sides[0], sides[1] * outs, dtype=images.dtype)
    share = torch.empty_like(back.bias_grad)
    grad, winner = back.grad[piece].unsqueeze(0), back.winner[piece].unsqueeze(0)
    sums.pool_shift_backward(grad.numpy(), winner.numpy(), back.gain.numpy(), bits(sums_grad), share.numpy())
    back.bias_grad.add_(share)
    rows = sums_grad.view(-1, outs)
    field = torch.empty(count, *sides, kernel_size, kernel_size * channels, dtype=images.dtype)
    patches.cut(wide(images.reshape(count, images.shape[1], -1), channels), kernel_size, padding, wide(field, channels))
    kernels_grad = narrow.mm(rows.t(), field.view(len(rows), -1)).float()
    if images_grad is not None:
        narrow.mm(rows, matrix, out=field.view(len(rows), -1))
        patches.paste(bits(field), kernel_size, padding, bits(images_grad.view(count, images.shape[1], -1)))
    return kernels_grad


def wide(tensor: Tensor, channels: int) -> Floats | Ints:
    """Return a contiguous tensor's bits four at a time where channels come in fours: they are only copied, in less than half the time."""
    narrow = bits(tensor)
    return narrow.view(np.uint64) if narrow.dtype == np.uint16 and channels % 4 == 0 else narrow
