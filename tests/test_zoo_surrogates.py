"""The zoo's surrogates beyond snnTorch's five: parameters, areas, noise; through neurons as through their formulas."""

import itertools
import math
from typing import Any

import pytest
import torch
from scipy.integrate import quad

from mia_audit.audit.request.options import Options, describe
from mia_audit.errors import RecipeError
from mia_audit.models import surrogates
from mia_audit.models.passage import Passage
from mia_audit.models.spiking import dynamics
from mia_audit.models.surrogates import SURROGATES, surrogate
from mia_audit.recipe import Neuron
from tests.support.engine import layer_of, stepped

FINITE = ("atan", "fast-sigmoid", "sigmoid", "sre", "triangular", "gate", "sech2", "gaussian", "sfs")
OTHER: dict[str, dict[str, float]] = {
    "atan": {"surrogate_slope": 3.0},
    "fast-sigmoid": {"surrogate_slope": 10.0},
    "sigmoid": {"surrogate_slope": 4.0},
    "sre": {"surrogate_slope": 2.0, "surrogate_height": 3.0},
    "triangular": {"surrogate_width": 0.5},
    "gate": {"surrogate_width": 2.0},
    "sech2": {"surrogate_slope": 0.5},
    "gaussian": {"surrogate_width": 1.5},
    "sfs": {"surrogate_slope": 5.0, "surrogate_bound": 0.2},
}


def currents() -> torch.Tensor:
    """Return random currents [2, 6, 3, 5]."""
    return torch.randn(2, 6, 3, 5, generator=torch.Generator().manual_seed(7)) * 0.7 + 0.3


def integral(neuron: Neuron) -> float:
    """Return the area under a neuron's slope, by quadrature around its corners."""
    slope = dynamics(neuron).slope
    corners = (-math.inf, -1, -0.5, -0.25, 0, 0.2, 0.25, 0.5, 1, math.inf)
    pieces = itertools.pairwise(corners)
    return sum(quad(lambda x: slope(torch.tensor([x], dtype=torch.float64)).item(), *ends, limit=200)[0] for ends in pieces)


@pytest.mark.parametrize("name", FINITE)
def test_areas_are_what_quadrature_finds(name: str) -> None:
    """The closed form holds for default and for other parameters, and a unit area is one."""
    for own in ({}, OTHER[name]):
        neuron = Neuron.model_validate({"surrogate": name, **own})
        assert integral(neuron) == pytest.approx(surrogates.area(neuron), rel=1e-4)
        assert integral(neuron.model_copy(update={"surrogate_area": 1.0})) == pytest.approx(1, rel=1e-4)


def test_every_surrogate_of_finite_area_is_known() -> None:
    """The others are refused by name."""
    infinite = {known.name for known in SURROGATES} - set(FINITE)
    assert infinite == {"ste", "lso", "sso"}
    for name in infinite:
        with pytest.raises(RecipeError, match=f"--surrogate-area needs a surrogate of finite area, got {name}"):
            surrogates.check_neuron(Neuron(surrogate=name, surrogate_area=1.0))
    with pytest.raises(RecipeError, match=r"got triangular \(snntorch\), whose area is infinite"):
        surrogates.check_neuron(Neuron(surrogate="triangular", surrogate_variant="snntorch", surrogate_area=1.0))


@pytest.mark.parametrize("name", ["sigmoid", "gate", "sech2", "gaussian", "lso", "sfs"])
@pytest.mark.parametrize(("reset", "beta"), [("subtract", 0.95), ("zero", 0.6)])
def test_layers_send_back_what_a_cell_at_a_time_does(name: str, reset: Any, beta: float) -> None:
    """Spikes and gradients of a hidden layer equal snnTorch's cell, one step after the other, with the same slope."""
    neuron = Neuron(surrogate=name, reset=reset, beta=beta)
    ours, theirs = currents().requires_grad_(), currents().requires_grad_()
    spikes, expected = layer_of(2, neuron, 6)(ours), stepped(theirs, neuron)[1]
    assert torch.equal(spikes, expected)
    wanted = torch.randn(spikes.shape, generator=torch.Generator().manual_seed(8))
    (gradient,), (reference,) = torch.autograd.grad((spikes * wanted).sum(), ours), torch.autograd.grad((expected * wanted).sum(), theirs)
    torch.testing.assert_close(gradient, reference, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["atan", "sre", "fast-sigmoid"])
def test_an_area_scales_a_one_step_gradient(name: str) -> None:
    """With one step the gradient is the slope, so that it grows with the area; the spikes do not change."""
    gradients = []
    for area in (None, surrogates.area(Neuron(surrogate=name)) * 3):
        x = currents()[:, :1].requires_grad_()
        spikes = layer_of(2, Neuron(surrogate=name, surrogate_area=area), 1)(x)
        gradients.append(torch.autograd.grad(spikes.sum(), x)[0])
    torch.testing.assert_close(gradients[1], gradients[0] * 3, rtol=1e-4, atol=1e-5)


def test_sigmoid_is_finite_far_out() -> None:
    """Where snnTorch's sigmoid is NaN, the slope is zero."""
    slopes = surrogate("sigmoid").slope("snntorch")(torch.tensor([-1e4, -4.0, 4.0, 1e4]))
    assert torch.equal(slopes, torch.zeros(4).where(slopes.abs() < 1e-30, slopes))
    assert torch.isfinite(slopes).all()


def test_the_stochastic_operator_draws_from_each_models_stream() -> None:
    """Below the threshold the slope is noise within a tenth of zero, the same for the same stream and another for another."""
    layer = layer_of(2, Neuron(surrogate="sso", beta=0.0), 6)

    def slopes(*seeds: int) -> torch.Tensor:
        x = currents().requires_grad_()
        noise = [torch.Generator().manual_seed(seed) for seed in seeds]
        spikes = layer(x, Passage(noise=noise, counts=(3, 2)))
        return torch.where(spikes > 0, 0.0, torch.autograd.grad(spikes.sum(), x)[0])

    one, again, other = slopes(1, 2), slopes(1, 2), slopes(1, 3)
    assert torch.equal(one, again)
    assert torch.equal(one[0], other[0])
    assert not torch.equal(one[1], other[1])
    assert one.abs().max() <= 0.1
    assert len(one.unique()) > 50


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.neuron.surrogate": "gate", "model.neuron.surrogate_slope": 2.0}, "surrogate gate .* takes no surrogate_slope; its para"),
        ({"model.neuron.surrogate_slope": -1.0}, "'surrogate_slope': input should be greater than or equal to 0, got -1.0"),
        ({"model.neuron.surrogate_slope": 0.0}, "surrogate atan needs a slope above 0, got 0; its default is 2.0"),
        ({"model.neuron.surrogate": "lso", "model.neuron.surrogate_slope": 1.5}, "surrogate lso needs a slope from 0 to below 1, got 1.5"),
        ({"model.neuron.surrogate_area": 0.0}, "'surrogate_area': input should be greater than 0"),
        ({"model.neuron.surrogat_width": 1.0}, "unknown key 'surrogat_width'; did you mean 'surrogate_width'"),
        ({"model.time_steps": 0}, "'time_steps': input should be greater than 0, got 0"),
    ],
)
def test_parameters_out_of_range_are_refused(changes: dict[str, object], message: str) -> None:
    """Before anything is computed, with the way out."""
    with pytest.raises(RecipeError, match=message):
        describe("snn", Options(settings=changes))
