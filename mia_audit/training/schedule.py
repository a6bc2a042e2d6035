"""The scheduler is joblib's.

Cohorts run on local worker processes, one thread each, or wherever the user's `joblib.parallel_config` says. What the
store holds already is not trained again.
"""

import contextlib
import os
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from joblib import Parallel, delayed

from mia_audit.machine import cores, peak_bytes
from mia_audit.training.material import Material
from mia_audit.training.plan import Task
from mia_audit.training.store import Store, Tensors

Progress = Callable[[float], None]
_POLL_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where cohorts train: device type, worker processes at once, and who is told the share that is done."""

    device: str
    workers: int
    progress: Progress


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
    with tempfile.TemporaryDirectory(prefix="mia-audit-") as folder, _reported(Path(folder), len(missing), machine.progress):
        beats = [Heartbeat(path=Path(folder) / task.key, parent=os.getpid()) for task in missing]
        jobs = (delayed(_work)(task, material, store, machine.device, beat) for task, beat in zip(missing, beats, strict=True))
        found: list[Spent] = list(Parallel(n_jobs=min(machine.workers, len(missing)), pre_dispatch="n_jobs")(jobs))  # pyright: ignore[reportAssignmentType]
        return tuple(found)


def _work(task: Task, material: Material, store: Store, device: str, heartbeat: "Heartbeat") -> Spent:
    """Run one task, in a worker or (a single one) in the parent itself."""
    if os.getpid() != heartbeat.parent:
        warnings.simplefilter("ignore")  # libraries' own; a worker's standard error is nobody's to read
        with contextlib.suppress(ValueError):  # a backend of threads may not set signals
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    from mia_audit.training.worker import work  # noqa: PLC0415  torch is imported where it is needed

    start = time.perf_counter()
    work(task, material, store, device, heartbeat.beat)
    return Spent(seconds=round(time.perf_counter() - start, 3), peak_bytes=peak_bytes())


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """A file in which a worker leaves the share of its cohort that is done."""

    path: Path
    parent: int

    def beat(self, share: float) -> None:
        """Write the share; progress is a courtesy, so a failure to write it stops nothing."""
        with contextlib.suppress(OSError):
            self.path.write_text(f"{share}")


@contextlib.contextmanager
def _reported(folder: Path, total: int, progress: Progress) -> Iterator[None]:
    """Report the share of all cohorts that is done, from the workers' heartbeats, until the block ends."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_POLL_SECONDS):
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
