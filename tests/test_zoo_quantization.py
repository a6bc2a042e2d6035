"""Quantization beyond Brevitas' stacked form: one bit, scales by channel, membranes on a grid, after training, in integers."""

from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import snntorch
import torch
from brevitas import nn as qnn
from brevitas.quant import Int8WeightPerChannelFloat
from snntorch.functional import quant
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.audit.request.options import Options, describe
from mia_audit.data.deal import require_apart
from mia_audit.data.examples import load
from mia_audit.errors import DataError, RecipeError
from mia_audit.models import quantization
from mia_audit.models.layers import Arithmetic, LockstepConv, LockstepLinear, PoolShift
from mia_audit.models.neurons import LeakyOverTime
from mia_audit.models.quantization import FullWeight
from mia_audit.models.scales import BinaryActivation, ScaledWeight
from mia_audit.models.spiking import dynamics
from mia_audit.recipe import Model, Neuron, Quantization
from mia_audit.training.calibrating import as_trained, calibrated
from mia_audit.training.lockstep import Cohort, Pool, build, train
from mia_audit.training.material import Material, material
from tests.support.engine import population
from tests.support.engine_runs import small_audit

CPU = torch.device("cpu")


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Return Gaussian numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("bits", "limits", "reset", "beta"),
    [(8, (0.0, 0.2), "subtract", 0.95), (4, (0.0, 0.2), "zero", 0.9), (3, (0.5, 1.0), "subtract", 1.0), (2, (0.0, 0.2), "zero", 0.5),
     (1, (0.0, 0.2), "subtract", 0.95), (6, (1.0, 1.0), "subtract", 0.7)],
)  # fmt: skip
def test_membranes_are_snntorchs_state_quant(bits: int, limits: tuple[float, float], reset: Any, beta: float) -> None:
    """Membranes, spikes and gradients over whole trajectories equal snnTorch's cell with its quantized state."""
    neuron = Neuron(beta=beta, reset=reset, threshold=0.9)
    lower, upper = limits
    state_quant, leaky = cast("Any", quant.state_quant), cast("Any", snntorch.Leaky)  # whose types are those of their defaults
    grid = state_quant(num_bits=bits, threshold=0.9, lower_limit=lower, upper_limit=upper)
    cell = leaky(beta=beta, threshold=0.9, reset_mechanism=reset, state_quant=grid)
    ours, theirs = (drawn(2, 12, 3, 50).mul_(0.6).add_(0.3).requires_grad_() for _ in range(2))
    quantized = Quantization.model_validate({"membrane_bits": bits, "membrane_limits": limits})
    membranes, spikes = LeakyOverTime.apply(ours, 12, dynamics(neuron, quantized))
    membrane, expected_membranes, expected_spikes = torch.zeros(2, 3, 50), [], []
    for current in theirs.unbind(1):
        spike, membrane = cell(current, membrane)
        expected_membranes.append(membrane)
        expected_spikes.append(spike)
    torch.testing.assert_close(membranes, torch.stack(expected_membranes, 1), rtol=0, atol=0)
    assert torch.equal(spikes, torch.stack(expected_spikes, 1))
    assert len(membranes.unique()) <= 2**bits
    wanted = drawn(2, 12, 3, 50, seed=1)
    (gradient,) = torch.autograd.grad((membranes * wanted).sum() + (spikes * wanted.flip(0)).sum(), ours)
    loss = (torch.stack(expected_membranes, 1) * wanted).sum() + (torch.stack(expected_spikes, 1) * wanted.flip(0)).sum()
    torch.testing.assert_close(gradient, torch.autograd.grad(loss, theirs)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bits", [8, 6, 4, 3, 2])
@pytest.mark.parametrize("shape", [(4, 6), (3, 2, 3, 3)])
def test_scales_by_channel_are_brevitas(shape: tuple[int, ...], bits: int) -> None:
    """Values and gradients of every model equal a Brevitas layer of its own with per-channel scales."""
    weight = drawn(2, *shape)
    stacked = ScaledWeight(weight.clone(), bits, by_channel=True)
    wanted = drawn(2, *shape, seed=1)
    values = stacked(torch.float32).values
    (values * wanted).sum().backward()
    assert stacked.weight.grad is not None
    for k in range(2):
        kind = {"weight_quant": Int8WeightPerChannelFloat, "weight_bit_width": bits, "bias": False}
        layer = qnn.QuantLinear(6, 4, **kind) if len(shape) == 2 else qnn.QuantConv2d(2, 3, 3, **kind)
        layer.weight.data.copy_(weight[k])
        own = layer.quant_weight().value
        (own * wanted[k]).sum().backward()
        torch.testing.assert_close(values[k], own, rtol=1e-6, atol=1e-7)
        torch.testing.assert_close(stacked.weight.grad[k], layer.weight.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("by_channel", [False, True])
def test_one_bit_is_the_sign_times_the_mean_magnitude(by_channel: bool) -> None:
    """XNOR-Net's equation 6, and the gradient reaches weights through the sign and through the scale."""
    weight = drawn(2, 3, 5)
    layer = ScaledWeight(weight.clone(), 1, by_channel=by_channel)
    mean = weight.abs().mean(2, keepdim=True) if by_channel else weight.abs().mean((1, 2), keepdim=True)
    values = layer(torch.float32).values
    torch.testing.assert_close(values, weight.sign() * mean)
    values.sum().backward()
    signs = weight.sign()
    across = signs.sum(2, keepdim=True) / 5 if by_channel else signs.sum((1, 2), keepdim=True) / 15
    torch.testing.assert_close(layer.weight.grad, mean.expand_as(weight) + signs * across)


def test_one_bit_currents_have_two_values() -> None:
    """While training the batch's mean magnitude, afterwards the running one."""
    layer = BinaryActivation(2)
    x = drawn(2, 4, 5)
    assert torch.equal(layer.train()(x), torch.where(x >= 0, 1.0, -1.0) * x.abs().mean((1, 2)).view(2, 1, 1))
    again = layer.eval()(x * 3)
    assert torch.equal(again.abs().flatten(1).amax(1), x.abs().mean((1, 2)))


KINDS = list(product((8, 6, 4, 3, 2, 1), ("tensor", "channel"), (None, Neuron())))


@pytest.mark.parametrize(("bits", "granularity", "neuron"), KINDS)
def test_every_width_trains_on_its_grid(bits: Any, granularity: Any, neuron: Neuron | None) -> None:
    """In bf16, weights are integers of that many bits, and a step of training leaves every parameter finite and moves some."""
    quantized = Quantization(weight_bits=bits, activation_bits=bits, input_bits=bits, granularity=granularity)
    model = Model(architecture="conv", channels=(4,), neuron=neuron, time_steps=2 if neuron else 1, quantization=quantized)
    generators = [torch.Generator().manual_seed(k) for k in range(2)]
    networks = type(population(model, (6, 6, 2)))(model, (6, 6, 2), 3, generators, torch.bfloat16).train()
    before = [parameter.clone() for parameter in networks.parameters()]
    networks(torch.rand(2, 1, 8, 6, 6, 2)).square().sum().backward()
    torch.optim.SGD(networks.parameters(), lr=0.01).step()
    after = list(networks.parameters())
    assert all(torch.isfinite(parameter).all() for parameter in after)
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    first: Any = networks.layers[0]
    integers = first.weight(torch.bfloat16).values.float()
    most = max(1, 2 ** (bits - 1) - 1)
    assert torch.equal(integers, integers.round())
    assert integers.abs().max() == most
    assert torch.isfinite(networks.eval()(torch.rand(2, 1, 3, 6, 6, 2))).all()


@pytest.mark.parametrize(("bits", "granularity"), list(product((8, 4, 2, 1), ("tensor", "channel"))))
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_integers_alone_give_the_same_answers(bits: int, granularity: str, kind: torch.dtype) -> None:
    """Integer weights times integer activations, summed in int64 and scaled once, are the layer's currents: dense and convolution."""
    arithmetic = Arithmetic(bits=bits, dtype=kind, precise=kind == torch.float32, by_channel=granularity == "channel")
    step = 0.125  # of the activations' grid, exact in both types
    counts = torch.randint(0, 4, (2, 1, 5, 6, 6, 3), generator=torch.Generator().manual_seed(2))
    dense = LockstepLinear(drawn(2, 7, 108), drawn(2, 7, seed=1), arithmetic)
    conv = LockstepConv(drawn(2, 4, 3, 3, 3), drawn(2, 4, seed=1), arithmetic, padding=1)
    for layer in (dense, conv):
        integers, scale = layer.weight(torch.bfloat16)
        own = integers.round().long()
        assert torch.equal(own.to(integers.dtype), integers)
        if layer is dense:
            sums = torch.einsum("kbi,koi->kbo", counts.flatten(3)[:, 0], own).unsqueeze(1)
        else:
            maps = [F.conv2d(counts[k, 0].movedim(-1, 1).double(), own[k].double(), padding=1).long() for k in range(2)]
            sums = torch.stack([each.movedim(1, -1) for each in maps]).unsqueeze(1)
        wide = scale.view(2, *(1,) * (sums.ndim - 2), -1) if scale.ndim == 2 else scale.view(2, *(1,) * (sums.ndim - 1))
        expected = sums * step * wide + layer.bias.view(2, *(1,) * (sums.ndim - 2), -1)
        tolerance = 1e-5 if kind == torch.float32 else 8e-3
        torch.testing.assert_close(PoolShift()(layer(counts * step)), expected.float(), rtol=tolerance, atol=tolerance * 20)


def dealt(target: str, **changes: object) -> tuple[Any, Material]:
    """Return a post-training recipe on iris, and its examples."""
    settings = {"training.epochs": 2, **{name.replace("__", "."): value for name, value in changes.items()}}
    recipe = describe(target, Options(dataset="iris", ptq=True, settings=settings))
    return recipe, material(recipe, load(recipe, root=None, offline=True, progress=print))


@pytest.mark.parametrize("target", ["ann-q4", "snn-q4"])
def test_quantizers_are_calibrated_outside_the_pool(target: str) -> None:
    """Models train as in full precision to the bit; scales then follow from calibration examples alone."""
    recipe, examples = dealt(target)
    pool = Pool(inputs=examples.pool_inputs, labels=examples.pool_labels, classes=3)
    rows = np.random.default_rng(0).random((2, len(pool.labels))) < 0.5
    trained = train(as_trained(recipe), Cohort(indices=(0, 1), rows=rows), pool, CPU, lambda _: None)
    assert any(isinstance(module, FullWeight) for module in trained.modules())
    ready = calibrated(build(recipe, (0, 1), pool), trained, recipe, examples.calibration_inputs, CPU)
    for name, value in trained.state_dict().items():
        assert torch.equal(ready.state_dict()[name], value)
    x = torch.from_numpy(examples.test_inputs)[None, None].expand(2, 1, -1, -1)
    same = calibrated(build(recipe, (0, 1), pool), trained, recipe, examples.calibration_inputs, CPU)
    other = calibrated(build(recipe, (0, 1), pool), trained, recipe, examples.calibration_inputs * 4, CPU)
    assert torch.equal(ready(x), same(x))
    assert not torch.equal(ready(x), other(x))
    assert (ready(x).argmax(2) == trained(x).argmax(2)).float().mean() > 0.6
    assert not any(module.training for module in ready.modules())


def test_calibration_examples_are_nobodys() -> None:
    """They lie in no other part, a tenth of the pool gives them up, and an overlap is refused."""
    recipe, examples = dealt("ann-q4")
    assert (len(examples.pool_inputs), len(examples.calibration_inputs)) == (90, 10)
    require_apart(np.arange(5), np.arange(5, 9))
    with pytest.raises(DataError, match="calibration needs examples outside the membership pool, got 2 of 4 inside it"):
        require_apart(np.arange(5), np.arange(3, 7))
    with pytest.raises(DataError, match=r"99 calibration examples, a pool of 90, .* need 239 examples, the data set has 150"):
        dealt("ann-q4", data__pool=90, model__quantization__calibration=99)
    assert recipe.model.quantization.calibration == 10


def test_an_audit_after_training(tmp_path: Path) -> None:
    """The whole way, checkpoints included; its numbers are not those of quantization while training."""
    settings = {"training.epochs": 2, "training.checkpoints": [1]}
    after = small_audit(tmp_path, "snn-q2", settings={**settings, "model.quantization.when": "post-training"}, out="after")
    during = small_audit(tmp_path, "snn-q2", settings=settings, out="during")
    assert after.summary.recipe.model.quantization.when == "post-training"
    assert after.id != during.id


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("ann", Options(ptq=True), "--ptq needs something to quantize, got 32 bits everywhere"),
        ("ann", Options(settings={"model.quantization.membrane_bits": 4}), "membrane_bits needs neurons with membranes, got an ANN"),
        ("snn", Options(settings={"model.quantization.membrane_bits": 5}), "'membrane_bits': input should be 32, 8, 6, 4, 3, 2 or 1"),
    ],
)
def test_what_cannot_be_quantized_is_refused(target: str, options: Options, message: str) -> None:
    """Before anything is computed."""
    with pytest.raises(RecipeError, match=message):
        describe(target, options)


def test_nothing_but_the_asked_bits_is_quantized() -> None:
    """32 bits are full precision, by channel too."""
    assert isinstance(quantization.weights(drawn(1, 2, 3), 32, by_channel=True), FullWeight)
