"""Architectures as lists of layers: a description that the network is built from, and nothing else.

mlp, conv   what the recipe's `hidden` or `channels` say
mlp-1000    one dense layer of 1,000: the network for tables of Moshruba et al. 2024, arXiv:2411.06613, and its 784-1000-10
seed-conv   the image network of the same paper's code: two ReLU convolutions, run once an example, and two dense layers that spike.
            Pooling stands before ReLU, which changes no value
net1, net2  16C8S2-P2S1-32C4S2-P2S1-32-10 and 16C7S1-P2S2-32C4S1-P2S2-32-10 of Wang et al. 2022, arXiv:2205.12718v1; the padding of 3
            in Net1's first layer is inferred from its sizes, and neurons stand before the pooling. The paper's ANN has tanh
vgg5, vgg9, vgg16
            convolutions of PrivateSNN's code (Kim et al. 2022, arXiv:2104.03414v3): 3 x 3 without bias, average pooling of what the
            neurons send, dropout behind neurons that are not pooled. One hidden dense layer: 4,096 in vgg16 as there, 1,024 in
            vgg5 and vgg9 (ours; the code has none for vgg9), with dropout of one half where the recipe asks for dropout at all
resnet18    He et al. 2016, arXiv:1512.03385v1, as usual for small images: torchvision's resnet18 with a 3 x 3 first convolution of
            stride 1 and no pooling behind it. In a spiking network every ReLU is a neuron, so that blocks add currents and spikes
"""

import math
from collections.abc import Callable, Iterator

from mia_audit.errors import CatalogueError, RecipeError, nearest
from mia_audit.models.shapes import Shape, after, shapes, walk
from mia_audit.recipe import Model
from mia_audit.recipe.layers import Conv, Dropout, Fire, GlobalAverage, Layer, Linear, Norm, Pool, Residual

_VGG: dict[str, tuple[tuple[tuple[int, ...], ...], int]] = {
    "vgg5": (((64,), (128, 128)), 1024),
    "vgg9": (((64, 64), (128, 128), (256, 256, 256)), 1024),
    "vgg16": (((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)), 4096),
}
_OWN_FIELDS = {"mlp": {"hidden"}, "conv": {"channels", "kernel", "padding"}, "layers": {"layers"}}


def layers(model: Model, classes: int) -> tuple[Layer, ...]:
    """Return the layers of a resolved model; the last one gives the logits (or the readout neurons' current)."""
    if model.architecture not in BUILDERS:
        raise CatalogueError(f"unknown architecture {model.architecture!r}{nearest(model.architecture, BUILDERS)}")
    _check_fields(model)
    return (*BUILDERS[model.architecture](model), Linear(features=classes, bias=model.output_bias))


def _check_fields(model: Model) -> None:
    """Refuse fields that another architecture reads; a data set fills in `hidden`, `channels`, `kernel` and `padding` of mlp and conv."""
    if model.architecture in {"mlp", "conv"}:
        ignored = ["layers"] if model.layers is not None else []
    else:
        names = sorted(set().union(*_OWN_FIELDS.values()) - _OWN_FIELDS.get(model.architecture, set()))
        ignored = [name for name in names if getattr(model, name) is not None]
    if ignored:
        owner = next(architecture for architecture, fields in _OWN_FIELDS.items() if ignored[0] in fields)
        raise RecipeError(f"architecture {model.architecture} takes no {ignored[0]}; leave it out, or use architecture {owner}")


def _mlp(model: Model) -> Iterator[Layer]:
    for width in model.hidden or ():
        yield from _dense(model, width)


def _wide(model: Model) -> Iterator[Layer]:
    yield from _dense(model, _scaled(model, 1000))


def _conv(model: Model) -> Iterator[Layer]:
    if not model.channels:
        raise RecipeError("architecture conv needs channels, got none; use --set model.channels=[8,16], or architecture mlp for a table")
    kernel, padding = model.kernel or 3, model.padding if model.padding is not None else 1
    for width in model.channels:
        yield Conv(channels=width, kernel=kernel, padding=padding)
        yield from _norm(model)
        yield Pool()
        yield Fire()


def _seed_conv(model: Model) -> Iterator[Layer]:
    for width in (32, 64):
        yield Conv(channels=_scaled(model, width))
        yield from _norm(model)
        yield Pool()
        yield Fire(activation="relu")
    yield from _dense(model, _scaled(model, 1000))


def _net1(model: Model) -> Iterator[Layer]:
    yield from _fired(model, Conv(channels=_scaled(model, 16), kernel=8, padding=3, stride=2), Pool(stride=1))
    yield from _fired(model, Conv(channels=_scaled(model, 32), kernel=4, padding=0, stride=2), Pool(stride=1))
    yield from _dense(model, _scaled(model, 32))


def _net2(model: Model) -> Iterator[Layer]:
    yield from _fired(model, Conv(channels=_scaled(model, 16), kernel=7, padding=0), Pool())
    yield from _fired(model, Conv(channels=_scaled(model, 32), kernel=4, padding=0), Pool())
    yield from _dense(model, _scaled(model, 32))


def _vgg(model: Model) -> Iterator[Layer]:
    blocks, features = _VGG[model.architecture]
    for block in blocks:
        for number, width in enumerate(block, 1):
            dropped = (Dropout(rate=model.dropout),) if model.dropout else ()
            behind = (Pool(of="average"),) if number == len(block) else dropped
            yield from _fired(model, Conv(channels=_scaled(model, width), bias=False), *behind)
    yield Linear(features=_scaled(model, features), bias=False)
    yield from _norm(model)
    yield Fire()
    if model.dropout:
        yield Dropout(rate=0.5)


def _resnet18(model: Model) -> Iterator[Layer]:
    before = 64
    yield from _fired(model, _three(model, before))
    for width in (64, 128, 256, 512):
        for block in range(2):
            stride = 2 if block == 0 and width != before else 1
            inner = (*_fired(model, _three(model, width, stride)), _three(model, width), *_norm(model))
            yield Residual(body=inner)
            yield Fire()
            before = width
    yield GlobalAverage()


def _spelled_out(model: Model) -> Iterator[Layer]:
    if not model.layers:
        raise RecipeError("architecture layers needs [[model.layers]] tables, got none; add one for each layer but the last")
    for layer in model.layers:
        yield _completed(model, layer)


def _completed(model: Model, layer: Layer) -> Layer:
    """Return a spelled-out layer with the model's own normalization where it leaves that open."""
    if isinstance(layer, Residual):
        return Residual(body=tuple(_completed(model, inner) for inner in layer.body))
    if isinstance(layer, Norm):
        return Norm(over=layer.over or model.norm, groups=layer.groups or model.groups)
    return layer


BUILDERS: dict[str, Callable[[Model], Iterator[Layer]]] = {
    "mlp": _mlp,
    "mlp-1000": _wide,
    "conv": _conv,
    "seed-conv": _seed_conv,
    "net1": _net1,
    "net2": _net2,
    "vgg5": _vgg,
    "vgg9": _vgg,
    "vgg16": _vgg,
    "resnet18": _resnet18,
    "layers": _spelled_out,
}


def _three(model: Model, width: int, stride: int = 1) -> Conv:
    """Return a ResNet's 3 x 3 convolution: no bias, since normalization brings its own."""
    return Conv(channels=_scaled(model, width), stride=stride, bias=False)


def _fired(model: Model, conv: Conv, *behind: Layer) -> tuple[Layer, ...]:
    """Return a convolution, the model's normalization, neurons, and what follows them."""
    return (conv, *_norm(model), Fire(), *behind)


def _dense(model: Model, width: int) -> tuple[Layer, ...]:
    return (Linear(features=width), *_norm(model), Fire())


def _norm(model: Model) -> tuple[Norm, ...]:
    return () if model.norm == "none" else (Norm(over=model.norm, groups=model.groups),)


def _scaled(model: Model, width: int) -> int:
    return math.ceil(width * model.width)


__all__ = ["BUILDERS", "Conv", "Fire", "Layer", "Linear", "Pool", "Shape", "after", "layers", "shapes", "walk"]
