"""Small trained networks in great number: one population on digits, in lockstep through the engine, kept for the session."""

import functools
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.null_audits import Models
from mia_audit.audit.options import Options, describe
from mia_audit.audit.prepared import gather
from mia_audit.data import design
from mia_audit.data.examples import load
from mia_audit.training import plan, schedule
from mia_audit.training.material import material
from mia_audit.training.store import Store

MODELS = 336
SETTINGS = {"data.dataset": "digits", "data.pool": 300, "training.epochs": 30, "model.architecture": "mlp", "model.hidden": [32]}


@functools.cache
def population(seed: int = 0, models: int = MODELS) -> Models:
    """Return a population of small networks on 300 digits, each on coins of its own; another seed deals other digits too."""
    recipe = describe("ann", Options(settings=SETTINGS, seed=seed))
    examples = load(recipe, root=None, offline=True, progress=lambda _: None)
    rows = design.membership(recipe, models)
    tasks = plan.tasks(recipe, rows, examples.sha256, "cpu")
    machine = schedule.Machine(device="cpu", workers=schedule.default_workers("cpu"), progress=lambda _: None)
    with tempfile.TemporaryDirectory() as folder:
        trained = schedule.run(tasks, material(recipe, examples), Store(folder=Path(folder)), machine)
    bank = gather(trained.cohorts)
    return Models(
        logits=bank.pool.astype(np.float64),
        rows=rows,
        labels=examples.pool_labels,
        features=examples.pool_inputs.reshape(len(rows[0]), -1),
        third=bank.third.astype(np.float64),
        third_labels=examples.population_labels,
        third_features=examples.population_inputs.reshape(len(examples.population_labels), -1),
    )
