"""Conversion, slow and obvious: one model, one image, one step at a time, thresholds kept apart from weights, in float64."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from mia_audit.audit.request.options import Options, describe
from mia_audit.conversion.balancing import ABOVE
from mia_audit.conversion.folding import Weights, build_plain
from mia_audit.models.network import Population
from mia_audit.recipe import Recipe
from mia_audit.recipe.layers import Conv, Fire, GlobalAverage, Layer, Linear, Pool
from mia_audit.training.lockstep import Pool as Examples
from mia_audit.training.lockstep import build
from mia_audit.types import Floats

SHAPE, CLASSES = (6, 6, 2), 3
TINY: dict[str, Any] = {
    "data.pool": 60, "data.population": 20, "data.test": 100, "model.width": 0.05, "model.time_steps": 6, "training.epochs": 2,
    "training.batch_size": 8, "training.precision": "fp32", "conversion.images": 10, "conversion.steps": 7,
}  # fmt: skip
LAYERS: tuple[dict[str, Any], ...] = (
    {"kind": "conv", "channels": 3},
    {"kind": "norm"},
    {"kind": "fire"},
    {"kind": "pool", "of": "average"},
    {"kind": "conv", "channels": 4, "bias": False, "padding": 0},
    {"kind": "fire"},
    {"kind": "dropout", "rate": 0.2},
    {"kind": "linear", "features": 5},
    {"kind": "fire"},
)

SIMPLE: tuple[dict[str, Any], ...] = (
    {"kind": "conv", "channels": 4, "bias": False},
    {"kind": "fire"},
    {"kind": "pool", "of": "average"},
    {"kind": "linear", "features": 24, "bias": False},
    {"kind": "fire"},
)


def asked(target: str = "converted-snn-noise", dataset: str = "digits", **changes: Any) -> Recipe:
    """Return a resolved recipe of a small conversion."""
    plain = {"model.time_steps", "conversion.images", "conversion.steps"} if target == "ann-teacher" else set[str]()
    tiny = {name: value for name, value in TINY.items() if name not in plain}
    settings = {**tiny, **{key.replace("__", "."): value for key, value in changes.items()}}
    return describe(target, Options(dataset=dataset, settings=settings))


def spelled_out(**changes: Any) -> Recipe:
    """Return the recipe of a small network that has everything in it that can be converted."""
    base = {
        "model__architecture": "layers",
        "model__layers": LAYERS,
        "model__width": 1.0,
        "model__norm": "batch",
        "model__output_bias": True,
    }
    return asked(**{**base, **changes})


def teachers(recipe: Recipe, models: int = 2, shape: tuple[int, ...] = SHAPE, classes: int = CLASSES) -> Population:
    """Return teachers with random weights, biases and statistics of norms."""
    blank = Examples(inputs=np.zeros((1, *shape), dtype=np.float32), labels=np.zeros(1, dtype=np.int64), classes=classes)
    population = build(recipe.teacher, tuple(range(models)), blank).eval()
    generator = torch.Generator().manual_seed(5)
    for name, value in population.state_dict().items():
        if "running_var" in name:
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        elif "bias" in name or "running_mean" in name:
            value.copy_(torch.randn(value.shape, generator=generator) * 0.2)
    return population.requires_grad_(requires_grad=False)


def plain(recipe: Recipe, weights: list[Weights], shape: tuple[int, ...] = SHAPE, classes: int = CLASSES) -> Population:
    """Return the same as ordinary networks without norms."""
    return build_plain(recipe, shape, classes, weights)


@dataclass
class Slow:
    """One converted network: weights as the teacher has them, a threshold for each layer of neurons.

    blind  measure thresholds with predecessors that do not spike but send what the teacher's ReLU sends: the fault of skipping a step
    """

    stack: Sequence[Layer]
    weights: Sequence[tuple[Floats, Floats | None]]
    start: float = 0.0
    blind: bool = False
    _known: dict[Any, Floats] = field(default_factory=dict)

    def balance(self, codes: Sequence[Floats], percentile: float = 100.0) -> list[float]:
        """Return thresholds for images as they enter, each [T, H, W, C]."""
        thetas: list[float] = []
        for depth in range(len(self.weights) - 1):
            reached = np.concatenate([self._currents(code, thetas, depth).ravel() for code in codes])
            ordered = np.sort(reached)[::-1]
            thetas.append(float(ordered[int(ordered.size * (100 - percentile) / 100 + 1e-6)]) * ABOVE)
        return thetas

    def run(self, code: Floats, thetas: Sequence[float]) -> tuple[Floats, list[float]]:
        """Return logits after the last step on the teacher's scale, and each layer's spikes."""
        gathered = self._currents(code, thetas, len(self.weights) - 1).sum(axis=0)
        spikes = [float(self._spikes(code, thetas, depth).sum()) for depth in range(len(thetas))]
        return gathered / len(code) * float(np.prod(thetas)), spikes

    def _currents(self, code: Floats, thetas: Sequence[float], depth: int) -> Floats:
        """Return what reaches the neurons behind weights number `depth`, [T, ...]; spikes of the layer before stand for 1."""
        sent = self._sent(code, thetas, depth)
        weight, bias = self.weights[depth]
        scale = float(np.prod(thetas[:depth])) if depth and not self.blind else 1.0
        shift = 0.0 if bias is None else bias / scale
        found = []
        for step in sent:
            each = step
            for layer in self._between(depth):
                each = _summed(layer, each, weight) + shift if isinstance(layer, Conv | Linear) else _without_weights(layer, each)
            found.append(each)
        return np.stack(found)

    def _sent(self, code: Floats, thetas: Sequence[float], depth: int) -> Floats:
        if depth == 0:
            return code
        if self.blind:
            return np.maximum(self._currents(code, thetas, depth - 1), 0)
        return self._spikes(code, thetas, depth - 1)

    def _spikes(self, code: Floats, thetas: Sequence[float], depth: int) -> Floats:
        known = (code.tobytes(), tuple(thetas[: depth + 1]))
        if known not in self._known:
            self._known[known] = self._fired(self._currents(code, thetas, depth), thetas[depth])
        return self._known[known]

    def _fired(self, currents: Floats, theta: float) -> Floats:
        membrane = np.full(currents.shape[1:], self.start * theta)
        found = []
        for current in currents:
            membrane = membrane + current
            fired = membrane > theta
            membrane = membrane - theta * fired
            found.append(fired.astype(np.float64))
        return np.stack(found)

    def _between(self, depth: int) -> list[Layer]:
        """Return the layers from the neurons before these weights to the neurons behind them."""
        parts: list[list[Layer]] = [[]]
        for layer in self.stack:
            if isinstance(layer, Fire):
                parts.append([])
            else:
                parts[-1].append(layer)
        return parts[depth]


def _summed(layer: Layer, x: Floats, weight: Floats) -> Floats:
    if isinstance(layer, Linear):
        return np.asarray(weight @ x.ravel())
    assert isinstance(layer, Conv)
    image = torch.from_numpy(np.moveaxis(x, -1, 0)).unsqueeze(0)
    return np.moveaxis(F.conv2d(image, torch.from_numpy(weight), padding=layer.padding, stride=layer.stride)[0].numpy(), 0, -1)


def _without_weights(layer: Layer, x: Floats) -> Floats:
    if isinstance(layer, GlobalAverage):
        return np.asarray(x.mean(axis=(0, 1)))
    if isinstance(layer, Pool):
        image = torch.from_numpy(np.moveaxis(x, -1, 0)).unsqueeze(0)
        return np.moveaxis(F.avg_pool2d(image, layer.size, layer.every)[0].numpy(), 0, -1)
    return x


def one(weights: Sequence[Weights], model: int) -> list[tuple[Floats, Floats | None]]:
    """Return one model's weights and biases in float64."""
    return [(own.weight[model].double().numpy(), None if own.bias is None else own.bias[model].double().numpy()) for own in weights]
