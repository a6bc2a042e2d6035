"""All cohorts of a converted population, by the crew: what the store holds is not made again."""

from collections.abc import Sequence

from mia_audit.conversion.job import Job, Place
from mia_audit.conversion.stages import staged
from mia_audit.recipe import Recipe
from mia_audit.training.material import Material
from mia_audit.training.plan import Task
from mia_audit.training.schedule import Machine
from mia_audit.training.store import Store, Tensors


def jobs(recipe: Recipe, teachers: Sequence[Task], wanted: frozenset[int]) -> tuple[Job, ...]:
    """Return the conversions of those models of the teachers' cohorts that are wanted, a job a cohort that has any."""
    found = []
    for teacher in teachers:
        indices = tuple(index for index in teacher.indices if index in wanted)
        if indices:
            found.append(Job(task=staged(recipe, teacher, indices), teacher=teacher))
    return tuple(found)


def run(wanted: Sequence[Job], material: Material, store: Store, machine: Machine) -> tuple[Tensors, ...]:
    """Return what each job's models answer, after converting those that the store lacks."""
    place = Place(material=material, store=store, device=machine.device)
    missing = [job for job in wanted if store.load(job.task.key) is None or store.weights(job.task.key) is None]
    for number, _ in enumerate(machine.crew.run(_work, missing, place, machine.workers) if missing else (), 1):
        machine.progress(number / len(missing))
    found = tuple(store.load(job.task.key) for job in wanted)
    assert all(each is not None for each in found), "all were stored"  # noqa: S101
    return tuple(each for each in found if each is not None)


def _work(job: Job, place: Place) -> None:
    """Do one job, in a worker or in the parent itself."""
    import torch  # noqa: PLC0415

    from mia_audit.conversion.working import teachers, work  # noqa: PLC0415  torch is imported where it is needed

    held = teachers(job, place)  # before threads and denormals are set: it may have to train
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        work(job, place, held)
    finally:
        torch.set_flush_denormal(False)
