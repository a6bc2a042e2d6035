"""Products in bfloat16, on processors with and without a unit for them: one rounding of the true sum."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.models import narrow

ROUNDING = 2**-8  # half a unit in the last of bfloat16's eight digits, and what float32 sums may add


def operands(*shapes: tuple[int, ...]) -> list[Tensor]:
    """Return normal numbers in bfloat16, gradients wanted."""
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(shape, generator=generator).bfloat16().requires_grad_() for shape in shapes]


def rounded_once(found: Tensor, exact: Tensor) -> bool:
    """Say whether a product is the true one, rounded to bfloat16."""
    return found.dtype == torch.bfloat16 and bool(((found.double() - exact).abs() <= ROUNDING * exact.abs() + 1e-5).all())


def test_matrix_products_round_the_true_sum_once() -> None:
    """With 500 terms a sum that is kept in bfloat16 itself would be wrong in its second digit."""
    a, b = operands((3, 7, 500), (3, 500, 5))
    exact = a.detach().double() @ b.detach().double()
    assert rounded_once(narrow.bmm(a, b), exact)
    assert rounded_once(narrow.mm(a[0], b[0]), exact[0])
    place = torch.zeros(7, 5, dtype=torch.bfloat16)
    assert narrow.mm(a[0].detach(), b[0].detach(), out=place) is place
    assert rounded_once(place, exact[0])


@pytest.mark.parametrize(("padding", "stride"), [(0, 1), (2, 1), (1, 2)])
def test_convolutions_round_the_true_sum_once(padding: int, stride: int) -> None:
    """Whatever the padding and the stride."""
    images, kernels = operands((2, 20, 9, 9), (4, 20, 5, 5))
    exact = F.conv2d(images.detach().double(), kernels.detach().double(), padding=padding, stride=stride)
    assert rounded_once(narrow.conv2d(images, kernels, padding=padding, stride=stride), exact)


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_a_kernel_of_one_place_and_its_gradients_under_a_stride(channels: int) -> None:
    """Shortcuts of small networks: sums, images' and kernels' gradients, many times, for what was written beyond memory shows later."""
    generator = torch.Generator().manual_seed(9)
    for _ in range(40):
        images = torch.randn(6, 8, 8, channels, generator=generator).movedim(-1, 1).requires_grad_()
        kernels = torch.randn(4, channels, 1, 1, generator=generator).contiguous(memory_format=torch.channels_last).requires_grad_()
        sums = narrow.conv2d(images, kernels, padding=0, stride=2)
        exact = torch.einsum("rchw,oc->rohw", images[..., ::2, ::2], kernels[..., 0, 0])
        torch.testing.assert_close(sums, exact)
        for own, their in zip(*(torch.autograd.grad(each.square().sum(), (images, kernels)) for each in (sums, exact)), strict=True):
            torch.testing.assert_close(own, their, rtol=1e-4, atol=1e-4)


def test_gradients_flow_in_the_operands_type() -> None:
    """Each operand's gradient is the product with the other one."""
    a, b = operands((2, 6, 300), (2, 300, 4))
    grad = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(5)).bfloat16()
    narrow.bmm(a, b).backward(grad)
    assert a.grad is not None
    assert b.grad is not None
    assert rounded_once(a.grad, grad.double() @ b.detach().double().transpose(1, 2))
    assert rounded_once(b.grad, a.detach().double().transpose(1, 2) @ grad.double())


def test_float32_is_left_alone() -> None:
    """Nothing is rounded that was not narrow."""
    a, b = (each.detach().float() for each in operands((2, 3, 4), (2, 4, 5)))
    assert torch.equal(narrow.bmm(a, b), torch.bmm(a, b))
