"""What all models answer, each at the stage that the recipe asks for.

Without a conversion, a population is trained and asked. With one, it is trained as teachers, and then either all models are converted
(`audit.shadow_stage = "own"`), or the target and the phantom target alone: shadow models stay the teachers that they are, whose answers
the audit has anyway. Controls and numbers that compare models with one another look at all of them at one stage, the teachers'.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mia_audit.audit.bank.prepared import TOLD, Bank, gather
from mia_audit.conversion import running
from mia_audit.conversion.stages import converted
from mia_audit.data import design
from mia_audit.data.examples import Examples
from mia_audit.probes import taking
from mia_audit.probes.names import probes_for
from mia_audit.recipe import Recipe
from mia_audit.training import plan, schedule
from mia_audit.training.material import material
from mia_audit.training.store import Store, Tensors
from mia_audit.types import Bools, Floats

_OF_TRAINING = ("pool/trained_on", "pool/fed")


@dataclass(frozen=True, kw_only=True)
class Staging:
    """A population to be trained, converted where the recipe says so, and asked: models of membership rows [K, N], and signals by name."""

    recipe: Recipe
    examples: Examples
    rows: Bools
    wanted: frozenset[str]
    store: Store
    machine: schedule.Machine

    def tasks(self) -> tuple[plan.Task, ...]:
        """Return the cohorts that are trained."""
        return plan.tasks(self.recipe.teacher, self.rows, self.examples.sha256, self.machine.device)

    def train(self) -> schedule.Trained:
        """Train them, those that the store lacks."""
        return schedule.run(self.tasks(), material(self.recipe.teacher, self.examples), self.store, self.machine)

    def convert(self, models: Iterable[int]) -> tuple[Tensors, ...]:
        """Return what converted models answer, those of these numbers, as a trained cohort holds it."""
        tasks, given = self.tasks(), material(self.recipe, self.examples)
        jobs = running.jobs(self.recipe, tasks, frozenset(models))
        found = running.run(jobs, given, self.store, self.machine)
        taught = {task.key: self.store.load(task.key) or {} for task in tasks}
        return tuple({**each, **_of_teachers(taught[job.teacher.key], job.places)} for job, each in zip(jobs, found, strict=True))

    def bank(self, trained: schedule.Trained, models: Iterable[int]) -> Bank:
        """Return the bank of these models, which have been trained, at the recipe's own stage."""
        if self.recipe.conversion is None:
            return self.ask(trained.cohorts, None)
        numbers = tuple(models)
        return self.ask(self.convert(numbers), numbers)

    def ask(self, cohorts: Sequence[Tensors], models: Iterable[int] | None) -> Bank:
        """Return the bank of cohorts, with further signals: of converted models of these numbers, or of what was trained (None)."""
        probes, tasks, recipe = probes_for(self.wanted), self.tasks(), self.recipe.teacher
        if models is not None:
            tasks, recipe = tuple(job.task for job in running.jobs(self.recipe, tasks, frozenset(models))), converted(self.recipe)
        given = material(recipe, self.examples)
        return gather(cohorts, taking.take(tasks, probes, given, self.store, self.machine) if probes else ())


def _of_teachers(taught: Tensors, places: list[int]) -> Tensors:
    """Return what converted models have of their teachers: what these were trained on, and what they answered in the test."""
    kept = {name: taught[name][places] for name in _OF_TRAINING if name in taught}
    return {**kept, f"{TOLD}teacher_predictions": taught["test/logits"][places].mean(axis=1).argmax(axis=-1)}


def mixed(target: Bank, teachers: Bank) -> Bank:
    """Return the bank of a converted target and phantom target, and of shadow models that are teachers still."""
    first = design.FIRST_SHADOW
    assert len(target.pool) == first, "target and phantom target are converted"  # noqa: S101

    def put(own: Floats, others: Floats) -> Floats:
        together: Floats = np.concatenate([own, others[first:]])
        return together

    silent = np.zeros((len(teachers.pool), target.rates.shape[1]), dtype=target.rates.dtype)
    return replace(
        teachers,
        pool=put(target.pool, teachers.pool),
        third=put(target.third, teachers.third),
        test=put(target.test, teachers.test),
        rates=put(target.rates, silent),
        signals={name: put(each, teachers.signals[name]) for name, each in target.signals.items()},
        asked=target.asked,
        told=target.told,
        teachers=teachers,
    )
