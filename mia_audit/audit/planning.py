"""What an audit will cost, said before it starts: how many models, how much memory, and, from a few measured steps, how long."""

import heapq
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mia_audit.audit.bank import degrading
from mia_audit.audit.bank.prepared import Prepared
from mia_audit.audit.controls import dose
from mia_audit.audit.findings.guaranteeing import guaranteed
from mia_audit.audit.request.options import Options
from mia_audit.audit.running import prepare
from mia_audit.audit.watching import Silent
from mia_audit.paths import Place
from mia_audit.probes.names import probes_for
from mia_audit.recipe import Recipe, filled
from mia_audit.record.privacy import DifferentialPrivacy
from mia_audit.training import batches, plan
from mia_audit.training.material import material

PROBED_STEPS = 6
STARTING_SECONDS = 8.0  # a worker process imports its libraries and compiles its kernels


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The size of an audit. Seconds are of the cohorts that the store does not hold yet.

    models   all that are trained: `guessed` those of wrong guesses by name, `sibling` one more with canaries
    probes   names of what takes further signals, whose time is not predicted
    privacy  what a private training guarantees
    stages   through which models go after training, whose time is not predicted either
    """

    models: int
    cohorts: int
    stored: int
    cohort_size: int
    workers: int
    worker_bytes: int
    seconds: float
    guessed: Mapping[str, int]
    sibling: bool
    probes: tuple[str, ...]
    privacy: DifferentialPrivacy | None = None
    stages: tuple[str, ...] = ()

    def content(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        privacy = None if self.privacy is None else self.privacy.model_dump(mode="json")
        return {**asdict(self), "guessed": dict(self.guessed), "seconds": round(self.seconds, 1), "privacy": privacy}

    def lines(self) -> tuple[str, ...]:
        """Say it in words."""
        among = [f"{models} whose recipe was guessed wrong ({guess})" for guess, models in self.guessed.items()]
        cohorts = f"{self.cohorts} cohort{'s' * (self.cohorts != 1)}"
        among += ["a sibling with canaries"] * self.sibling
        where = f"{self.workers} worker processes at once, about" if self.workers > 1 else "trained by one process, about"
        before = [f"converting ({', '.join(self.stages)})"] * bool(self.stages)
        before += [f"taking signals ({', '.join(self.probes)})"] * bool(self.probes)
        signals = f"{', '.join(before)} and the attacks come" if before else "the attacks come"
        return (
            f"{self.models} models in {cohorts} of {self.cohort_size}, {self.stored} of them in the store already",
            *([f"among them {', '.join(among)}"] if among else []),
            f"{where} {self.worker_bytes / 2**30:.2f} GiB" + " each" * (self.workers > 1),
            f"about {_spoken(self.seconds)} to train and query; {signals} on top, not predicted",
            *([] if self.privacy is None else [_claim(self.privacy)]),
        )


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Cohorts that are trained together, of one recipe; `guess` names what is wrong with it."""

    recipe: Recipe
    tasks: tuple[plan.Task, ...]
    guess: str = ""


def make_plan(target: Place | Recipe, options: Options) -> Plan:
    """Check an audit as `audit` would, train and query a few steps of each stage's first cohort, and predict the whole."""
    prepared = prepare(target, options, Silent())
    own, *others = all_stages = stages(prepared)
    seconds = [_stage_seconds(stage, prepared) for stage in all_stages]
    tasks = [task for stage in all_stages for task in stage.tasks]
    return Plan(
        models=sum(len(task.indices) for task in tasks),
        cohorts=len(tasks),
        stored=sum(prepared.store.has(task.key) for task in tasks),
        cohort_size=plan.cohort_size(prepared.recipe.teacher, prepared.device),
        workers=min(prepared.workers, len(own.tasks)),
        worker_bytes=prepared.memory.per_worker,
        seconds=sum(seconds) + STARTING_SECONDS if any(seconds) else 0.0,
        guessed={stage.guess: sum(len(task.indices) for task in stage.tasks) for stage in others if stage.guess},
        sibling=bool(prepared.recipe.audit.canaries),
        probes=tuple(probe.name for probe in probes_for(prepared.wanted)),
        privacy=guaranteed(prepared.recipe),
        stages=prepared.recipe.conversion.stages[1:] if prepared.recipe.conversion else (),
    )


def stages(prepared: Prepared) -> list[Stage]:
    """Return what an audit trains, in its order: the population, models of wrong guesses, the sibling."""
    recipe = prepared.recipe.teacher
    found = [Stage(recipe=recipe, tasks=plan.tasks(recipe, prepared.rows, prepared.examples.sha256, prepared.device))]
    found += [Stage(recipe=wrong, tasks=tasks, guess=guess) for guess, wrong, tasks in degrading.guessed(prepared, prepared.wanted)]
    if recipe.audit.canaries:
        found.append(Stage(recipe=recipe, tasks=dose.planting(prepared).tasks))
    return found


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


def _stage_seconds(stage: Stage, prepared: Prepared) -> float:
    """Predict the seconds of the cohorts that the store does not hold yet."""
    missing = [len(task.indices) for task in stage.tasks if not prepared.store.has(task.key)]
    if not missing:
        return 0.0
    size = len(stage.tasks[0].indices)
    return longest([models / size for models in missing], prepared.workers) * _cohort_seconds(stage.recipe, size, prepared)


def _cohort_seconds(recipe: Recipe, models: int, prepared: Prepared) -> float:
    """Measure one step and the queries of a few examples, and scale them up to a cohort."""
    import torch  # noqa: PLC0415  a plan may be asked of a machine that only reads records

    from mia_audit.signals import query  # noqa: PLC0415
    from mia_audit.training.lockstep import Cohort, Pool, train  # noqa: PLC0415

    whole = material(recipe, prepared.examples)
    asked = len(whole.pool_inputs) + len(whole.population_inputs) + len(whole.test_inputs)
    size = min(len(whole.pool_labels), round(PROBED_STEPS * filled(recipe.training.batch_size) / recipe.data.member_fraction))
    short = probed(recipe)
    pool = Pool(inputs=whole.pool_inputs[:size], labels=whole.pool_labels[:size], classes=whole.classes)
    indices = tuple(range(models))
    cohort = Cohort(indices=indices, rows=prepared.rows[list(indices), :size])
    device = torch.device(prepared.device)
    torch.set_num_threads(1)
    population = train(short, cohort, pool, device, _ignore)  # the first steps compile
    start = time.perf_counter()
    train(short, cohort, pool, device, _ignore)
    trained = time.perf_counter()
    query(population, pool.inputs, recipe)
    queried = time.perf_counter()
    steps = batches.steps_per_epoch(size, recipe.data.member_fraction, filled(recipe.training.batch_size))
    all_steps = recipe.training.last_epoch * batches.steps_per_epoch(
        len(whole.pool_labels), recipe.data.member_fraction, filled(recipe.training.batch_size)
    )
    return (trained - start) * all_steps / steps + (queried - trained) * asked / size


def _ignore(share: float) -> None:
    """Hear of progress, and leave it."""


def _claim(private: DifferentialPrivacy) -> str:
    told = [f"epsilon {each.epsilon:.4g} at delta {private.delta:g} under {each.adjacency}" for each in private.guarantees if each.bound]
    return (
        f"claims {', '.join(told) or 'no epsilon, for there is no noise'}: noise multiplier {private.noise_multiplier:g}, "
        f"{private.sampling} sampling at rate {private.rate:.4g}, {private.steps:,} steps"
    )


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
