"""What both sides of a benchmark are given: a resolved recipe, its examples, and who is trained on what."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from mia_audit.audit import Options
from mia_audit.audit.request.options import describe
from mia_audit.data import design
from mia_audit.data.examples import default_root, load
from mia_audit.recipe import Recipe
from mia_audit.training.lockstep import Cohort, Pool, train
from mia_audit.training.material import Material, material
from mia_audit.types import Bools, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A population's recipe, examples (channels last) and membership rows [models, pool]."""

    recipe: Recipe
    material: Material
    rows: Bools
    test_labels: Ints

    @property
    def pool(self) -> Pool:
        """The pool as the engine takes it."""
        return Pool(inputs=self.material.pool_inputs, labels=self.material.pool_labels, classes=self.material.classes)

    @property
    def test_inputs(self) -> Floats:
        """The test set, channels last."""
        return self.material.test_inputs


def setting(target: str, dataset: str, models: int, **changes: object) -> Setting:
    """Return a population of `models` of a target; `changes` are recipe fields, dots written as double underscores."""
    settings = {path.replace("__", "."): value for path, value in changes.items()}
    recipe = describe(target, Options(dataset=dataset, settings=settings))
    examples = load(recipe, root=data_root(), offline=True, progress=lambda _: None)
    return Setting(
        recipe=recipe, material=material(recipe, examples), rows=design.membership(recipe, models), test_labels=examples.test_labels
    )


def data_root() -> Path:
    """Return the folder of real data sets."""
    return Path(os.environ.get("MIA_AUDIT_DATA") or default_root())


def one_thread() -> None:
    """Make this process what a worker process is: one thread, denormals flushed. The other side gets both for nothing."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def clock_of(device: torch.device) -> Callable[[], float]:
    """Return the clock of a benchmark with one thread: CPU seconds, which other work on the machine leaves alone; on a GPU wall seconds."""
    if device.type != "cuda":
        return time.process_time

    def wall() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return wall


def warmed_up(chosen: Setting, device: torch.device) -> None:
    """Train a small cohort for an epoch: what is loaded or compiled once on a machine is not a training's cost."""
    brief = chosen.recipe.model_copy(update={"training": chosen.recipe.training.model_copy(update={"epochs": 1})})
    few = Pool(inputs=chosen.pool.inputs[:256], labels=chosen.pool.labels[:256], classes=chosen.pool.classes)
    train(brief, Cohort(indices=(0, 1), rows=chosen.rows[:2, :256]), few, device, lambda _: None)
