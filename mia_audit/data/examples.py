"""The examples of an audit as its models see them: images from 0 to 1, tables standardised on the pool."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mia_audit.data import bundled, files, vision
from mia_audit.data.checking import require_sound
from mia_audit.data.deal import deal
from mia_audit.data.own import reading
from mia_audit.data.profiles import Profile, profile
from mia_audit.data.source import Source, Split
from mia_audit.paths import cache
from mia_audit.recipe import Recipe
from mia_audit.types import Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Examples:
    """What the models of an audit see: inputs float32 [N, *shape] and labels int64 [N], three times; and what calibrates quantizers.

    pool_positions    where the pool's examples stand in the data set's training part as stored, [N]
    stored            how many examples that part has
    repeated          how many examples of the test set stand in that part too
    """

    profile: Profile
    class_names: tuple[str, ...]
    pool_inputs: Floats
    pool_labels: Ints
    population_inputs: Floats
    population_labels: Ints
    test_inputs: Floats
    test_labels: Ints
    calibration_inputs: Floats
    pool_positions: Ints
    stored: int | None = None
    repeated: int = 0

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over all inputs and labels, in order."""
        state = hashlib.sha256()
        for inputs, labels in self._parts():
            state.update(f"{inputs.shape};".encode())
            state.update(np.asarray(inputs, dtype="<f4").tobytes())
            state.update(np.asarray(labels, dtype="<i8").tobytes())
        state.update(np.asarray(self.calibration_inputs, dtype="<f4").tobytes())
        return state.hexdigest()

    def _parts(self) -> tuple[tuple[Floats, Ints], ...]:
        return (
            (self.pool_inputs, self.pool_labels),
            (self.population_inputs, self.population_labels),
            (self.test_inputs, self.test_labels),
        )


def default_root() -> Path:
    """Return the folder where data sets are kept when the user names none."""
    return cache() / "data"


def load(
    recipe: Recipe,
    *,
    root: Path | None,
    offline: bool,
    progress: vision.Progress,
    fetch: vision.Fetch = vision.download,
) -> Examples:
    """Return the examples that a resolved recipe asks for; equal recipes are dealt equal examples."""
    dataset = profile(recipe.data.dataset)
    how = Reading(root=root, offline=offline, progress=progress, fetch=fetch, steps=recipe.model.time_steps)
    source = read(dataset, recipe.data.dataset, how)
    require_sound(source, dataset)
    dealt = deal(source, recipe)
    zero, unit = _standard(dealt.pool) if dataset.kind == "table" else (np.float32(0), np.float32(source.white))
    return Examples(
        profile=dataset,
        class_names=source.class_names,
        pool_inputs=_scaled(dealt.pool, zero, unit),
        pool_labels=dealt.pool.labels,
        population_inputs=_scaled(dealt.population, zero, unit),
        population_labels=dealt.population.labels,
        test_inputs=_scaled(dealt.test, zero, unit),
        test_labels=dealt.test.labels,
        calibration_inputs=_scaled(dealt.calibration, zero, unit),
        pool_positions=dealt.positions,
        stored=source.train.labels.size,
        repeated=dealt.repeated,
    )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Where data sets lie and how they come there; `steps` is how finely events are cut in time."""

    root: Path | None
    offline: bool
    progress: vision.Progress
    fetch: vision.Fetch = vision.download
    steps: int = 1


def read(dataset: Profile, name: str, how: Reading) -> Source:
    """Return a whole data set, by the reader that its card names."""
    if dataset.source == "bundled":
        return bundled.read(dataset)
    if dataset.source == "own":
        return reading.read(name)
    if dataset.source == "files":
        return files.read(dataset, root=how.root or default_root(), steps=how.steps)
    return vision.read(dataset, root=how.root or default_root(), offline=how.offline, progress=how.progress, fetch=how.fetch)


def _standard(pool: Split) -> tuple[Floats, Floats]:
    zero, unit = pool.inputs.mean(axis=0), pool.inputs.std(axis=0)
    return zero, np.where(unit > 0, unit, 1.0)


def _scaled(split: Split, zero: Floats | np.float32, unit: Floats | np.float32) -> Floats:
    return ((split.inputs - zero) / unit).astype(np.float32)
