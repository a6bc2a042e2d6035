"""A network in words: every layer with its shape and its parameters, computed from the description, without torch."""

from collections.abc import Iterator
from dataclasses import dataclass

from mia_audit.models.shapes import Shape, after, bypass
from mia_audit.recipe import Model
from mia_audit.recipe.layers import Conv, Dropout, Fire, GlobalAverage, Layer, Linear, Norm, Pool, Residual


@dataclass(frozen=True, kw_only=True)
class Line:
    """One layer: what it is, how deep inside residual blocks it stands, the shape behind it, and its parameters."""

    text: str
    depth: int
    shape: Shape
    parameters: int


def lines(model: Model, stack: tuple[Layer, ...], shape: Shape, depth: int = 0) -> Iterator[Line]:
    """Yield a line for each layer of a resolved model; a residual block's body stands below it, one deeper."""
    for layer in stack:
        behind = after(layer, shape)
        yield Line(text=_said(model, layer), depth=depth, shape=behind, parameters=_own(model, layer, shape))
        if isinstance(layer, Residual):
            yield from lines(model, layer.body, shape, depth + 1)
            if (shortcut := bypass(layer, shape)) is not None:
                norms = tuple(inner for inner in layer.body if isinstance(inner, Norm))[-1:]
                for line in lines(model, (shortcut, *norms), shape, depth + 1):
                    yield Line(text=f"shortcut: {line.text}", depth=line.depth, shape=line.shape, parameters=line.parameters)
        shape = behind


def parameters(model: Model, stack: tuple[Layer, ...], shape: Shape) -> int:
    """Return how many weights, biases, scales and shifts one model learns; quantizers' scales apart."""
    return sum(line.parameters for line in lines(model, stack, shape))


def _own(model: Model, layer: Layer, shape: Shape) -> int:
    match layer:
        case Conv():
            return layer.channels * (shape[-1] * layer.kernel**2 + layer.bias)
        case Linear():
            inputs = 1
            for side in shape:
                inputs *= side
            return layer.features * (inputs + layer.bias)
        case Norm() if layer.over not in {None, "none"}:
            return 2 * shape[-1] * (model.time_steps if layer.over == "batch-per-step" else 1)
        case _:
            return 0


def _said(model: Model, layer: Layer) -> str:  # noqa: PLR0911  one line a layer
    match layer:
        case Conv():
            extras = (f", stride {layer.stride}" if layer.stride > 1 else "") + ("" if layer.bias else ", no bias")
            return f"convolution {layer.kernel} x {layer.kernel}, padding {layer.padding}{extras}"
        case Linear():
            return "dense" if layer.bias else "dense, no bias"
        case Pool():
            return f"{layer.of} pooling {layer.size} x {layer.size}, every {layer.every}"
        case GlobalAverage():
            return "mean over the image"
        case Norm():
            return f"group norm, {layer.groups} groups" if layer.over == "group" else f"{(layer.over or 'no').replace('-', ' ')} norm"
        case Dropout():
            return f"dropout {layer.rate:g}"
        case Residual():
            return "residual: input plus"
        case Fire():
            return _neurons(model, layer)


def _neurons(model: Model, layer: Fire) -> str:
    neuron = model.neuron
    if neuron is None or layer.activation is not None:
        return layer.activation or model.activation
    kind = "integrate and fire" if neuron.beta == 1 else f"leaky integrate and fire, beta {neuron.beta:g}"
    return f"{kind}, reset {neuron.reset}, {neuron.surrogate}"
