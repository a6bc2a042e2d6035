"""The plan of a population: which models train together, and under which key each cohort is stored.

A cohort's size changes floating-point results, so it follows from the recipe and the device type by a fixed rule and
never from the machine; benchmarks set the rule.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from mia_audit.data.profiles import Profile, profile
from mia_audit.models import architectures
from mia_audit.recipe import Recipe, filled
from mia_audit.recipe.differing import NOT_STORED, fields
from mia_audit.training.processor import processor
from mia_audit.training.store import key_of
from mia_audit.types import Bools

LIBRARIES = ("torch", "brevitas", "numba", "numpy")
"""Whose versions determine a trained model: the engine's, its kernels' compiler, and what draws batches and coins."""

ENGINE_VERSION = "3"  # raised whenever a change of the engine changes a trained model
_LARGEST = {"cpu": 16, "cuda": 256}
_ACTIVATIONS = {"cpu": 2**24, "cuda": 2**31}  # activation values of one training step, over all models of a cohort


@dataclass(frozen=True, kw_only=True)
class Task:
    """A cohort to be trained: the models' indices, their coins, the result's key, and the processor it is for.

    It is what travels to a worker, one for each piece of work: recipe and examples are what all share, and go there once. So coins are
    packed, eight to a byte.
    """

    indices: tuple[int, ...]
    coins: bytes
    pool: int
    key: str
    processor: str

    @property
    def rows(self) -> Bools:
        """Membership rows [K, pool]."""
        packed = np.frombuffer(self.coins, dtype=np.uint8).reshape(len(self.indices), -1)
        return np.unpackbits(packed, axis=1, count=self.pool).astype(np.bool_)


def task(indices: tuple[int, ...], rows: Bools, key: str, kind: str) -> Task:
    """Return the task of models with membership rows [K, pool], for a kind of processor."""
    return Task(indices=indices, coins=np.packbits(rows, axis=1).tobytes(), pool=rows.shape[1], key=key, processor=kind)


def cohort_size(recipe: Recipe, device_type: str) -> int:
    """Return how many models train together: a power of two that keeps a step's activations within a fixed budget."""
    values = activations_per_example(recipe) * filled(recipe.training.batch_size)
    fits = max(1, _ACTIVATIONS[device_type] // values)
    return int(min(_LARGEST[device_type], 2 ** int(np.log2(fits))))


def activations_per_example(recipe: Recipe) -> int:
    """Return how many activation values one example has in one model, over all layers and time steps."""
    return sum(int(np.prod(shape)) for shape in layer_shapes(recipe)) * recipe.model.time_steps


def layer_shapes(recipe: Recipe) -> tuple[tuple[int, ...], ...]:
    """Return every layer's output shape, channels last, those inside residual blocks included."""
    dataset = profile(recipe.data.dataset)
    return tuple(after for _, _, after in architectures.walk(architectures.layers(recipe.model, dataset.classes), input_shape(dataset)))


def input_shape(dataset: Profile) -> tuple[int, ...]:
    """Return the shape of one example as the engine holds it: (features,) or (height, width, channels)."""
    return dataset.channels_last


def tasks(recipe: Recipe, rows: Bools, data_sha256: str, device_type: str) -> tuple[Task, ...]:
    """Cut a population with membership rows [models, pool] into cohorts; earlier ones do not move when models are added."""
    size = cohort_size(recipe, device_type)
    starts = range(0, len(rows), size)
    facts = {
        "engine": ENGINE_VERSION,
        "libraries": libraries(),
        "device": device_type,
        "processor": processor(device_type),
        "data": data_sha256,
        "recipe": fields(recipe, NOT_STORED),
    }
    return tuple(_task(facts, rows, tuple(range(start, min(start + size, len(rows))))) for start in starts)


def libraries() -> dict[str, str]:
    """Return the versions that determine a trained model."""
    return {name: version(name) for name in LIBRARIES}


def _task(facts: Mapping[str, Any], rows: Bools, indices: tuple[int, ...]) -> Task:
    own = rows[list(indices)]
    coins = hashlib.sha256(np.packbits(own).tobytes()).hexdigest()
    return task(indices, own, key_of({**facts, "indices": indices, "membership": coins}), str(facts["processor"]))
