"""A small DP-SGD to be broken on purpose: a network that is unrolled over time, per-example gradients, clipping, noise, a sampler.

Not the engine that trains targets, but a plain second way to do the same, in NumPy: every part is a function that a fault replaces
(`dp_faults_list`), and whatever offers the same two things can take its place: `rows` of a step (the sampler), and `step` (the release).
Canaries enter as per-example gradients, before clipping.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mia_audit.privacy.stated import Stated
from mia_audit.types import Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Public constants: the same for every model, whoever its members are.

    batch     examples a step holds on average; sums are divided by it
    capacity  rows that a step has room for; the rest is padding
    """

    sigma: float = 1.0
    clip: float = 1.0
    batch: int = 20
    pool: int = 400
    fraction: float = 0.5
    steps: int = 40
    time_steps: int = 5
    features: int = 4
    hidden: int = 5
    classes: int = 3
    rate_of_learning: float = 0.5

    @property
    def rate(self) -> float:
        """The probability of being in a step."""
        return self.batch / (self.pool * self.fraction)

    @property
    def epoch(self) -> int:
        """Steps an epoch."""
        return max(1, round(1 / self.rate))

    @property
    def capacity(self) -> int:
        """Six standard deviations above the mean batch."""
        return self.batch + math.ceil(6 * math.sqrt(self.batch))

    @property
    def tensors(self) -> tuple[int, ...]:
        """Parameters of each tensor: weights and biases of two layers."""
        return self.hidden * self.features, self.hidden, self.classes * self.hidden, self.classes

    @property
    def parameters(self) -> int:
        """All of them."""
        return sum(self.tensors)

    def claim(self, delta: float = 1e-5) -> Stated:
        """Return what such a training claims."""
        return Stated(noise_multiplier=self.sigma, rate=self.rate, steps=self.steps, delta=delta)


@dataclass(frozen=True, kw_only=True)
class Where:
    """Which model, and which of its steps."""

    seed: int
    model: int
    step: int


def _clipped(gradients: Floats, setting: Setting) -> Floats:
    """Return each example's gradient [rows, parameters], summed over time [rows, time, parameters] and then scaled to R at most."""
    return scaled(gradients.sum(axis=1), setting.clip)


def scaled(sums: Floats, clip: float) -> Floats:
    """Return rows [rows, parameters] with a norm of at most R."""
    norms = np.sqrt(np.einsum("np,np->n", sums, sums))
    found: Floats = sums * np.minimum(1.0, clip / np.maximum(norms, 1e-300))[:, None]
    return found


def _summed(rows: Floats, setting: Setting) -> Floats:  # noqa: ARG001  faults look at the setting
    total: Floats = rows.sum(axis=0)
    return total


def _noise(setting: Setting, where: Where) -> Floats:
    rng = np.random.Generator(np.random.Philox(key=(where.seed << 80) + (where.model << 40) + where.step))  # cheap to begin
    drawn: Floats = setting.sigma * setting.clip * rng.standard_normal(setting.parameters)
    return drawn


def _released(total: Floats, noise: Floats, realised: int, setting: Setting) -> Floats:  # noqa: ARG001  a fault looks at what it had
    update: Floats = (total + noise) / setting.batch
    return update


def _weights(real: Floats) -> Floats:
    return real


def _rows(setting: Setting, members: Ints, where: Where) -> Ints:
    rng = np.random.default_rng([where.seed, where.model, where.step, 1])
    rows: Ints = members[rng.random(members.size) < setting.rate]
    return rows


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The parts of a DP-SGD, each a function; sound as they stand.

    rows      who is in a step: (setting, members, where) -> places
    clipped   (gradients [rows, time, parameters], setting) -> [rows, parameters]
    weights   (1 for rows, 0 for padding) -> what each counts
    summed    ([rows, parameters], setting) -> [parameters]
    noise     (setting, where) -> [parameters]
    released  (sum, noise, realised rows, setting) -> [parameters]
    """

    rows: Callable[[Setting, Ints, Where], Ints] = _rows
    clipped: Callable[[Floats, Setting], Floats] = _clipped
    weights: Callable[[Floats], Floats] = _weights
    summed: Callable[[Floats, Setting], Floats] = _summed
    noise: Callable[[Setting, Where], Floats] = _noise
    released: Callable[[Floats, Floats, int, Setting], Floats] = _released

    def step(self, gradients: Floats, setting: Setting, where: Where) -> Floats:
        """Return the release [parameters] of a step on so many rows' gradients [rows, time, parameters], padded to capacity."""
        count = len(gradients)
        room = max(setting.capacity, count)
        real = (np.arange(room) < count).astype(np.float64)
        rows = np.where(real > 0, np.arange(room), 0)
        held = self.clipped(gradients, setting)[rows] if count else np.zeros((room, setting.parameters))
        total = self.summed(held * self.weights(real)[:, None], setting)
        return self.released(total, self.noise(setting, where), count, setting)


@dataclass(frozen=True, kw_only=True)
class Data:
    """Inputs [examples, time, features] and labels [examples]: three clouds."""

    inputs: Floats
    labels: Ints

    @classmethod
    def drawn(cls, setting: Setting, examples: int, seed: int) -> "Data":
        """Return so many examples of three clouds."""
        rng = np.random.default_rng([seed, 2])
        labels = rng.integers(setting.classes, size=examples)
        centres = rng.normal(size=(setting.classes, setting.features))
        inputs = centres[labels][:, None] + rng.normal(size=(examples, setting.time_steps, setting.features))
        return cls(inputs=inputs, labels=labels)


@dataclass(kw_only=True)
class Network:
    """Two layers over time, tanh between; logits are the mean over time. Parameters are one flat vector."""

    setting: Setting
    flat: Floats = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def begun(cls, setting: Setting, seed: int) -> "Network":
        """Return a network whose parameters are drawn."""
        return cls(setting=setting, flat=0.3 * np.random.default_rng([seed, 3]).normal(size=setting.parameters))

    def _parts(self) -> tuple[Floats, Floats, Floats, Floats]:
        ends = np.cumsum(self.setting.tensors)
        first, bias, second, last = np.split(self.flat, ends[:-1])
        return first.reshape(self.setting.hidden, -1), bias, second.reshape(self.setting.classes, -1), last

    def loss(self, inputs: Floats, labels: Ints) -> Floats:
        """Return the cross-entropy of each example, [examples]."""
        _, logs = self._forward(inputs)
        losses: Floats = -logs[np.arange(labels.size), labels]
        return losses

    def _forward(self, inputs: Floats) -> tuple[Floats, Floats]:
        first, bias, second, last = self._parts()
        hidden = np.tanh(inputs @ first.T + bias)
        logits = (hidden @ second.T + last).mean(axis=1)
        logits -= logits.max(axis=1, keepdims=True)
        return hidden, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def gradients(self, inputs: Floats, labels: Ints) -> Floats:
        """Return each example's gradient, [examples, time, parameters]: what each step in time adds to it."""
        hidden, logs = self._forward(inputs)
        examples, times = inputs.shape[:2]
        out = np.exp(logs)
        out[np.arange(examples), labels] -= 1
        out /= times
        inner = (out @ self._parts()[2])[:, None] * (1 - hidden**2)
        parts = (
            inner[..., None] * inputs[:, :, None, :],
            inner,
            out[:, None, :, None] * hidden[:, :, None, :],
            np.broadcast_to(out[:, None], (examples, times, out.shape[1])),
        )
        return np.concatenate([part.reshape(examples, times, -1) for part in parts], axis=2)
