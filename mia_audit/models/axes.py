"""Shapes of the arrays that layers hand to one another: the axes are named once, and checked in every call while tests run.

K models, T steps (1 where all steps are the same), B examples, places (H, W or none), C channels or features. An axis with the same
name has the same length within a call, results included. Outside tests the names are comments that cost nothing.
"""

from jaxtyping import Bool, Float, Shaped
from torch import Tensor

Batch = Float[Tensor, "K B *rest"]
"""Inputs or numbers, an example each, before time comes in."""

Activations = Float[Tensor, "K T B *places C"]
Maps = Float[Tensor, "K T B H W C"]
Logits = Float[Tensor, "K B classes"]
Each = Float[Tensor, "K B"]
"""One number for each model and example."""

Raw = Float[Tensor, "K out *rest"]
"""Weights of any layer."""

Matrices = Float[Tensor, "K out in"]
Kernels = Float[Tensor, "K out in n n"]
Biases = Float[Tensor, "K out"]
Scales = Float[Tensor, " K"]
Gain = Float[Tensor, " K"] | Float[Tensor, "K out"]
"""What sums are multiplied by: one number a model, or one a model and output channel."""

Rows = Float[Tensor, "K rows in"]
Products = Float[Tensor, "K rows out"]

__all__ = ["Activations", "Batch", "Biases", "Bool", "Each", "Float", "Gain", "Kernels", "Logits", "Maps", "Matrices", "Products", "Raw",
           "Rows", "Scales", "Shaped"]  # fmt: skip
