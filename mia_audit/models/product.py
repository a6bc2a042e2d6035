"""Rows times the matrices of K models, with a way back that writes weight gradients as weights lie in memory.

torch's own way back through `rows @ weights^T` gives the transposed gradient, which then has to be turned around, entry by
entry: for a wide layer and small batches that took longer than all products together. In bfloat16 on a CPU the numbers are the
same to the bit; in float32 they are not, and layers leave those to torch.
"""

from typing import Any

import torch

from mia_audit.models import narrow
from mia_audit.models.axes import Matrices, Products, Rows


class Product(torch.autograd.Function):
    """Rows [K, N, in] and weights [K, out, in] -> sums [K, N, out] in their type."""

    @staticmethod
    def forward(ctx: Any, rows: Rows, weight: Matrices) -> Products:
        """Multiply."""
        ctx.save_for_backward(rows, weight if ctx.needs_input_grad[0] else None)
        return narrow.bmm(rows, weight.transpose(1, 2))

    @staticmethod
    def backward(ctx: Any, grad: Products) -> tuple[Rows | None, Matrices | None]:
        """Return the gradients of rows and of weights, where somebody asks for them."""
        rows, weight = ctx.saved_tensors
        back = None if weight is None else narrow.bmm(grad, weight)
        return back, narrow.bmm(grad.transpose(1, 2), rows) if ctx.needs_input_grad[1] else None
