"""What the store holds is not trained again; the rest is handed to a crew, cohort by cohort, and its progress is told."""

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mia_audit.machine import cores, peak_bytes
from mia_audit.training import guard
from mia_audit.training.crew import Crew, Local
from mia_audit.training.material import Material
from mia_audit.training.plan import Task
from mia_audit.training.store import Store, Tensors

Progress = Callable[[float], None]
_POLL_SECONDS = 0.25
SIGN_OF_LIFE = "parent"
SILENCE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where cohorts train: device type, workers at once (None: all there are), who hears of the share that is done, who does the work."""

    device: str
    workers: int | None
    progress: Progress
    crew: Crew = field(default_factory=Local)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The cohorts of a population in order, and what each one cost that was trained now rather than found in the store."""

    cohorts: tuple[Tensors, ...]
    spent: tuple["Spent", ...]


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What one cohort cost: seconds, and its process's peak memory so far."""

    seconds: float
    peak_bytes: int


def run(tasks: Sequence[Task], material: Material, store: Store, machine: Machine) -> Trained:
    """Train every cohort that the store does not hold, and return all of them.

    A worker writes its cohort to the store by itself, so an interrupted run keeps what is finished.
    """
    found = {task.key: store.load(task.key) for task in tasks}
    missing = [task for task in tasks if found[task.key] is None]
    spent: tuple[Spent, ...] = ()
    if missing:
        done_before = 1 - len(missing) / len(tasks)
        spent = _train(
            missing, material, store, replace(machine, progress=lambda share: machine.progress(done_before + share * (1 - done_before)))
        )
        found |= {task.key: store.load(task.key) for task in missing}
    cohorts = tuple(cohort for cohort in (found[task.key] for task in tasks) if cohort is not None)
    assert len(cohorts) == len(tasks), "every cohort was stored"  # noqa: S101
    return Trained(cohorts=cohorts, spent=spent)


def _train(missing: Sequence[Task], material: Material, store: Store, machine: Machine) -> tuple[Spent, ...]:
    spent: dict[int, Spent] = {}
    with _scratch(store, machine.crew) as folder, _reported(folder, len(missing), machine.progress):
        place = _Place(material=material, store=store, device=machine.device, beats=folder, watched=machine.crew.distant)
        spent.update(machine.crew.run(_work, missing, place, machine.workers))
    return tuple(spent[number] for number in range(len(missing)))


@contextlib.contextmanager
def _scratch(store: Store, crew: Crew) -> Iterator[Path]:
    """Yield a folder that all workers see, gone afterwards."""
    within = store.folder if crew.distant else None
    with tempfile.TemporaryDirectory(prefix=guard.scratch_prefix(os.getpid()), dir=within) as folder:
        yield Path(folder)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What every worker is handed beside its task; `beats` is a folder for heartbeats, `watched` as there."""

    material: Material
    store: Store
    device: str
    beats: Path
    watched: bool


def _work(task: Task, place: _Place) -> Spent:
    """Run one task, in a worker or in the parent itself."""
    from mia_audit.training.worker import work  # noqa: PLC0415  torch is imported where it is needed

    start, heartbeat = time.perf_counter(), Heartbeat(place.beats, task.key, watched=place.watched)
    work(task, place.material, place.store, place.device, heartbeat.beat)
    return Spent(seconds=round(time.perf_counter() - start, 3), peak_bytes=peak_bytes())


class Heartbeat:
    """A file in which a worker leaves the share of its cohort that is done, in a folder that lasts as long as somebody waits for it.

    watched: the worker may be on another machine, where it cannot see its parent die; there the folder holds a sign of life.
    """

    def __init__(self, folder: Path, name: str, *, watched: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._name, self._watched, self._clock = folder, name, watched, clock
        self._heard = ("", clock())

    def beat(self, share: float) -> None:
        """Write the share; progress is a courtesy, so a failure to write it stops nothing.

        Raises Abandoned where nobody waits any more: the folder is gone, or its sign of life has been the same for a minute.
        """
        with contextlib.suppress(OSError):
            (self._folder / self._name).write_text(f"{share}", encoding="ascii")
        if self._watched and not self._awaited():
            raise Abandoned

    def _awaited(self) -> bool:
        try:
            sign = (self._folder / SIGN_OF_LIFE).read_text(encoding="ascii")
        except OSError:
            return self._folder.exists()
        if sign != self._heard[0]:
            self._heard = (sign, self._clock())
        return self._clock() - self._heard[1] < SILENCE_SECONDS


class Abandoned(Exception):  # noqa: N818  not an error: what it tells nobody waits for
    """Whoever asked for this work has gone."""


@contextlib.contextmanager
def _reported(folder: Path, total: int, progress: Progress) -> Iterator[None]:
    """Report the share of all cohorts that is done, from the workers' heartbeats, and give a sign of life, until the block ends."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_POLL_SECONDS):
            with contextlib.suppress(OSError):
                (folder / SIGN_OF_LIFE).write_text(f"{time.time()} s", encoding="ascii")
            progress(sum(_shares(folder)) / total)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _shares(folder: Path) -> Iterator[float]:
    for heartbeat in folder.iterdir():
        with contextlib.suppress(OSError, ValueError):  # being written just now
            yield float(heartbeat.read_text())


def default_workers(device: str) -> int:
    """Return one worker a core on the CPU; one for a GPU."""
    return 1 if device == "cuda" else cores()
