"""What an answer costs, as an operation-count estimate: multiplications of the teacher against additions of the spiking network.

The teacher multiplies and accumulates once for each connection. In a spiking network every spike is added along the connections of its
neuron: spikes times fan-out, a pooled spike at the fan-out of the place that it is pooled into. The first layer has values for input, which
it multiplies: once where the input is the same at every step, at every step otherwise. Memory, leaks and resets are not counted, so that no
chip consumes this: it is what the literature compares.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mia_audit.models.architectures import layers, walk
from mia_audit.models.shapes import Shape
from mia_audit.recipe import Model
from mia_audit.recipe.layers import Conv, Linear
from mia_audit.types import Floats

PICOJOULES: Mapping[str, tuple[float, float]] = {"32-bit float": (4.6, 0.9), "32-bit integer": (3.2, 0.1)}
"""Of a multiplication with accumulation, and of an addition, at 45 nm (Horowitz 2014, ISSCC)."""


class Sums(NamedTuple):
    """A layer with weights: multiplications for one example, and values that enter it."""

    macs: int
    inputs: int


def sums(model: Model, classes: int, shape: Shape) -> tuple[Sums, ...]:
    """Return the layers with weights of a network, in order."""
    walked = walk(layers(model, classes), shape)
    return tuple(_sums(layer, before, after) for layer, before, after in walked if isinstance(layer, Conv | Linear))


def additions(counted: tuple[Sums, ...], spikes: Floats) -> Floats:
    """Return the additions of one example up to each step [T], of spikes [layers, T] of each layer of neurons up to it."""
    fan_outs = np.array([each.macs / each.inputs for each in counted[1:]])
    total: Floats = fan_outs @ spikes
    return total


def gain(counted: tuple[Sums, ...], spikes: Floats, *, static: bool) -> dict[str, Floats]:
    """Return by how many times the spiking network costs less than the teacher, at each number of steps [T], for each pair of constants."""
    added = additions(counted, spikes)
    found = {}
    for name, (mac, addition) in PICOJOULES.items():
        first = counted[0].macs * mac * (1 if static else 1 + _steps(added))
        found[name] = sum(each.macs for each in counted) * mac / (first + added * addition)
    return found


def _steps(added: Floats) -> Floats:
    """Return the steps that have gone by before each, [T]."""
    return np.arange(len(added), dtype=np.float64)


def _sums(layer: Conv | Linear, before: Shape, after: Shape) -> Sums:
    inputs = math.prod(before)
    each = inputs if isinstance(layer, Linear) else before[-1] * layer.kernel**2
    return Sums(macs=math.prod(after) * each, inputs=inputs)
