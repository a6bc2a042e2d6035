"""Surrogate gradients: what replaces dS/dU, the derivative of a spike with respect to the membrane.

x = U - threshold. Each surrogate exists in its textbook form and as snnTorch 1.0.0 computes it (`snntorch/surrogate.py`);
they differ for spike rate escape and the triangle alone. gate, sech2 and gaussian are equations 4 to 6 of Wang et al. 2022,
arXiv:2205.12718v1. A surrogate never enters the forward pass. Departs from snnTorch: its sigmoid overflows below -3.5, and
its `LSO()` cannot be called; both are computed here as meant.

Formulas use a tensor's own methods, so that checking a recipe or listing surrogates needs no torch. The CPU kernels compute
some of them a second time (`kernels/slopes.py`); a test holds the two together.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mia_audit.errors import CatalogueError, RecipeError, nearest
from mia_audit.recipe import Neuron

if TYPE_CHECKING:
    from torch import Tensor

Parameters = Mapping[str, float]
Slope = Callable[["Tensor"], "Tensor"]

PARAMETERS = ("slope", "height", "width", "bound", "mean", "variance")
ATAN, FAST_SIGMOID, ESCAPE, ESCAPE_SNNTORCH, ONES, TRIANGLE, TRIANGLE_SNNTORCH, GATE, SECH2, GAUSSIAN = range(10)
"""What the CPU kernels know a form by."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """One form of a surrogate.

    formula   slopes of x = U - threshold and the parameters, in x's shape and type
    defaults  its parameters and their default values
    area      the area under it, of the parameters; None: infinite
    kernel    its number among the CPU kernels, with default parameters; None: torch computes it
    """

    formula: Callable[["Tensor", Parameters], "Tensor"]
    defaults: Parameters = field(default_factory=dict)
    area: Callable[[Parameters], float] | None = None
    kernel: int | None = None


@dataclass(frozen=True, kw_only=True)
class Surrogate:
    """A surrogate gradient: its textbook form, and snnTorch's where that differs. `noisy` where its slope is drawn while training."""

    name: str
    summary: str
    textbook: Form
    snntorch: Form | None = None
    noisy: bool = False

    def form(self, variant: str) -> Form:
        """Return the form of a variant, "textbook" or "snntorch"."""
        return self.snntorch if variant == "snntorch" and self.snntorch is not None else self.textbook

    def slope(self, variant: str, parameters: Parameters | None = None, scale: float = 1.0) -> Slope:
        """Return the slope function of one variant, times a scale."""
        form = self.form(variant)
        values = form.defaults if parameters is None else parameters
        if scale == 1.0:
            return lambda x: form.formula(x, values)
        return lambda x: form.formula(x, values).mul_(scale)


def _atan(x: "Tensor", p: Parameters) -> "Tensor":
    """Return (a / 2) / (1 + (pi a x / 2)^2): with a = 2, peak 1."""
    half = p["slope"] / 2
    slope = (x * (math.pi * half)).square_().add_(1).reciprocal_()
    return slope if half == 1 else slope.mul_(half)


def _fast_sigmoid(x: "Tensor", p: Parameters) -> "Tensor":
    """1 / (1 + k |x|)^2: peak 1."""
    return x.abs().mul_(p["slope"]).add_(1).square_().reciprocal_()


def _sigmoid(x: "Tensor", p: Parameters) -> "Tensor":
    """Return k s(kx) s(-kx): peak k / 4; no exponential of a large number in it."""
    scaled = x * p["slope"]
    return scaled.sigmoid().mul_((-scaled).sigmoid_()).mul_(p["slope"])


def _escape(x: "Tensor", p: Parameters) -> "Tensor":
    """Return h exp(-b |x|): centred at the threshold."""
    slope = x.abs().mul_(-p["slope"]).exp_()
    return slope if p["height"] == 1 else slope.mul_(p["height"])


def _escape_snntorch(x: "Tensor", p: Parameters) -> "Tensor":
    """Return h exp(-b |x - 1|): snnTorch subtracts 1 from an x that is shifted already, so the peak lies at threshold + 1."""
    return (x - 1).abs_().mul_(-p["slope"]).exp_().mul_(p["height"])


def _ones(x: "Tensor", _: Parameters) -> "Tensor":
    """1 everywhere."""
    return x.new_ones(x.shape)


def _triangle(x: "Tensor", p: Parameters) -> "Tensor":
    """max(0, 1 - |x| / w): peak 1."""
    return x.abs().mul_(-1 / p["width"]).add_(1).clamp_(min=0)


def _triangle_snntorch(x: "Tensor", _: Parameters) -> "Tensor":
    """+1 below the threshold, -1 from it on: no triangle, and the sign flips."""
    return (x < 0).to(x.dtype).mul_(2).sub_(1)


def _gate(x: "Tensor", p: Parameters) -> "Tensor":
    """1 where |x| < w / 2."""
    return (x.abs() < p["width"] / 2).to(x.dtype)


def _sech2(x: "Tensor", p: Parameters) -> "Tensor":
    """sech^2(k x): peak 1."""
    return (x * p["slope"]).cosh_().reciprocal_().square_()


def _gaussian(x: "Tensor", p: Parameters) -> "Tensor":
    """exp(-x^2 / (2 w^2)): peak 1."""
    return x.square().mul_(-1 / (2 * p["width"] ** 2)).exp_()


def _leaky(x: "Tensor", p: Parameters) -> "Tensor":
    """1 where a spike is, k elsewhere."""
    return (x > 0).to(x.dtype).mul_(1 - p["slope"]).add_(p["slope"])


def _sparse(x: "Tensor", p: Parameters) -> "Tensor":
    """1 / (1 + k |x|)^2 where x > B, 0 elsewhere (Perez-Nieves and Goodman 2021, arXiv:2105.08810)."""
    return _fast_sigmoid(x, p).mul_(x > p["bound"])


def _stochastic(x: "Tensor", p: Parameters) -> "Tensor":
    """1 where a spike is, the noise's mean elsewhere: what `noisy` gives on average."""
    below = p["mean"] * p["variance"]
    return (x > 0).to(x.dtype).mul_(1 - below).add_(below)


def noisy(x: "Tensor", drawn: "Tensor", parameters: Parameters) -> "Tensor":
    """Return the stochastic spike operator's slope for u in [0, 1): 1 where a spike is, (u - 1/2 + mean) variance elsewhere."""
    return ((drawn - 0.5 + parameters["mean"]) * parameters["variance"]).masked_fill_(x > 0, 1.0)


SURROGATES: tuple[Surrogate, ...] = (
    Surrogate(
        name="atan",
        summary="arctangent, 1 / (1 + (pi x)^2); snnTorch's default",
        textbook=Form(formula=_atan, defaults={"slope": 2.0}, area=lambda _: 1.0, kernel=ATAN),
    ),
    Surrogate(
        name="fast-sigmoid",
        summary="fast sigmoid, 1 / (1 + 25 |x|)^2",
        textbook=Form(formula=_fast_sigmoid, defaults={"slope": 25.0}, area=lambda p: 2 / p["slope"], kernel=FAST_SIGMOID),
    ),
    Surrogate(
        name="sigmoid",
        summary="sigmoid, 25 s (1 - s) with s = 1 / (1 + exp(-25 x)); snnTorch's overflows, this one does not",
        textbook=Form(formula=_sigmoid, defaults={"slope": 25.0}, area=lambda _: 1.0),
    ),
    Surrogate(
        name="sre",
        summary="spike rate escape, exp(-|x|); snnTorch's variant peaks at threshold + 1 with height 25",
        textbook=Form(formula=_escape, defaults={"slope": 1.0, "height": 1.0}, area=lambda p: 2 * p["height"] / p["slope"], kernel=ESCAPE),
        snntorch=Form(
            formula=_escape_snntorch,
            defaults={"slope": 1.0, "height": 25.0},
            area=lambda p: 2 * p["height"] / p["slope"],
            kernel=ESCAPE_SNNTORCH,
        ),
    ),
    Surrogate(name="ste", summary="straight-through, 1 everywhere", textbook=Form(formula=_ones, kernel=ONES)),
    Surrogate(
        name="triangular",
        summary="triangle, max(0, 1 - |x|); snnTorch's variant is a sign flip, +1 below and -1 above",
        textbook=Form(formula=_triangle, defaults={"width": 1.0}, area=lambda p: p["width"], kernel=TRIANGLE),
        snntorch=Form(formula=_triangle_snntorch, kernel=TRIANGLE_SNNTORCH),
    ),
    Surrogate(
        name="gate",
        summary="gate, 1 where |x| < 1/2 (DPSNN, equation 4)",
        textbook=Form(formula=_gate, defaults={"width": 1.0}, area=lambda p: p["width"], kernel=GATE),
    ),
    Surrogate(
        name="sech2",
        summary="sech^2(x), the derivative of tanh (DPSNN, equation 5)",
        textbook=Form(formula=_sech2, defaults={"slope": 1.0}, area=lambda p: 2 / p["slope"], kernel=SECH2),
    ),
    Surrogate(
        name="gaussian",
        summary="exp(-2 x^2) (DPSNN, equation 6, with the minus sign that it lost)",
        textbook=Form(formula=_gaussian, defaults={"width": 0.5}, area=lambda p: p["width"] * math.sqrt(2 * math.pi), kernel=GAUSSIAN),
    ),
    Surrogate(
        name="lso",
        summary="leaky spike operator, 1 above the threshold and 0.1 below",
        textbook=Form(formula=_leaky, defaults={"slope": 0.1}),
    ),
    Surrogate(
        name="sfs",
        summary="sparse fast sigmoid, 1 / (1 + 25 |x|)^2 where x > 1, else 0",
        textbook=Form(
            formula=_sparse, defaults={"slope": 25.0, "bound": 1.0}, area=lambda p: 1 / (p["slope"] * (1 + p["slope"] * p["bound"]))
        ),
    ),
    Surrogate(
        name="sso",
        summary="stochastic spike operator, 1 above the threshold and noise within 0.1 of 0 below",
        textbook=Form(formula=_stochastic, defaults={"mean": 0.0, "variance": 0.2}),
        noisy=True,
    ),
)


def surrogate(name: str) -> Surrogate:
    """Return a surrogate by name; CatalogueError names the nearest one."""
    known = {each.name: each for each in SURROGATES}
    if name not in known:
        raise CatalogueError(f"unknown surrogate {name!r}{nearest(name, known)}")
    return known[name]


def form_of(neuron: Neuron) -> Form:
    """Return the form of a neuron's surrogate."""
    return surrogate(neuron.surrogate).form(neuron.surrogate_variant)


def parameters(neuron: Neuron) -> dict[str, float]:
    """Return the parameters of a neuron's surrogate."""
    found = form_of(neuron).defaults
    return {name: default if (own := getattr(neuron, f"surrogate_{name}")) is None else own for name, default in found.items()}


def area(neuron: Neuron) -> float:
    """Return the area under a neuron's surrogate, before any normalization."""
    of = form_of(neuron).area
    return math.inf if of is None else of(parameters(neuron))


def scale(neuron: Neuron) -> float:
    """Return the factor that gives a neuron's surrogate the area that the recipe asks for."""
    return 1.0 if neuron.surrogate_area is None else neuron.surrogate_area / area(neuron)


def kernel(neuron: Neuron) -> int | None:
    """Return the CPU kernel's number of a neuron's surrogate; None where torch computes it, as with parameters of one's own."""
    form = form_of(neuron)
    return form.kernel if scale(neuron) == 1.0 and parameters(neuron) == form.defaults else None


def check_neuron(neuron: Neuron) -> None:
    """Raise when a neuron's surrogate is unknown, takes no such parameter, or has no area to set."""
    known = form_of(neuron).defaults
    given = {name for name in PARAMETERS if getattr(neuron, f"surrogate_{name}") is not None}
    for name in sorted(given - set(known)):
        takes = ", ".join(f"surrogate_{each}" for each in known) or "none"
        raise RecipeError(f"surrogate {neuron.surrogate} ({neuron.surrogate_variant}) takes no surrogate_{name}; its parameters: {takes}")
    if neuron.surrogate != "lso" and parameters(neuron).get("slope", 1.0) == 0:
        raise RecipeError(f"surrogate {neuron.surrogate} needs a slope above 0, got 0; its default is {known['slope']}")
    if neuron.surrogate == "lso" and not 0 <= parameters(neuron)["slope"] < 1:
        raise RecipeError(f"surrogate lso needs a slope from 0 to below 1, got {parameters(neuron)['slope']}; its default is 0.1")
    if neuron.surrogate_area is not None and math.isinf(area(neuron)):
        finite = ", ".join(each.name for each in SURROGATES if each.textbook.area is not None)
        raise RecipeError(
            f"--surrogate-area needs a surrogate of finite area, got {neuron.surrogate} ({neuron.surrogate_variant}), whose area is "
            f"infinite; leave it out, or use one of {finite}"
        )
