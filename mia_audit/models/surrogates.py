"""Surrogate gradients: what replaces dS/dU, the derivative of a spike with respect to the membrane.

x = U - threshold. Each surrogate exists in its textbook form and as snnTorch 1.0.0 computes it
(`snntorch/surrogate.py`); for three of the five the two agree. A surrogate never enters the forward pass.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mia_audit.models.names import check_surrogate

Slope = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Surrogate:
    """A surrogate: two functions of x = U - threshold, each giving the slope at every x, in x's shape and type.

    codes: the numbers of the textbook and the snnTorch form among the CPU kernels (`kernels.py`).
    """

    name: str
    textbook: Slope
    snntorch: Slope
    codes: tuple[int, int]

    def slope(self, variant: str) -> Slope:
        """Return the slope function of one variant, "textbook" or "snntorch"."""
        return self.snntorch if variant == "snntorch" else self.textbook

    def code(self, variant: str) -> int:
        """Return the CPU kernel's number of one variant."""
        return self.codes[variant == "snntorch"]


def _atan(x: Tensor) -> Tensor:
    """1 / (1 + (pi x)^2): alpha = 2, peak 1, area 1."""
    return (x * math.pi).square_().add_(1).reciprocal_()


def _fast_sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + 25 |x|)^2: peak 1, area 0.08."""
    return x.abs().mul_(25).add_(1).square_().reciprocal_()


def _escape(x: Tensor) -> Tensor:
    """exp(-|x|): centred at the threshold, peak 1, area 2."""
    return x.abs().neg_().exp_()


def _escape_snntorch(x: Tensor) -> Tensor:
    """25 exp(-|x - 1|): snnTorch subtracts 1 from an x that is shifted already, so the peak lies at threshold + 1; area 50."""
    return (x - 1).abs_().neg_().exp_().mul_(25)


def _triangle(x: Tensor) -> Tensor:
    """max(0, 1 - |x|): peak 1, area 1."""
    return x.abs().neg_().add_(1).clamp_(min=0)


def _triangle_snntorch(x: Tensor) -> Tensor:
    """+1 below the threshold, -1 from it on: no triangle, and the sign flips."""
    return torch.where(x < 0, 1.0, -1.0).to(x.dtype)


SURROGATES: tuple[Surrogate, ...] = (
    Surrogate(name="atan", textbook=_atan, snntorch=_atan, codes=(0, 0)),
    Surrogate(name="fast-sigmoid", textbook=_fast_sigmoid, snntorch=_fast_sigmoid, codes=(1, 1)),
    Surrogate(name="sre", textbook=_escape, snntorch=_escape_snntorch, codes=(2, 3)),
    Surrogate(name="ste", textbook=torch.ones_like, snntorch=torch.ones_like, codes=(4, 4)),
    Surrogate(name="triangular", textbook=_triangle, snntorch=_triangle_snntorch, codes=(5, 6)),
)


def surrogate(name: str) -> Surrogate:
    """Return a surrogate by name; CatalogueError names the nearest one."""
    check_surrogate(name)
    return next(known for known in SURROGATES if known.name == name)
