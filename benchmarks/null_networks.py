"""Small trained networks in great number, in lockstep through the engine, on digits; the store keeps them.

Two kinds. Plain: fully connected ANNs, cheap, for what is said of whole populations. Probed: spiking networks of which everything is
observed that the catalogue's attacks need: two augmented queries, checkpoints, every probe, two more releases, and shadow models of
three wrong guesses.
"""

import functools
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.null_audits import Models
from benchmarks.table import say
from mia_audit.audit.bank import degrading
from mia_audit.audit.bank.prepared import Bank, Prepared, gather
from mia_audit.audit.request.options import Options
from mia_audit.audit.running import prepare
from mia_audit.audit.watching import Silent
from mia_audit.data import design
from mia_audit.probes import taking
from mia_audit.probes.names import PROBES
from mia_audit.training import plan, schedule
from mia_audit.training.material import material

PROBED_MODELS = 72
SETTINGS: Mapping[str, Any] = {
    "data.dataset": "digits",
    "data.pool": 300,
    "training.epochs": 30,
    "model.architecture": "mlp",
    "model.hidden": [32],
}
OBSERVED: Mapping[str, Any] = {
    **SETTINGS,
    "model.hidden": [32, 16],
    "model.time_steps": 4,
    "data.augment": ["crop"],
    "data.crop_padding": 1,
    "audit.queries": 2,
    "audit.augmented_queries": True,
    "training.checkpoints": [5, 15],
    "audit.releases": [8, 2],
}


@functools.cache
def plain(seed: int, models: int) -> Models:
    """Return ANNs, each on coins of its own; another seed deals other digits too."""
    prepared, machine = _prepared("ann", SETTINGS, seed, models)
    tasks = plan.tasks(prepared.recipe, prepared.rows, prepared.examples.sha256, prepared.device)
    trained = schedule.run(tasks, material(prepared.recipe, prepared.examples), prepared.store, machine)
    return _models(prepared, gather(trained.cohorts))


@functools.cache
def probed(models: int = PROBED_MODELS) -> Models:
    """Return spiking networks with every signal of the catalogue."""
    prepared, machine = _prepared("snn", OBSERVED, 0, models)
    tasks = plan.tasks(prepared.recipe, prepared.rows, prepared.examples.sha256, prepared.device)
    given = material(prepared.recipe, prepared.examples)
    trained = schedule.run(tasks, given, prepared.store, machine)
    bank = gather(trained.cohorts, taking.take(tasks, PROBES, given, prepared.store, machine))
    guessed = degrading.train(prepared, bank, degrading.GUESSES, machine)
    return replace(_models(prepared, bank), guessed={name: each[design.FIRST_SHADOW :] for name, each in guessed.items()})


def _prepared(target: str, settings: Mapping[str, Any], seed: int, models: int) -> tuple[Prepared, schedule.Machine]:
    """Return an audit's preparation with so many shadow models; its target and phantom are left aside later."""
    with tempfile.TemporaryDirectory() as folder:
        options = Options(settings=settings, seed=seed, shadows=models, attacks=("full",), offline=True, device="cpu", out=Path(folder))
        prepared = prepare(target, options, Silent())
    tenths: set[int] = set()

    def progress(share: float) -> None:
        if int(10 * share) not in tenths:
            tenths.add(int(10 * share))
            say(f"  {target}, seed {seed}: {share:.0%}")

    return prepared, schedule.Machine(device="cpu", workers=schedule.default_workers("cpu"), progress=progress)


def _models(prepared: Prepared, bank: Bank) -> Models:
    """Return the shadow models alone."""
    first, examples = design.FIRST_SHADOW, prepared.examples
    return Models(
        logits=bank.pool[first:].astype(np.float64),
        rows=prepared.rows[first:],
        labels=examples.pool_labels,
        features=examples.pool_inputs.reshape(len(examples.pool_labels), -1),
        third=bank.third[first:].astype(np.float64),
        third_labels=examples.population_labels,
        third_features=examples.population_inputs.reshape(len(examples.population_labels), -1),
        signals={name: each[first:] for name, each in bank.signals.items()},
    )
