"""Leaky integrate-and-fire neurons, all steps at once, against snnTorch's `Leaky`, one step after the other."""

from itertools import product
from typing import Literal, get_args

import pytest
import torch
from torch import Tensor

from mia_audit.models.spiking import Readout
from mia_audit.recipe import Model, Neuron
from tests.support.engine import at_once, layer_of, stepped

STEPS = 10
Reset = Literal["subtract", "zero"]
Variant = Literal["textbook", "snntorch"]
DYNAMICS = list(product(get_args(Reset), (1.0, 0.95, 0.5, 0.0), (1.0, 0.6)))
SURROGATES = list(product(("atan", "fast-sigmoid", "sre", "ste", "triangular"), get_args(Variant)))  # those with a kernel


def currents(*, steps: int = STEPS, scale: float = 0.7) -> Tensor:
    """Return random currents [2, T, 3, 5] under which about a third of the neurons spike at a step."""
    generator = torch.Generator().manual_seed(7)
    return torch.randn(2, steps, 3, 5, generator=generator) * scale + 0.3


def pulled_back(parts: tuple[Tensor, ...], through: Tensor) -> Tensor:
    """Return the gradient at `through` of a random functional of what came out, a different one at every step."""
    generator = torch.Generator().manual_seed(8)
    wanted = sum((part * torch.randn(part.shape, generator=generator)).sum() for part in parts)
    assert isinstance(wanted, Tensor)
    (gradient,) = torch.autograd.grad(wanted, through)
    return gradient


@pytest.mark.parametrize(("reset", "beta", "threshold"), DYNAMICS)
def test_trajectories_are_snntorchs(reset: Reset, beta: float, threshold: float) -> None:
    """Membranes agree at every step and spikes exactly, whatever the reset, the leak and the threshold."""
    neuron = Neuron(reset=reset, beta=beta, threshold=threshold)
    membranes, spikes = at_once(currents(), neuron, STEPS)
    expected_membranes, expected_spikes = stepped(currents(), neuron)
    torch.testing.assert_close(membranes, expected_membranes, rtol=1e-5, atol=1e-6)
    assert torch.equal(spikes, expected_spikes)
    assert 0.05 < spikes.mean() < 0.95


@pytest.mark.parametrize(("reset", "beta", "threshold"), DYNAMICS)
@pytest.mark.parametrize(("name", "variant"), SURROGATES)
def test_gradients_are_snntorchs(name: str, variant: Variant, reset: Reset, beta: float, threshold: float) -> None:
    """The written-out backward pass equals autograd through snnTorch's cell over the whole trajectory."""
    neuron = Neuron(reset=reset, beta=beta, threshold=threshold, surrogate=name, surrogate_variant=variant)
    ours, theirs = currents().requires_grad_(), currents().requires_grad_()
    gradient = pulled_back(at_once(ours, neuron, STEPS), ours)
    torch.testing.assert_close(gradient, pulled_back(stepped(theirs, neuron), theirs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("reset", "beta", "threshold"), DYNAMICS)
def test_a_constant_current_needs_one_step(reset: Reset, beta: float, threshold: float) -> None:
    """One step stands for ten equal ones, and its gradient is the sum of theirs."""
    neuron = Neuron(reset=reset, beta=beta, threshold=threshold)
    once = currents(steps=1).requires_grad_()
    repeated = currents(steps=1).expand(-1, STEPS, -1, -1).contiguous().requires_grad_()
    short, long = at_once(once, neuron, STEPS), at_once(repeated, neuron, STEPS)
    torch.testing.assert_close(short, long, rtol=0, atol=0)
    torch.testing.assert_close(pulled_back(short, once), pulled_back(long, repeated).sum(1, keepdim=True), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["atan", "gate", "sigmoid"])  # a kernel, one that computes membranes again, torch's own operations
@pytest.mark.parametrize(("reset", "beta"), [("subtract", 1.0), ("zero", 0.9)])
@pytest.mark.parametrize("steps", [1, STEPS])
def test_a_membrane_may_start_above_nothing(name: str, reset: Reset, beta: float, steps: int) -> None:
    """Membranes, spikes and gradients are those of snnTorch's cell whose first membrane is handed to it; readouts start from nothing."""
    neuron = Neuron(reset=reset, beta=beta, threshold=0.8, start=0.5, surrogate=name)
    ours, theirs = currents(steps=steps).requires_grad_(), currents(steps=steps).requires_grad_()
    repeated = theirs.expand(-1, STEPS, -1, -1)
    spikes, (membranes, expected) = layer_of(2, neuron, STEPS)(ours), stepped(repeated, neuron)
    assert torch.equal(spikes, expected)
    assert not torch.equal(expected, stepped(repeated, neuron.model_copy(update={"start": 0.0}))[1])
    torch.testing.assert_close(at_once(ours, neuron, STEPS)[0], membranes, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(pulled_back((spikes,), ours), pulled_back((expected,), theirs), rtol=1e-4, atol=1e-4)
    read = [Readout(Model(neuron=neuron.model_copy(update={"start": start}), time_steps=STEPS)) for start in (0.0, 0.5)]
    assert torch.equal(read[0](ours), read[1](ours))


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("reset", get_args(Reset))
def test_either_output_may_stand_alone(reset: Reset, part: int) -> None:
    """A hidden layer uses spikes only and a readout membranes only; the gradient that is not there counts as zero."""
    neuron = Neuron(reset=reset)
    ours, theirs = currents().requires_grad_(), currents().requires_grad_()
    (gradient,) = torch.autograd.grad(at_once(ours, neuron, STEPS)[part].square().sum(), ours)
    (expected,) = torch.autograd.grad(stepped(theirs, neuron)[part].square().sum(), theirs)
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("reset", "beta"), list(product(get_args(Reset), (1.0, 0.9, 0.0))))
def test_membrane_gradient_is_the_finite_difference(reset: Reset, beta: float) -> None:
    """Between spikes the membrane is linear in the current, so that its gradient needs no surrogate and no reference."""
    neuron = Neuron(reset=reset, beta=beta)
    x = currents(steps=5)[:, :, :1].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda current: at_once(current, neuron, 5)[0], (x,), fast_mode=False)


def test_a_membrane_at_the_threshold_does_not_spike() -> None:
    """Spikes are strict: U > threshold, as snnTorch's code has it and its documentation has not."""
    current = torch.tensor([1.0, 1.0 + 2**-23, 1.0 - 2**-24]).view(1, 1, 3)
    _, spikes = at_once(current, Neuron(threshold=1.0), 1)
    assert spikes.flatten().tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(("reset", "expected"), [("subtract", [0.75, 1.5, 1.25, 1.0, 1.75]), ("zero", [0.75, 1.5, 0.75, 1.5, 0.75])])
def test_an_integrator_worked_out_by_hand(reset: Reset, expected: list[float]) -> None:
    """Three quarters a step and no leak: the reset comes one step after the spike, by one threshold or to nothing."""
    membranes, spikes = at_once(torch.full((1, 1, 1), 0.75), Neuron(beta=1.0, reset=reset), 5)
    assert membranes.flatten().tolist() == expected
    assert spikes.flatten().tolist() == [float(membrane > 1) for membrane in expected]


def test_models_do_not_touch() -> None:
    """A model's trajectory is the same alone and beside another."""
    neuron = Neuron()
    together, alone = at_once(currents(), neuron, STEPS), at_once(currents()[1:], neuron, STEPS)
    for all_models, one in zip(together, alone, strict=True):
        assert torch.equal(all_models[1:], one)


@pytest.mark.parametrize(("reset", "beta", "threshold"), DYNAMICS)
@pytest.mark.parametrize(("name", "variant"), SURROGATES)
def test_hidden_layers_are_snntorchs(name: str, variant: Variant, reset: Reset, beta: float, threshold: float) -> None:
    """The layer that hidden neurons run through (a fused kernel on a CPU) sends snnTorch's spikes and hands back its gradients."""
    neuron = Neuron(reset=reset, beta=beta, threshold=threshold, surrogate=name, surrogate_variant=variant)
    ours, theirs = currents().requires_grad_(), currents().requires_grad_()
    spikes, expected = layer_of(2, neuron, STEPS)(ours), stepped(theirs, neuron)[1]
    assert torch.equal(spikes, expected)
    gradient, expected_gradient = pulled_back((spikes,), ours), pulled_back((expected,), theirs)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("reset", get_args(Reset))
def test_hidden_layers_take_a_constant_current(reset: Reset) -> None:
    """One step stands for ten equal ones here too, across more neurons than a kernel handles at once."""
    neuron = Neuron(reset=reset)
    once = (torch.randn(2, 1, 9, 300, generator=torch.Generator().manual_seed(5)) * 0.7).requires_grad_()
    repeated = once.detach().expand(-1, STEPS, -1, -1).contiguous().requires_grad_()
    short, long = layer_of(2, neuron, STEPS)(once), stepped(repeated, neuron)[1]
    assert torch.equal(short, long)
    expected = pulled_back((long,), repeated).sum(1, keepdim=True)
    torch.testing.assert_close(pulled_back((short,), once), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "variant"), SURROGATES)
def test_spikes_in_bfloat16_are_the_same_spikes(name: str, variant: Variant) -> None:
    """Half the memory changes no spike; gradients keep two digits."""
    neuron = Neuron(surrogate=name, surrogate_variant=variant)
    narrow, wide = currents().requires_grad_(), currents().requires_grad_()
    spikes, expected = layer_of(2, neuron, STEPS, kind=torch.bfloat16)(narrow), layer_of(2, neuron, STEPS)(wide)
    assert torch.equal(spikes.float(), expected)
    assert spikes.dtype == torch.bfloat16
    torch.testing.assert_close(pulled_back((spikes.float(),), narrow), pulled_back((expected,), wide), rtol=0.05, atol=0.05)


@pytest.mark.parametrize(("reset", "beta"), [("zero", 1.0), ("subtract", 1.0), ("zero", 0.9), ("subtract", 0.5)])
def test_neurons_that_accumulate_never_fire(reset: Reset, beta: float) -> None:
    """Logits are what has leaked in at the end over the steps, however far above the threshold, static or not; gradients are linear."""
    read = Readout(Model(neuron=Neuron(reset=reset, beta=beta, threshold=0.1), time_steps=STEPS, readout="accumulated"))
    decay = torch.tensor([beta ** (STEPS - 1 - t) for t in range(STEPS)]).view(1, -1, 1, 1) / STEPS
    for current in (currents(scale=3.0), currents(steps=1)):
        ours, theirs = current.clone().requires_grad_(), current.clone().requires_grad_()
        logits, expected = read(ours), (theirs * decay).sum(dim=1)
        torch.testing.assert_close(logits, expected)
        torch.testing.assert_close(pulled_back((logits,), ours), pulled_back((expected,), theirs))
