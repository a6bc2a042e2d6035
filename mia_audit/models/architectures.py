"""Architectures as lists of layers: a description that the network is built from, and nothing else."""

from dataclasses import dataclass

from mia_audit.errors import CatalogueError, RecipeError, nearest
from mia_audit.recipe import Model

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Conv:
    """A convolution with bias, stride 1."""

    channels: int
    kernel: int
    padding: int


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Maximum over squares of `size` by `size`; what does not fill a square is dropped."""

    size: int


@dataclass(frozen=True, kw_only=True)
class Fire:
    """Neurons: ReLU in an ANN, leaky integrate-and-fire in a spiking network."""


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A dense layer with bias; images are flattened, channels last."""

    features: int


Layer = Conv | Pool | Fire | Linear


def layers(model: Model, classes: int) -> tuple[Layer, ...]:
    """Return the layers of a resolved model; the last one gives the logits (or the readout neurons' current)."""
    builders = {"mlp": _mlp, "conv": _conv}
    if model.architecture not in builders:
        raise CatalogueError(f"unknown architecture {model.architecture!r}{nearest(model.architecture, builders)}")
    return (*builders[model.architecture](model), Linear(features=classes))


def shapes(stack: tuple[Layer, ...], shape: Shape) -> tuple[Shape, ...]:
    """Return each layer's output shape, (features,) or (height, width, channels), for an input of this shape."""
    found: list[Shape] = []
    for layer in stack:
        shape = _shape_after(layer, shape)
        found.append(shape)
    return tuple(found)


def _mlp(model: Model) -> tuple[Layer, ...]:
    return tuple(layer for width in model.hidden or () for layer in (Linear(features=width), Fire()))


def _conv(model: Model) -> tuple[Layer, ...]:
    if not model.channels:
        raise RecipeError("architecture conv needs channels, got none; use --set model.channels=[8,16], or architecture mlp for a table")
    kernel, padding = model.kernel or 3, model.padding if model.padding is not None else 1
    return tuple(
        layer for width in model.channels for layer in (Conv(channels=width, kernel=kernel, padding=padding), Pool(size=2), Fire())
    )


def _shape_after(layer: Layer, shape: Shape) -> Shape:
    if isinstance(layer, Linear):
        return (layer.features,)
    if isinstance(layer, Fire):
        return shape
    if len(shape) != 3:
        raise RecipeError(f"a convolution or pooling layer needs an image (height, width, channels), got {shape}; use architecture mlp")
    height, width, channels = shape
    if isinstance(layer, Conv):
        shrink = layer.kernel - 1 - 2 * layer.padding
        after = (height - shrink, width - shrink, layer.channels)
    else:
        after = (height // layer.size, width // layer.size, channels)
    if min(after) < 1:
        raise RecipeError(f"{layer} needs a larger image than {shape}; use fewer layers, a smaller kernel or more padding")
    return after
