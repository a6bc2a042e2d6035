"""The fused passes between two matrix products against the plain torch they replace."""

from itertools import product
from typing import Literal

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  the name the field reads

from mia_audit.models import fused, narrow
from mia_audit.models.layers import Arithmetic, LockstepConv, LockstepLinear, PoolShift, Sums, pool_shift
from mia_audit.models.passage import QUERY, Passage
from mia_audit.models.product import Product
from mia_audit.models.spiking import FiredPool, SpikingLayer, dynamics, integrated
from mia_audit.recipe import Neuron, Quantization
from mia_audit.recipe.layers import Pool

KINDS = [torch.float32, torch.bfloat16]


def drawn(*shape: int, seed: int = 0, kind: torch.dtype = torch.float32) -> Tensor:
    """Return random values, few enough levels apart for ties to occur, that carry a gradient."""
    values = (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 4).round() / 4
    return values.to(kind).requires_grad_()


def pulled(out: Tensor, *through: Tensor) -> tuple[Tensor, ...]:
    """Return the gradients of a random functional of what came out."""
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(99))
    return torch.autograd.grad((out.float() * weights).sum(), through)


@pytest.mark.parametrize(("kind", "size", "image"), list(product(KINDS, (1, 2, 3), ((6, 6), (7, 5)))))
def test_pooling_scale_and_bias_in_one_pass(kind: torch.dtype, size: int, image: tuple[int, int]) -> None:
    """Currents and gradients equal torch's pooling, product and sum, borders that fill no square included, ties too."""
    values, gain, bias = drawn(2, 3, 4, *image, 5, kind=kind), torch.tensor([0.5, 3.0]), drawn(2, 5, seed=1)
    sums = Sums(values=values, gain=gain, bias=bias)
    ours, theirs = PoolShift(size)(sums), pool_shift(values, gain, bias, size)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
    for own, their in zip(pulled(ours, values, bias), pulled(theirs, values, bias), strict=True):
        torch.testing.assert_close(own, their, rtol=1e-2 if kind == torch.bfloat16 else 1e-5, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_scale_and_bias_of_dense_sums(kind: torch.dtype) -> None:
    """Without an image there is nothing to pool."""
    values, gain, bias = drawn(2, 3, 4, 7, kind=kind), torch.tensor([0.5, 3.0]), drawn(2, 7, seed=1)
    sums = Sums(values=values, gain=gain, bias=bias)
    ours, theirs = PoolShift()(sums), pool_shift(values, gain, bias, 1)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
    for own, their in zip(pulled(ours, values, bias), pulled(theirs, values, bias), strict=True):
        torch.testing.assert_close(own, their, rtol=1e-2 if kind == torch.bfloat16 else 1e-5, atol=1e-4)


@pytest.mark.parametrize(("kernel_size", "padding"), [(3, 1), (3, 0), (2, 0), (5, 2), (1, 0)])
def test_a_convolution_written_out_as_a_matrix(kernel_size: int, padding: int) -> None:
    """One matrix product gives the convolution, and the matrix hands back the kernels' gradient."""
    kernels, images = drawn(2, 3, 4, kernel_size, kernel_size), drawn(2, 6, 5, 7, 4, seed=1)
    matrix = fused.Spread.apply(kernels, (5, 7), padding)
    ours = torch.bmm(images.flatten(2), matrix)
    each = [F.conv2d(image.movedim(-1, 1), kernel, padding=padding) for image, kernel in zip(images, kernels, strict=True)]
    theirs = torch.stack([maps.movedim(1, -1) for maps in each]).flatten(2)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)
    for own, their in zip(pulled(ours, kernels, images), pulled(theirs, kernels, images), strict=True):
        torch.testing.assert_close(own, their, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("bits", [32, 4])
def test_convolutions_in_bfloat16_are_those_in_float32_rounded(bits: int) -> None:
    """On values that bfloat16 holds exactly, the small convolution's other way of computing gives the same sums."""
    x = drawn(2, 1, 3, 6, 6, 2, seed=1).detach()
    weight, bias = drawn(2, 3, 2, 3, 3).detach(), drawn(2, 3, seed=2).detach()
    narrow, wide = (
        LockstepConv(weight.clone(), bias, Arithmetic(bits=bits, dtype=kind, precise=False), padding=1)(x) for kind in KINDS[::-1]
    )
    got, expected = (each.values.float() * each.gain.view(-1, 1, 1, 1, 1, 1) for each in (narrow, wide))
    torch.testing.assert_close(got, expected, rtol=2**-7, atol=2**-7)


def test_logits_are_summed_in_float32() -> None:
    """The last layer's sums keep what bfloat16 would round away, whatever the type of its rows; gradients keep two digits."""
    weight, bias = torch.randn(2, 3, 300, generator=torch.Generator().manual_seed(3)), torch.zeros(2, 3)
    rows = drawn(2, 1, 8, 300, seed=4)
    layer = LockstepLinear(weight, bias, Arithmetic(bits=32, dtype=torch.bfloat16, precise=True))
    sums = layer(rows).values
    expected = torch.einsum("ktbi,koi->ktbo", rows, weight)
    torch.testing.assert_close(sums, expected, rtol=1e-5, atol=1e-4)
    (own,), (their,) = pulled(sums, rows), pulled(expected, rows)
    torch.testing.assert_close(own, their, rtol=0.05, atol=0.05)


@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(1, 4, 64), (32, 784, 250), (5, 64, 3), (128, 30, 64)])
def test_products_are_plain_ones_to_the_bit_and_gradients_lie_as_weights_do(rows: int, inputs: int, outputs: int) -> None:
    """In bfloat16, sums and both gradients; the weight's is contiguous, so that nobody has to turn it around."""
    x, weight = drawn(3, rows, inputs, kind=torch.bfloat16), drawn(3, outputs, inputs, seed=1, kind=torch.bfloat16)
    ours, theirs = Product.apply(x, weight), narrow.bmm(x, weight.transpose(1, 2))
    assert torch.equal(ours, theirs)
    pulls = [pulled(out, x, weight) for out in (ours, theirs)]
    for own, their in zip(*pulls, strict=True):
        assert torch.equal(own, their)
    assert pulls[0][1].is_contiguous()


def integrated_and_pooled(current: Tensor, neuron: Neuron, squares: fused.Squares, kind: torch.dtype) -> Tensor:
    """Return pooled spikes by torch's own operations, step by step."""
    spikes = integrated(current, 4, dynamics(neuron), QUERY)[1].to(kind)
    if current.ndim == 4:
        return spikes
    pooled = F.max_pool2d(spikes.flatten(0, 2).movedim(-1, 1), squares.size, squares.every).movedim(1, -1)
    return pooled.reshape(*spikes.shape[:3], *pooled.shape[1:])


SHAPES = [
    ((2, 1, 3, 7, 6, 5), (2, 2)),
    ((2, 4, 3, 7, 6, 5), (2, 2)),
    ((2, 4, 3, 7, 6, 5), (3, 3)),
    ((1, 1, 2, 4, 4, 1), (1, 1)),
    ((2, 4, 3, 9), (1, 1)),
    ((2, 1, 3, 5, 6, 3), (2, 1)),
    ((2, 4, 2, 7, 7, 2), (3, 2)),
]
"""Currents, and the size and distance of squares: static or not, borders that fill no square, no image, overlaps."""


@pytest.mark.parametrize(("shape", "square"), SHAPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("surrogate", ["gate", "sech2", "gaussian", "atan"])
def test_neurons_and_pooling_in_one_pass(
    surrogate: str, reset: Literal["zero", "subtract"], kind: torch.dtype, shape: tuple[int, ...], square: tuple[int, int]
) -> None:
    """Pooled spikes equal torch's to the bit; so do gradients of the gate, but where squares overlap and bfloat16 adds them up."""
    neuron, squares = Neuron(beta=0.9, threshold=0.5, reset=reset, surrogate=surrogate), fused.Squares(*square)
    currents = torch.randn(shape, generator=torch.Generator().manual_seed(5)) * 0.5 - 0.1
    ours, theirs = currents.clone().requires_grad_(), currents.clone().requires_grad_()
    got = fused.FireAndPool.apply(ours, dynamics(neuron), squares, 4, kind)
    expected = integrated_and_pooled(theirs, neuron, squares, kind)
    assert torch.equal(got, expected)
    assert 0.05 < got.float().mean() < 0.95
    weights = torch.randn(got.shape, generator=torch.Generator().manual_seed(6)).to(kind)
    got.backward(weights)
    expected.backward(weights)
    rough = kind == torch.bfloat16 and square[0] > square[1]
    rtol, atol = (2**-6, 2**-4) if rough else (0.0, 0.0) if surrogate == "gate" else (1e-5, 1e-4)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=rtol, atol=atol)


@pytest.mark.parametrize("surrogate", ["gate", "atan"])
def test_training_pools_spikes_as_queries_do(surrogate: str) -> None:
    """While training nothing but pooled spikes is kept, while asking every spike is seen: both give the same."""
    neuron = Neuron(threshold=0.5, surrogate=surrogate)
    layer = FiredPool(SpikingLayer(2, 32, neuron, 4, torch.bfloat16), Pool(size=2, stride=1))
    currents = torch.randn(2, 1, 3, 6, 5, 4, generator=torch.Generator().manual_seed(5))
    rates: list[Tensor] = []
    assert torch.equal(layer.train()(currents), layer.eval()(currents, Passage(rates=rates)))
    assert rates[0].shape == (2, 3)
    assert not FiredPool(SpikingLayer(2, 4, neuron, 4, torch.bfloat16), Pool()).fire.lean
    assert not FiredPool(SpikingLayer(2, 32, neuron, 4, torch.bfloat16, Quantization(membrane_bits=4)), Pool()).fire.lean
