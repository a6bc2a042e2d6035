"""One piece of work: models of a cohort of teachers that are to be converted. No torch: the parent process plans without it."""

from dataclasses import dataclass

from mia_audit.training.material import Material
from mia_audit.training.plan import Task
from mia_audit.training.store import Store


@dataclass(frozen=True, kw_only=True)
class Job:
    """Models to be converted: what they are stored as in the end, and the cohort of teachers that they are part of."""

    task: Task
    teacher: Task

    @property
    def places(self) -> list[int]:
        """Where these models stand in the teachers' cohort."""
        return [self.teacher.indices.index(index) for index in self.task.indices]


@dataclass(frozen=True, kw_only=True)
class Place:
    """What every job is handed beside itself: the converted network's recipe with the examples, the store, the device."""

    material: Material
    store: Store
    device: str
