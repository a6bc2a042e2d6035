"""Ways to break DP-SGD, each a patch of one part of the harness; and one that only looks like a fault."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from benchmarks.dp_harness import Engine, Setting, Where, scaled
from mia_audit.types import Floats, Ints

SOUND = Engine()


def _none(setting: Setting, where: Where) -> Floats:  # noqa: ARG001
    return np.zeros(setting.parameters)


def _again(setting: Setting, where: Where) -> Floats:
    quiet: Floats = SOUND.noise(setting, where) / setting.batch
    return quiet


def _half(setting: Setting, where: Where) -> Floats:
    quiet: Floats = SOUND.noise(setting, where) / 2
    return quiet


def _shared(setting: Setting, where: Where) -> Floats:
    drawn: Floats = SOUND.noise(setting, replace(where, model=0))
    return drawn


def _reseeded(setting: Setting, where: Where) -> Floats:
    drawn: Floats = SOUND.noise(setting, replace(where, step=where.step % setting.epoch))
    return drawn


def _whole(gradients: Floats, setting: Setting) -> Floats:  # noqa: ARG001
    rows: Floats = gradients.sum(axis=1)
    return rows


def _batch_clipped(rows: Floats, setting: Setting) -> Floats:
    total: Floats = scaled(rows.sum(axis=0, keepdims=True), setting.clip)[0]
    return total


def _mean_clipped(rows: Floats, setting: Setting) -> Floats:
    total: Floats = setting.batch * scaled(rows.sum(axis=0, keepdims=True) / setting.batch, setting.clip)[0]
    return total


def _by_first_norm(gradients: Floats, setting: Setting) -> Floats:
    norms = np.linalg.norm(gradients[:, 0], axis=1)
    rows: Floats = gradients.sum(axis=1) * np.minimum(1.0, setting.clip / np.maximum(norms, 1e-300))[:, None]
    return rows


def _first_alone(gradients: Floats, setting: Setting) -> Floats:
    return scaled(gradients[:, 0], setting.clip)


def _all_but(gradients: Floats, setting: Setting, left_out: tuple[int, ...]) -> Floats:
    ends = np.cumsum((0, *setting.tensors))
    free = np.zeros(setting.parameters, dtype=bool)
    for tensor in left_out:
        free[ends[tensor] : ends[tensor + 1]] = True
    rows = gradients.sum(axis=1)
    return np.where(free, rows, scaled(np.where(free, 0.0, rows), setting.clip))


def _layer_free(gradients: Floats, setting: Setting) -> Floats:
    return _all_but(gradients, setting, (2,))


def _biases_free(gradients: Floats, setting: Setting) -> Floats:
    return _all_but(gradients, setting, (1, 3))


def _by_realised(total: Floats, noise: Floats, realised: int, setting: Setting) -> Floats:  # noqa: ARG001
    update: Floats = (total + noise) / max(1, realised)
    return update


def _by_members(setting: Setting, members: Ints, where: Where) -> Ints:
    rng = np.random.default_rng([where.seed, where.model, where.step, 1])
    rows: Ints = members[rng.random(members.size) < setting.batch / members.size]
    return rows


def _all_count(real: Floats) -> Floats:
    return np.ones_like(real)


def _in_order(setting: Setting, members: Ints, where: Where) -> Ints:
    order = members[np.random.default_rng([where.seed, where.model, 1]).permutation(members.size)]
    place = where.step % setting.epoch
    rows: Ints = np.array_split(order, setting.epoch)[place]
    return rows


FAULTS: Mapping[str, Engine] = {
    "noise forgotten": Engine(noise=_none),
    "noise scaled by 1 / B twice": Engine(noise=_again),
    "noise halved": Engine(noise=_half),
    "one draw for all models": Engine(noise=_shared),
    "noise reseeded every epoch": Engine(noise=_reseeded),
    "clipping per batch": Engine(clipped=_whole, summed=_batch_clipped),
    "clipping after averaging": Engine(clipped=_whole, summed=_mean_clipped),
    "norm from one step while T are summed": Engine(clipped=_by_first_norm),
    "one layer unclipped": Engine(clipped=_layer_free),
    "biases unclipped": Engine(clipped=_biases_free),
    "division by the realised batch": Engine(released=_by_realised),
    "q from the member count": Engine(rows=_by_members),
    "padding counted": Engine(weights=_all_count),
    "Poisson claimed, fixed order done": Engine(rows=_in_order),
}

DECOY = Engine(clipped=_first_alone)
"""Gradient and norm both from the first step: little is learnt, and nothing is leaked."""
