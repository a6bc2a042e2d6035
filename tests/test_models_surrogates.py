"""Surrogate gradients: what stands in for the slope of a spike, against snnTorch's own code and against closed forms."""

import math
from collections.abc import Callable

import pytest
import torch
from scipy.integrate import quad
from snntorch import surrogate as reference
from torch import Tensor

from mia_audit.errors import CatalogueError
from mia_audit.models.surrogates import SURROGATES, surrogate
from tests.support.engine import POTENTIALS, SNNTORCH

NAMES = tuple(each.name for each in SURROGATES if not each.noisy)  # that one draws its slope: tests/test_zoo_surrogates.py
X = torch.tensor([-40.0, -3.6, -1.0, -0.5, -1e-3, -1e-7, -0.0, 0.0, 1e-7, 1e-3, 0.5, 1.0, 1.0 + 1e-6, 3.6, 40.0])
MANY = torch.cat([X, torch.linspace(-5, 5, 1001)])


def snntorch_gradient(spike: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the slope that one of snnTorch's spike functions hands back at x."""
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(spike(x).sum(), x)
    return slope


def test_names_and_formulas_are_the_same() -> None:
    """Every surrogate is held against something, under the name that it is listed by."""
    assert set(SNNTORCH) < set(NAMES) < set(POTENTIALS) == {each.name for each in SURROGATES}


@pytest.mark.parametrize("name", SNNTORCH)
def test_snntorch_variant_is_snntorchs_gradient(name: str) -> None:
    """At a thousand points, at zero and at the far ends, the slope is the one snnTorch 1.0.0 computes."""
    torch.testing.assert_close(surrogate(name).slope("snntorch")(MANY), snntorch_gradient(SNNTORCH[name](), MANY), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["atan", "fast-sigmoid", "ste"])
def test_three_textbook_forms_are_snntorchs(name: str) -> None:
    """Where snnTorch's code is the textbook form, the variants agree."""
    assert torch.equal(surrogate(name).slope("textbook")(MANY), surrogate(name).slope("snntorch")(MANY))


@pytest.mark.parametrize("name", NAMES)
def test_textbook_form_is_the_derivative_of_its_potential(name: str) -> None:
    """Autograd through the smooth step that the surrogate relaxes gives the slope; the step's own corner at 0 is left out."""
    x = MANY[MANY != 0].double().requires_grad_()
    (slope,) = torch.autograd.grad(POTENTIALS[name](x).sum(), x)
    torch.testing.assert_close(surrogate(name).slope("textbook")(x.detach()), slope, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "variant", "area"),
    [
        ("atan", "textbook", 1.0),
        ("fast-sigmoid", "textbook", 0.08),
        ("sre", "textbook", 2.0),
        ("triangular", "textbook", 1.0),
        ("sre", "snntorch", 50.0),
    ],
)
def test_area_under_the_slope(name: str, variant: str, area: float) -> None:
    """The areas differ by a factor of 600, which a comparison of surrogates must know."""
    slope = surrogate(name).slope(variant)
    halves = [
        quad(lambda x: slope(torch.tensor(x, dtype=torch.float64)).item(), *ends, limit=200)[0] for ends in ((-math.inf, 1), (1, math.inf))
    ]
    assert sum(halves) == pytest.approx(area, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "variant", "values"),
    [
        ("atan", "snntorch", (0.092, 0.288, 1, 0.288, 0.092)),
        ("fast-sigmoid", "snntorch", (0.0015, 0.0055, 1, 0.0055, 0.0015)),
        ("sre", "textbook", (0.368, 0.607, 1, 0.607, 0.368)),
        ("sre", "snntorch", (3.4, 5.6, 9.2, 15.2, 25)),
        ("ste", "textbook", (1, 1, 1, 1, 1)),
        ("triangular", "textbook", (0, 0.5, 1, 0.5, 0)),
        ("triangular", "snntorch", (1, 1, -1, -1, -1)),
    ],
)
def test_values_of_the_published_table(name: str, variant: str, values: tuple[float, ...]) -> None:
    """The values at -1, -1/2, 0, 1/2 and 1 are those worked out by hand from the papers and from snnTorch's code."""
    slopes = surrogate(name).slope(variant)(torch.tensor([-1, -0.5, 0, 0.5, 1.0]))
    torch.testing.assert_close(slopes, torch.tensor(values), rtol=0.02, atol=1e-4, check_dtype=False)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("variant", ["textbook", "snntorch"])
def test_slope_leaves_its_argument_alone(name: str, variant: str) -> None:
    """Membranes are used again after their slope was taken: shape and type come back, the argument is not written."""
    x = torch.linspace(-2, 2, 12, dtype=torch.float64).view(3, 4)
    before = x.clone()
    slope = surrogate(name).slope(variant)(x)
    assert (slope.shape, slope.dtype) == (x.shape, x.dtype)
    assert torch.equal(x, before)


def test_snntorchs_escape_is_reached_by_its_own_defaults() -> None:
    """The reference is built with snnTorch's defaults, not with constants of ours."""
    assert torch.equal(reference.spike_rate_escape()(torch.tensor([0.0, 1e-6])), torch.tensor([0.0, 1.0]))


def test_an_unknown_surrogate_names_the_nearest() -> None:
    """A slip gets the nearest name."""
    with pytest.raises(CatalogueError, match="unknown surrogate 'fast_sigmoid'; did you mean 'fast-sigmoid'"):
        surrogate("fast_sigmoid")
