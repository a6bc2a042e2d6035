"""Surrogate gradients: what replaces dS/dU, the derivative of a spike with respect to the membrane.

x = U - threshold. Each surrogate exists in its textbook form and as snnTorch 1.0.0 computes it (`snntorch/surrogate.py`);
they differ for spike rate escape and the triangle alone. gate, sech2 and gaussian are equations 4 to 6 of Wang et al. 2022,
arXiv:2205.12718v1. A surrogate never enters the forward pass. Departs from snnTorch: its sigmoid overflows below -3.5, and
its `LSO()` cannot be called; both are computed here as meant.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mia_audit.models.names import Parameters, check_surrogate, defaults

Slope = Callable[[Tensor], Tensor]
Formula = Callable[[Tensor, Parameters], Tensor]


@dataclass(frozen=True, kw_only=True)
class Surrogate:
    """A surrogate: two functions of x = U - threshold, each giving the slope at every x, in x's shape and type.

    codes: the numbers of the textbook and the snnTorch form, with default parameters, among the CPU kernels (`kernels.py`);
    None where torch computes the slope.
    """

    name: str
    textbook: Formula
    snntorch: Formula
    codes: tuple[int, int] | None = None

    def slope(self, variant: str, parameters: Parameters | None = None, scale: float = 1.0) -> Slope:
        """Return the slope function of one variant, "textbook" or "snntorch", times a scale."""
        formula = self.snntorch if variant == "snntorch" else self.textbook
        values = defaults(self.name, variant) if parameters is None else parameters
        if scale == 1.0:
            return lambda x: formula(x, values)
        return lambda x: formula(x, values).mul_(scale)

    def code(self, variant: str) -> int | None:
        """Return the CPU kernel's number of one variant, if it has one."""
        return None if self.codes is None else self.codes[variant == "snntorch"]


def _atan(x: Tensor, p: Parameters) -> Tensor:
    """Return (a / 2) / (1 + (pi a x / 2)^2): with a = 2, peak 1; area 1 whatever a."""
    half = p["slope"] / 2
    slope = (x * (math.pi * half)).square_().add_(1).reciprocal_()
    return slope if half == 1 else slope.mul_(half)


def _fast_sigmoid(x: Tensor, p: Parameters) -> Tensor:
    """1 / (1 + k |x|)^2: peak 1, area 2 / k (0.08 with k = 25)."""
    return x.abs().mul_(p["slope"]).add_(1).square_().reciprocal_()


def _sigmoid(x: Tensor, p: Parameters) -> Tensor:
    """Return k s(kx) s(-kx): peak k / 4, area 1; no exponential of a large number in it."""
    scaled = x * p["slope"]
    return torch.sigmoid(scaled).mul_(torch.sigmoid(-scaled)).mul_(p["slope"])


def _escape(x: Tensor, p: Parameters) -> Tensor:
    """Return h exp(-b |x|): centred at the threshold, area 2 h / b."""
    slope = x.abs().mul_(-p["slope"]).exp_()
    return slope if p["height"] == 1 else slope.mul_(p["height"])


def _escape_snntorch(x: Tensor, p: Parameters) -> Tensor:
    """Return h exp(-b |x - 1|): snnTorch subtracts 1 from an x that is shifted already, so the peak lies at threshold + 1."""
    return (x - 1).abs_().mul_(-p["slope"]).exp_().mul_(p["height"])


def _ones(x: Tensor, _: Parameters) -> Tensor:
    """1 everywhere."""
    return torch.ones_like(x)


def _triangle(x: Tensor, p: Parameters) -> Tensor:
    """max(0, 1 - |x| / w): peak 1, area w."""
    return x.abs().mul_(-1 / p["width"]).add_(1).clamp_(min=0)


def _triangle_snntorch(x: Tensor, _: Parameters) -> Tensor:
    """+1 below the threshold, -1 from it on: no triangle, and the sign flips."""
    return torch.where(x < 0, 1.0, -1.0).to(x.dtype)


def _gate(x: Tensor, p: Parameters) -> Tensor:
    """1 where |x| < w / 2: area w."""
    return (x.abs() < p["width"] / 2).to(x.dtype)


def _sech2(x: Tensor, p: Parameters) -> Tensor:
    """sech^2(k x): peak 1, area 2 / k."""
    return torch.cosh(x * p["slope"]).reciprocal_().square_()


def _gaussian(x: Tensor, p: Parameters) -> Tensor:
    """exp(-x^2 / (2 w^2)): peak 1, area w sqrt(2 pi)."""
    return x.square().mul_(-1 / (2 * p["width"] ** 2)).exp_()


def _leaky(x: Tensor, p: Parameters) -> Tensor:
    """1 where a spike is, k elsewhere; infinite area."""
    return (x > 0).to(x.dtype).mul_(1 - p["slope"]).add_(p["slope"])


def _sparse(x: Tensor, p: Parameters) -> Tensor:
    """1 / (1 + k |x|)^2 where x > B, 0 elsewhere: area 1 / (k (1 + k B)) (Perez-Nieves and Goodman 2021, arXiv:2105.08810)."""
    return _fast_sigmoid(x, p).mul_(x > p["bound"])


def _stochastic(x: Tensor, p: Parameters) -> Tensor:
    """1 where a spike is, the noise's mean elsewhere: what `noisy` gives on average."""
    below = p["mean"] * p["variance"]
    return (x > 0).to(x.dtype).mul_(1 - below).add_(below)


def noisy(x: Tensor, drawn: Tensor, parameters: Parameters) -> Tensor:
    """Return the stochastic spike operator's slope for u in [0, 1): 1 where a spike is, (u - 1/2 + mean) variance elsewhere."""
    return torch.where(x > 0, 1.0, (drawn - 0.5 + parameters["mean"]) * parameters["variance"])


SURROGATES: tuple[Surrogate, ...] = (
    Surrogate(name="atan", textbook=_atan, snntorch=_atan, codes=(0, 0)),
    Surrogate(name="fast-sigmoid", textbook=_fast_sigmoid, snntorch=_fast_sigmoid, codes=(1, 1)),
    Surrogate(name="sigmoid", textbook=_sigmoid, snntorch=_sigmoid),
    Surrogate(name="sre", textbook=_escape, snntorch=_escape_snntorch, codes=(2, 3)),
    Surrogate(name="ste", textbook=_ones, snntorch=_ones, codes=(4, 4)),
    Surrogate(name="triangular", textbook=_triangle, snntorch=_triangle_snntorch, codes=(5, 6)),
    Surrogate(name="gate", textbook=_gate, snntorch=_gate),
    Surrogate(name="sech2", textbook=_sech2, snntorch=_sech2),
    Surrogate(name="gaussian", textbook=_gaussian, snntorch=_gaussian),
    Surrogate(name="lso", textbook=_leaky, snntorch=_leaky),
    Surrogate(name="sfs", textbook=_sparse, snntorch=_sparse),
    Surrogate(name="sso", textbook=_stochastic, snntorch=_stochastic),
)


def surrogate(name: str) -> Surrogate:
    """Return a surrogate by name; CatalogueError names the nearest one."""
    check_surrogate(name)
    return next(known for known in SURROGATES if known.name == name)
