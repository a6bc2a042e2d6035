"""Quantization: a model of a population against the same model built alone from Brevitas' own layers."""

from itertools import product
from typing import Literal

import pytest
import torch
from brevitas import nn as qnn
from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerTensorFloat, Uint8ActPerTensorFloat
from torch import Tensor, nn

from mia_audit.models.neurons import LeakyOverTime
from mia_audit.models.quantization import FullWeight
from mia_audit.models.spiking import dynamics
from mia_audit.models.stacked import QuantizedActivation, QuantizedWeight
from mia_audit.recipe import Model, Neuron, Quantization
from tests.support.engine import Alone, layer_of, population, scalings, weighted

Bits = Literal[32, 8, 4, 2]
BITS: list[Bits] = [8, 4, 2]
STATISTICS = 300  # steps for which Brevitas gathers statistics before it learns an activation's scale


def value(quantized: Tensor) -> Tensor:
    """Return the plain tensor of what a Brevitas layer gives back."""
    return getattr(quantized, "value", quantized)


def generator(seed: int) -> torch.Generator:
    """Return a generator of torch's."""
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("bits", "models"), list(product(BITS, (1, 3))))
def test_weights_are_brevitas_to_the_bit_while_they_learn(bits: Bits, models: int) -> None:
    """Values and gradients of each model's weights equal a `QuantLinear`'s at every one of 60 steps: difference zero."""
    start = torch.randn(models, 5, 7, generator=generator(0)) * torch.tensor([1.0, 3.0, 0.2])[:models].view(-1, 1, 1)
    together = QuantizedWeight(start.clone(), bits)
    alone = [qnn.QuantLinear(7, 5, bias=False, weight_quant=Int8WeightPerTensorFloat, weight_bit_width=bits) for _ in range(models)]
    for k, layer in enumerate(alone):
        layer.weight.data.copy_(start[k])
    optimizers = [torch.optim.Adam(each.parameters(), lr=0.02) for each in (together, *alone)]
    for step in range(60):
        target = torch.randn(models, 5, 7, generator=generator(step))
        for optimizer in optimizers:
            optimizer.zero_grad()
        values = together(torch.float32).values
        ((values - target) ** 2).sum().backward()
        for k, layer in enumerate(alone):
            own = value(layer.quant_weight())
            assert torch.equal(own, values[k])
            ((own - target[k]) ** 2).sum().backward()
            assert together.weight.grad is not None
            assert layer.weight.grad is not None
            assert torch.equal(layer.weight.grad, together.weight.grad[k])
        for optimizer in optimizers:
            optimizer.step()


@pytest.mark.parametrize(
    ("bits", "models", "rectify", "gathered"),
    [*((*each, 20) for each in product(BITS, (1, 3), (False, True))), *((4, 3, rectify, STATISTICS) for rectify in (False, True))],
)
def test_activations_are_brevitas_to_the_bit_through_all_phases(bits: Bits, models: int, gathered: int, *, rectify: bool) -> None:
    """Values, scale and gradients equal a `QuantReLU`'s or `QuantIdentity`'s in statistics, in learning, and in evaluation.

    Statistics for as many steps as Brevitas gathers them is tried with one width; otherwise fewer steps say the same.
    """
    together = QuantizedActivation(models, bits, rectify=rectify)
    layer, grid = (qnn.QuantReLU, Uint8ActPerTensorFloat) if rectify else (qnn.QuantIdentity, Int8ActPerTensorFloat)
    alone = [layer(act_quant=grid, bit_width=bits) for _ in range(models)]
    for each in (together, *alone) if gathered != STATISTICS else ():
        scalings(each)[0].collect_stats_steps = gathered
    optimizers: list[torch.optim.Adam] = []
    for step in range(gathered + 40):
        if step == gathered + 1:  # the scale is a parameter from here on
            optimizers = [torch.optim.Adam(each.parameters(), lr=0.01) for each in (together, *alone)]
        x = torch.randn(models, 2, 6, generator=generator(step)) * torch.tensor([1.0, 3.0, 0.2])[:models].view(-1, 1, 1)
        x.requires_grad_()
        values = together(x)
        for optimizer in optimizers:
            optimizer.zero_grad()
        (gradient,) = torch.autograd.grad((values**3).sum(), x, retain_graph=True)
        (values**3).sum().backward(inputs=list(together.parameters()))
        for k, own in enumerate(alone):
            mine = x.detach()[k].requires_grad_()
            out = value(own(mine))
            assert torch.equal(out, values[k])
            (out**3).sum().backward()
            assert mine.grad is not None
            assert torch.equal(mine.grad, gradient[k])
            assert torch.equal(scalings(own)[0].value.flatten(), scalings(together)[0].value[k].flatten())
        for optimizer in optimizers:
            optimizer.step()
    together.eval()
    x = torch.randn(models, 2, 6, generator=generator(9999))
    for k, own in enumerate(alone):
        assert torch.equal(value(own.eval()(x[k])), together(x)[k])


@pytest.mark.parametrize(("bits", "models", "static"), list(product(BITS, (1, 3), (False, True))))
def test_quantized_currents_give_the_spikes_of_brevitas_and_reference_neurons(bits: Bits, models: int, *, static: bool) -> None:
    """The fused layer equals Brevitas' quantizer followed by the reference neurons: spikes exactly, gradients and scale in float."""
    neuron, steps = Neuron(threshold=0.7), 6
    layer = layer_of(models, neuron, steps, bits=bits)
    reference = QuantizedActivation(models, bits, rectify=False)
    for each in (*scalings(layer), *scalings(reference)):
        each.collect_stats_steps = 10
    for step in range(25):
        x = torch.randn(models, 1 if static else steps, 3, 40, generator=generator(step)) * 1.5
        ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
        spikes = layer(ours)
        expected = LeakyOverTime.apply(reference(theirs), steps, dynamics(neuron))[1]
        assert torch.equal(spikes, expected)
        pull = torch.randn(spikes.shape, generator=generator(step + 1000))
        (spikes * pull).sum().backward()
        (expected * pull).sum().backward()
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4)
        for own, their in zip(scalings(layer), scalings(reference), strict=True):
            torch.testing.assert_close(own.value.grad, their.value.grad, rtol=1e-3, atol=1e-3)
            for scaling in (own, their):
                scaling.value.grad = None


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_two_bit_weights_are_ternary(kind: torch.dtype) -> None:
    """Brevitas' signed 2-bit weights are narrow: minus one, zero and one times a scale, and nothing in between."""
    weights = torch.randn(2, 6, 6, generator=generator(0))
    values, gain = QuantizedWeight(weights, 2)(kind)
    levels = (values.float() * gain.view(-1, 1, 1)).detach() / weights.abs().amax((1, 2), keepdim=True)
    assert sorted(set(levels.flatten().round(decimals=5).abs().tolist())) == [0.0, 1.0]


@pytest.mark.parametrize("bits", BITS)
def test_integer_weights_lose_nothing_in_bfloat16(bits: Bits) -> None:
    """Below float32 weights are whole numbers, their scale apart: together they are the float32 weights."""
    weight = QuantizedWeight(torch.randn(3, 8, 8, generator=generator(1)), bits)
    values, gain = weight(torch.bfloat16)
    whole = values.float()
    torch.testing.assert_close(whole, whole.round(), rtol=0, atol=0)
    assert whole.abs().max() == 2 ** (bits - 1) - 1
    torch.testing.assert_close(whole * gain.view(-1, 1, 1), weight(torch.float32).values, rtol=1e-6, atol=1e-7)


def spared(*, first_layer: bool = True, last_layer: bool = True) -> list[bool]:
    """Return for each weighted layer of a 4-bit model with two hidden layers whether its weights stay in full precision."""
    model = Model(
        architecture="mlp", hidden=(4, 5), quantization=Quantization(weight_bits=4, first_layer=first_layer, last_layer=last_layer)
    )
    modules = [layer.weight for layer in population(model, (3,)).layers if hasattr(layer, "weight")]
    return [isinstance(module, FullWeight) for module in modules]


def test_first_and_last_layer_are_spared_when_asked() -> None:
    """Each switch spares its own layer and no other."""
    assert spared() == [False, False, False]
    assert spared(first_layer=False) == [True, False, False]
    assert spared(last_layer=False) == [False, False, True]
    assert spared(first_layer=False, last_layer=False) == [True, False, True]


def test_biases_and_logits_are_not_quantized() -> None:
    """A bias moves the logits by its own amount, far below a 2-bit grid."""
    quantization = Quantization(weight_bits=2, activation_bits=2, input_bits=2)
    models = population(Model(architecture="mlp", hidden=(4,), quantization=quantization), (3,)).train()
    x = torch.randn(3, 1, 8, 3, generator=generator(0))
    models(x)
    models.eval()
    before = models(x)
    bias = weighted(dict(models.named_parameters()))[-1]
    bias.data += 1e-3
    torch.testing.assert_close(models(x) - before, torch.full_like(before, 1e-3), rtol=0, atol=1e-6)


NETWORKS = [
    (Model(architecture="mlp", hidden=(7, 6)), (5,)),
    (Model(architecture="conv", channels=(3, 4), kernel=3, padding=1), (6, 6, 2)),
    (Model(architecture="mlp", hidden=(7, 6), neuron=Neuron(reset="zero"), time_steps=4, readout="membrane-last"), (5,)),
    (Model(architecture="conv", channels=(3, 4), kernel=2, padding=0, neuron=Neuron(), time_steps=4), (9, 7, 1)),
    (Model(architecture="mlp", hidden=(9,), neuron=Neuron(surrogate="sre"), time_steps=4, readout="spike-count"), (5,)),
]


def gradients(module: nn.Module) -> list[Tensor]:
    """Return the gradients of weights, biases and learned scales."""
    parameters = [*weighted(dict(module.named_parameters())), *(scaling.value for scaling in scalings(module))]
    return [torch.zeros_like(each) if each.grad is None else each.grad for each in parameters]


@pytest.mark.parametrize(("bits", "models"), [(32, 3), (8, 3), (4, 1), (4, 3), (2, 3)])
@pytest.mark.parametrize(("model", "shape"), NETWORKS)
def test_networks_are_those_built_alone(model: Model, shape: tuple[int, ...], bits: Bits, models: int) -> None:
    """Logits equal those of the same network built alone at every step of a training, and so do all gradients.

    Matrix products sum in different orders, so that a value may now and then round to the neighbouring level: one step in
    twenty is allowed to differ. Each network is told the population's parameters anew at every step. Gradients are compared
    where they are unique: a maximum (of the statistics, or of a pool of sums of few levels) has one at each of the equal largest.
    """
    bits_everywhere = Quantization(weight_bits=bits, activation_bits=bits, input_bits=bits)
    model = model.model_copy(update={"quantization": bits_everywhere})
    together = population(model, shape, models=models).train()
    alone = [Alone(model, shape, 3).load(together, k).train() for k in range(models)]
    for scaling in (each for network in (together, *alone) for each in scalings(network)):
        scaling.collect_stats_steps = 5
    optimizer = torch.optim.Adam(together.parameters(), lr=5e-3)
    unique = bits > (4 if model.channels else 2)
    agreeing = []
    for step in range(14):
        x = torch.randn(models, 1, 8, *shape, generator=generator(step)) * 1.5
        optimizer.zero_grad()
        logits = together(x)
        (logits**2).sum().backward()
        for k, network in enumerate(alone):
            network.load(together, k).zero_grad()
            own = network(x[k])
            (own**2).sum().backward()
            pairs = list(zip(gradients(network), gradients(together), strict=True)) if unique and (step > 5 or bits == 32) else []
            agreeing += [all(torch.allclose(a, b[k].view_as(a), rtol=1e-3, atol=1e-3) for a, b in [(own, logits), *pairs])]
        optimizer.step()
    assert sum(agreeing) >= 0.95 * len(agreeing)
