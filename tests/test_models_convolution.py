"""A large convolution on the CPU, pooled and taken back in pieces, against torch's own convolution and pooling."""

from typing import Any

import pytest
import torch
from torch import Tensor

from mia_audit.models import convolution, layers
from mia_audit.models.convolution import Convolution
from mia_audit.models.layers import Arithmetic, LockstepConv, PoolShift, Sums, convolve, convolve_grouped

SHAPES = [(0, 12, 12, 64, 5), (1, 16, 16, 40, 3), (2, 13, 3, 20, 5), (1, 9, 8, 12, 4)]  # padding, side, channels in and out, kernel_size


def layer(shape: tuple[int, int, int, int, int], monkeypatch: pytest.MonkeyPatch) -> LockstepConv:
    """Return two models' convolution, made to think itself large."""
    monkeypatch.setattr(layers, "_DENSE", 0)
    padding, _, ins, outs, kernel_size = shape
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(2, outs, ins, kernel_size, kernel_size, generator=generator) / (ins * kernel_size * kernel_size) ** 0.5
    arithmetic = Arithmetic(bits=32, dtype=torch.bfloat16, precise=False)
    return LockstepConv(weight, torch.randn(2, outs, generator=generator), arithmetic, padding=padding)


def spikes(shape: tuple[int, int, int, int, int]) -> Tensor:
    """Return spikes [2, 3, 5, side, side, channels]."""
    return (torch.rand(2, 3, 5, shape[1], shape[1], shape[2], generator=torch.Generator().manual_seed(2)) > 0.6).float()


class Narrowed(torch.autograd.Function):
    """Sums as bfloat16 holds them, with the gradient of sums in float32: what a way back without rounding gives."""

    @staticmethod
    def forward(_: Any, __: Tensor, narrow: Tensor) -> Tensor:
        """Return the narrow sums."""
        return narrow.float()

    @staticmethod
    def backward(_: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Hand the gradient to the wide sums."""
        return grad, None


def through(conv: LockstepConv, x: Tensor, *, whole: bool) -> list[Tensor]:
    """Return currents and the gradients of images, kernels and biases; where `whole`, by torch's operations, back in float32."""
    image = x.clone().requires_grad_()
    conv.zero_grad()
    sums: Sums = conv(image)
    assert isinstance(sums.values, Convolution)
    if whole:
        images, kernels, padding = sums.values
        wide: Tensor = Narrowed.apply(convolve(images.float(), kernels.float(), padding), convolve(images, kernels, padding))
        sums = sums._replace(values=wide)
    currents = PoolShift(2)(sums)
    currents.backward(torch.randn(currents.shape, generator=torch.Generator().manual_seed(3)))
    assert image.grad is not None
    return [currents.detach(), image.grad, *(each.grad for each in conv.parameters() if each.grad is not None)]


@pytest.mark.parametrize("shape", SHAPES)
def test_pieces_equal_the_whole(shape: tuple[int, int, int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Currents agree exactly, gradients as far as bfloat16 products do, whatever the padding and however the pieces fall.

    Gradients are held to float32: torch's own in bfloat16 differ from it by more on processors without such a unit.
    """
    conv = layer(shape, monkeypatch)
    monkeypatch.setattr(convolution, "_PIECE", 4 * shape[1] ** 2 * shape[2] * shape[4] ** 2)
    ours, theirs = through(conv, spikes(shape), whole=False), through(conv, spikes(shape), whole=True)
    assert len(ours) == 4
    assert torch.equal(ours[0], theirs[0])
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        assert (one - other).abs().max() <= 0.01 * other.abs().max()


def test_a_first_layer_asks_for_no_gradient_of_its_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels and biases still get theirs."""
    conv = layer(SHAPES[1], monkeypatch)
    PoolShift(2)(conv(spikes(SHAPES[1]))).sum().backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in conv.parameters())


@pytest.mark.parametrize("stride", [1, 2])
def test_one_grouped_call_equals_one_model_after_the_other(stride: int) -> None:
    """The form for a GPU gives what the form for the CPU gives."""
    generator = torch.Generator().manual_seed(4)
    images = torch.randn(3, 2, 5, 9, 9, 4, generator=generator)
    kernels = torch.randn(3, 6, 4, 3, 3, generator=generator)
    torch.testing.assert_close(convolve_grouped(images, kernels, 1, stride), convolve(images, kernels, 1, stride), rtol=1e-5, atol=1e-5)
