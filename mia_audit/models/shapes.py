"""The shapes that pass through layers, and the refusal of those that do not fit."""

from collections.abc import Iterator

from mia_audit.errors import RecipeError
from mia_audit.recipe.layers import Conv, Dropout, Fire, GlobalAverage, Layer, Linear, Norm, Pool, Residual

Shape = tuple[int, ...]


def shapes(stack: tuple[Layer, ...], shape: Shape) -> tuple[Shape, ...]:
    """Return each layer's output shape, (features,) or (height, width, channels), for an input of this shape."""
    found: list[Shape] = []
    for layer in stack:
        shape = after(layer, shape)
        found.append(shape)
    return tuple(found)


def walk(stack: tuple[Layer, ...], shape: Shape) -> Iterator[tuple[Layer, Shape, Shape]]:
    """Yield every layer with its input and output shape, those inside a residual first, then the whole of it."""
    for layer in stack:
        if isinstance(layer, Residual):
            yield from walk(layer.body, shape)
            if (shortcut := bypass(layer, shape)) is not None:
                yield shortcut, shape, after(shortcut, shape)
        yield layer, shape, after(layer, shape)
        shape = after(layer, shape)


def after(layer: Layer, shape: Shape) -> Shape:
    """Return the shape behind one layer; RecipeError when the one before it does not fit."""
    match layer:
        case Linear():
            return (layer.features,)
        case Fire() | Dropout():
            return shape
        case Norm():
            return _normalized(layer, shape)
        case Residual():
            bypass(layer, shape)
            return shapes(layer.body, shape)[-1]
        case _:
            return _image_after(layer, shape)


def bypass(residual: Residual, shape: Shape) -> Conv | None:
    """Return the 1 x 1 convolution that takes a residual's input to its body's shape, None where they agree already."""
    target = shapes(residual.body, shape)[-1]
    if target == shape:
        return None
    refusal = RecipeError(
        f"a residual adds its input to its body's output, got shapes {shape} and {target}, which no 1 x 1 convolution joins; "
        f"let the body keep height and width, or divide both by one stride"
    )
    if len(shape) != 3 or len(target) != 3:
        raise refusal
    stride = -(-shape[0] // target[0])
    shortcut = Conv(channels=target[2], kernel=1, padding=0, stride=stride, bias=False)
    if after(shortcut, shape) != target:
        raise refusal
    return shortcut


def _normalized(layer: Norm, shape: Shape) -> Shape:
    groups = layer.groups or 1
    if layer.over == "group" and shape[-1] % groups:
        raise RecipeError(
            f"group norm needs channels that {groups} groups divide, got {shape[-1]} in the shape {shape}; use --set model.groups=1"
        )
    return shape


def _image_after(layer: Conv | Pool | GlobalAverage, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise RecipeError(f"a {layer.kind} layer needs an image (height, width, channels), got {shape}; use architecture mlp")
    height, width, channels = shape
    if isinstance(layer, GlobalAverage):
        return (channels,)
    if isinstance(layer, Conv):
        behind = (*(_slid(side + 2 * layer.padding, layer.kernel, layer.stride) for side in (height, width)), layer.channels)
    else:
        behind = (*(_slid(side, layer.size, layer.every) for side in (height, width)), channels)
    if min(behind) < 1:
        raise RecipeError(f"{_said(layer)} needs a larger image than {shape}, which leaves {behind}; use fewer layers or a smaller kernel")
    return behind


def _slid(side: int, window: int, stride: int) -> int:
    """Return how many places a window has on one side of an image."""
    return (side - window) // stride + 1


def _said(layer: Conv | Pool) -> str:
    if isinstance(layer, Pool):
        return f"{layer.of} pooling over {layer.size} x {layer.size}"
    return f"a convolution of {layer.kernel} x {layer.kernel} with padding {layer.padding}"
