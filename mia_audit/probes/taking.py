"""Taking signals from trained cohorts: models come from the store, and what was taken goes there too, once for each model.

No model is trained for a signal, and an audit that asks for another attack later takes only what it lacks.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from mia_audit.probes.names import Probe
from mia_audit.recipe import Recipe
from mia_audit.training.material import Material
from mia_audit.training.plan import Task
from mia_audit.training.schedule import Machine
from mia_audit.training.store import Store, Tensors, key_of

VERSION = "3"
"""Raised whenever a change of a probe changes a signal."""


def take(tasks: Sequence[Task], probes: Sequence[Probe], material: Material, store: Store, machine: Machine) -> tuple[Tensors, ...]:
    """Return each cohort's signals, [K, N, ...] by name, after taking those that the store does not hold."""
    jobs = [(task, probe) for task in tasks for probe in probes if store.load(key(task, probe, material.recipe)) is None]
    place = _Place(material=material, store=store, device=machine.device)
    for number, _ in enumerate(machine.crew.run(_work, jobs, place, machine.workers) if jobs else (), 1):
        machine.progress(number / len(jobs))
    return tuple(
        {name: value for probe in probes for name, value in _held(store, key(task, probe, material.recipe)).items()} for task in tasks
    )


def key(task: Task, probe: Probe, recipe: Recipe) -> str:
    """Return the store's key of a cohort's signals."""
    widths = {"releases": recipe.audit.releases} if probe.name == "releases" else {}
    return key_of({"cohort": task.key, "probe": probe.name, "version": VERSION, **widths})


def _held(store: Store, name: str) -> Tensors:
    found = store.load(name)
    assert found is not None, "it was taken"  # noqa: S101
    return found


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What every job is handed beside its cohort and its probe."""

    material: Material
    store: Store
    device: str


def _work(job: tuple[Task, Probe], place: _Place) -> None:
    """Take one probe of one cohort, in a worker or in the parent itself."""
    task, probe = job
    from mia_audit.probes import boundary, curvature, disturbed, gradients, releasing, reviving, states  # noqa: PLC0415  torch is slow

    takers: dict[str, Callable[..., Tensors]] = {
        "states": states.states,
        "time-sweep": states.time_sweep,
        "dropout": disturbed.dropout,
        "noise": disturbed.noise,
        "shifts": disturbed.shifts,
        "boundary": boundary.boundary,
        "gradients": gradients.gradients,
        "curvature": partial(curvature.curvature, recipe=place.material.recipe),
        "releases": partial(releasing.releases, given=place.material),
    }
    held = reviving.weights(task, place.material, place.store, place.device)  # before threads and denormals are set: it may have to train
    recipe = place.material.recipe
    told = {
        "target": recipe.name,
        "dataset": recipe.data.dataset,
        "models": f"{task.indices[0]} to {task.indices[-1]}",
        "signal": probe.name,
    }
    with _quietly():
        subject = reviving.revived(task, place.material, held, place.device)
        place.store.save(key(task, probe, recipe), takers[probe.name](subject), about=told)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """One thread and no denormal numbers, as in training; the parent's own setting is put back."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
