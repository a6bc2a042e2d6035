"""The arithmetic a training step cannot do without: multiply-adds of its convolutions and dense layers, from the recipe alone."""

from mia_audit.data.profiles import profile
from mia_audit.models import architectures
from mia_audit.models.architectures import Conv, Layer, Linear, Shape
from mia_audit.recipe import Recipe
from mia_audit.training.plan import input_shape


def flops_per_example(recipe: Recipe) -> float:
    """Return the FLOPs (two a multiply-add) of one example's forward and backward pass in one model.

    A layer costs its forward pass and twice that backward (gradients of weights and of inputs) at every time step. The
    first layer has no gradient of its input, and under direct encoding it sees the same input at every step: it counts once.
    """
    dataset = profile(recipe.data.dataset)
    stack, shape = architectures.layers(recipe.model, dataset.classes), input_shape(dataset)
    total, first = 0.0, True
    for layer, before, after in zip(stack, (shape, *architectures.shapes(stack, shape)), architectures.shapes(stack, shape), strict=False):
        if isinstance(layer, Conv | Linear):
            steps = 1 if first and recipe.model.encoding == "direct" else recipe.model.time_steps
            total += forward_flops(layer, before, after) * steps * (2 if first else 3)
            first = False
    return total


def forward_flops(layer: Layer, before: Shape, after: Shape) -> float:
    """Return the FLOPs of one layer for one example and step."""
    if isinstance(layer, Conv):
        return 2.0 * after[0] * after[1] * layer.channels * before[-1] * layer.kernel**2
    inputs = 1
    for size in before:
        inputs *= size
    return 2.0 * inputs * after[0]
