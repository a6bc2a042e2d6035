"""Products of bfloat16 operands on the CPU, each summed in float32 and rounded once.

With AVX-512, oneDNN does this. Without it torch falls back to loops that take ten to twenty times as long as float32 does, so the
operands are widened first: they are exact in float32, and what comes out differs by the order of the sums alone. Other types and
other devices are torch's own business.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def bmm(a: Tensor, b: Tensor) -> Tensor:
    """Return the products [K, n, m] of matrices [K, n, l] and [K, l, m], in their type."""
    return torch.bmm(a.float(), b.float()).to(a.dtype) if _widens(a) else torch.bmm(a, b)


def mm(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Return the product [n, m] of matrices [n, l] and [l, m], in their type; written into `out` where that is given."""
    if not _widens(a):
        return torch.mm(a, b, out=out)
    wide = torch.mm(a.float(), b.float())
    return wide.to(a.dtype) if out is None else out.copy_(wide)


def conv2d(images: Tensor, kernels: Tensor, *, padding: int, stride: int = 1) -> Tensor:
    """Return sums [R, out, H', W'] of images [R, in, H, W] and kernels [out, in, n, n], in their type.

    A kernel of one place skips what a stride leaves out, so that is left out first: torch 2.15's own way back through such a
    convolution, channels last and fewer than eight, writes beyond its memory on processors without AVX-512.
    """
    if kernels.shape[-1] == 1 and padding == 0:
        images, stride = images[..., ::stride, ::stride], 1
    if _widens(images):
        return F.conv2d(images.float(), kernels.float(), padding=padding, stride=stride).to(images.dtype)
    return F.conv2d(images, kernels, padding=padding, stride=stride)


def _widens(operand: Tensor) -> bool:
    return operand.dtype == torch.bfloat16 and operand.device.type == "cpu" and not _has_unit()


@cache
def _has_unit() -> bool:
    """Whether oneDNN multiplies bfloat16 on this processor."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001  torch has no public question
