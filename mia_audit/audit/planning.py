"""What an audit will cost, said before it starts: how many models, how much memory, and, from a few measured steps, how long."""

import heapq
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mia_audit.audit.options import Options
from mia_audit.audit.prepared import Prepared
from mia_audit.audit.running import Silent, prepare
from mia_audit.recipe import Recipe, settled
from mia_audit.training import batches, plan
from mia_audit.training.material import material

PROBED_STEPS = 6
STARTING_SECONDS = 8.0  # a worker process imports its libraries and compiles its kernels


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The size of an audit. Seconds are of the cohorts that the store does not hold yet."""

    models: int
    cohorts: int
    stored: int
    cohort_size: int
    workers: int
    worker_bytes: int
    seconds: float

    def lines(self) -> tuple[str, ...]:
        """Say it in words."""
        return (
            f"{self.models} models in {self.cohorts} cohorts of {self.cohort_size}, {self.stored} of them in the store already",
            f"{self.workers} worker processes at once, about {self.worker_bytes / 2**30:.2f} GiB each",
            f"about {_spoken(self.seconds)} to train and query",
        )


def make_plan(target: str | Recipe, options: Options) -> Plan:
    """Check an audit as `audit` would, train and query a few steps of its first cohort, and predict the whole."""
    prepared = prepare(target, options, Silent())
    tasks = plan.tasks(prepared.recipe, prepared.rows, prepared.examples.sha256, prepared.device)
    missing = [task for task in tasks if not prepared.store.has(task.key)]
    size = plan.cohort_size(prepared.recipe, prepared.device)
    rounds = longest([len(task.indices) / size for task in missing], prepared.workers)
    return Plan(
        models=len(prepared.rows),
        cohorts=len(tasks),
        stored=len(tasks) - len(missing),
        cohort_size=size,
        workers=prepared.workers,
        worker_bytes=prepared.memory.per_worker,
        seconds=rounds * _cohort_seconds(prepared) + STARTING_SECONDS if missing else 0.0,
    )


def longest(work: Sequence[float], workers: int) -> float:
    """Return when the last of these pieces of work is done, each taken in order by the worker that is free first."""
    busy = [0.0] * workers
    for piece in work:
        heapq.heapreplace(busy, busy[0] + piece)
    return max(busy)


def probed(recipe: Recipe) -> Recipe:
    """Return the resolved recipe with a single epoch and no checkpoints: what the measured steps are taken from."""
    once = {"epochs": 1, "stop_epoch": 1, "checkpoints": ()}
    return recipe.model_copy(update={"training": recipe.training.model_copy(update=once)})


def _cohort_seconds(prepared: Prepared) -> float:
    """Measure one step and the queries of a few examples, and scale them up to a cohort."""
    import torch  # noqa: PLC0415  a plan may be asked of a machine that only reads records

    from mia_audit.signals import query  # noqa: PLC0415
    from mia_audit.training.lockstep import Cohort, Pool, train  # noqa: PLC0415

    recipe, whole = prepared.recipe, material(prepared.recipe, prepared.examples)
    asked = len(whole.pool_inputs) + len(whole.population_inputs) + len(whole.test_inputs)
    size = min(len(whole.pool_labels), round(PROBED_STEPS * settled(recipe.training.batch_size) / recipe.data.member_fraction))
    short = probed(recipe)
    pool = Pool(inputs=whole.pool_inputs[:size], labels=whole.pool_labels[:size], classes=whole.classes)
    indices = tuple(range(min(plan.cohort_size(recipe, prepared.device), len(prepared.rows))))
    cohort = Cohort(indices=indices, rows=prepared.rows[list(indices), :size])
    device = torch.device(prepared.device)
    torch.set_num_threads(1)
    population = train(short, cohort, pool, device, _ignore)  # the first steps compile
    start = time.perf_counter()
    train(short, cohort, pool, device, _ignore)
    trained = time.perf_counter()
    query(population, len(indices), pool.inputs, recipe, device)
    queried = time.perf_counter()
    steps = batches.steps_per_epoch(size, recipe.data.member_fraction, settled(recipe.training.batch_size))
    all_steps = recipe.training.last_epoch * batches.steps_per_epoch(
        len(whole.pool_labels), recipe.data.member_fraction, settled(recipe.training.batch_size)
    )
    return (trained - start) * all_steps / steps + (queried - trained) * asked / size


def _ignore(share: float) -> None:
    """Hear of progress, and leave it."""


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
