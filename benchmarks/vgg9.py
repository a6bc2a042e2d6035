"""VGG-9 on CIFAR-10: a small population trained on all cores, and the time of a full audit predicted from it.

    python benchmarks/vgg9.py [ann-vgg9] [snn-vgg9] [--pool 10000] [--models 4] [--epochs 2] [--workers 2]

Cohorts are those of an audit, trained and queried by its scheduler. Wall seconds: of the last epoch, of querying (pool, outside
population, test set), and of the rest, which is starting workers and compiling kernels. A full audit trains the recipe's target,
phantom target and shadow models for all its epochs; the prediction hands their cohorts to the workers at these prices.
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.setting import setting
from benchmarks.table import Row, say, show
from mia_audit.audit.planning import longest
from mia_audit.catalogue import load_recipe
from mia_audit.data.design import FIRST_SHADOW
from mia_audit.data.profiles import resolve
from mia_audit.recipe import filled
from mia_audit.training import plan, schedule
from mia_audit.training.store import Store


@dataclass(frozen=True, kw_only=True)
class Heard:
    """When which share of all training was done: (seconds, share), as the workers' heartbeats tell."""

    began: float = field(default_factory=time.perf_counter)
    beats: list[tuple[float, float]] = field(default_factory=list)

    def __call__(self, share: float) -> None:
        """Hear a share."""
        self.beats.append((time.perf_counter() - self.began, share))

    def reached(self, share: float) -> float:
        """Return the first second at which a share was done."""
        return next(second for second, done in self.beats if done >= share - 1e-9)


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Wall seconds of a population's training and querying, and of one cohort's epoch and queries."""

    whole: float
    start: float
    epoch: float
    query: float


def priced(target: str, asked: argparse.Namespace) -> Prices:
    """Train and query a small population."""
    chosen = setting(target, "cifar10", asked.models, data__pool=asked.pool, training__epochs=asked.epochs)
    tasks = plan.tasks(chosen.recipe, chosen.rows, "", "cpu")
    heard = Heard()
    with tempfile.TemporaryDirectory() as folder:
        machine = schedule.Machine(device="cpu", workers=asked.workers, progress=heard)
        spent = schedule.run(tasks, chosen.material, Store(folder=Path(folder)), machine).spent
    whole = time.perf_counter() - heard.began
    first = min(asked.workers, len(tasks)) / len(tasks)  # the share that the cohorts make up which start at once
    epoch = (heard.reached(first) - heard.reached(first / asked.epochs)) / (asked.epochs - 1)
    cohort = sum(each.seconds for each in spent) / len(spent)
    return Prices(
        whole=whole,
        start=whole - longest([cohort] * len(tasks), asked.workers),
        epoch=epoch,
        query=cohort - asked.epochs * epoch,
    )


def predicted(target: str, prices: Prices, asked: argparse.Namespace) -> tuple[float, str]:
    """Return the seconds of a full audit's training and queries, and what that is."""
    recipe = resolve(load_recipe(target))
    models, epochs = FIRST_SHADOW + recipe.audit.shadows, filled(recipe.training.epochs)
    size = plan.cohort_size(recipe, "cpu")
    pieces = [min(size, models - first) / size for first in range(0, models, size)]
    pool, others = filled(recipe.data.pool), filled(recipe.data.population) + filled(recipe.data.test)
    cohort = epochs * prices.epoch * pool / asked.pool + prices.query * (pool + others) / (asked.pool + others)
    return prices.start + longest([piece * cohort for piece in pieces], asked.workers), f"{models} models, {epochs} epochs"


def rows(target: str, asked: argparse.Namespace) -> list[Row]:
    """Measure one target: what was trained, and what a full audit would take."""
    prices = priced(target, asked)
    seconds, what = predicted(target, prices, asked)
    workers = f"{asked.workers} workers on {len(os.sched_getaffinity(0))} cores"
    return [
        Row(
            what=f"{target} on CIFAR-10, pool {asked.pool:,}, {asked.models} models, {asked.epochs} epochs, trained and queried",
            ours=f"{prices.whole:.0f} s",
            against="-",
            ratio="-",
            how=f"{workers}; a cohort's epoch {prices.epoch:.1f} s, its queries {prices.query:.1f} s, start {prices.start:.1f}",
        ),
        Row(
            what=f"{target} on CIFAR-10, a full audit ({what}) predicted from that",
            ours=f"{seconds / 3600:.1f} h",
            against="-",
            ratio="-",
            how=f"cohorts in order to the worker that is free first, {workers}",
        ),
    ]


def main() -> None:
    """Measure the targets that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=["ann-vgg9", "snn-vgg9"])
    for name, default in (("pool", 10_000), ("models", 4), ("epochs", 2), ("workers", len(os.sched_getaffinity(0)))):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    if asked.epochs < 2:
        parser.error("an epoch's time is the difference between two, so --epochs needs at least 2")
    for target in asked.targets:
        say(f"{target}: {load_recipe(target).summary}")
        show(*rows(target, asked))


if __name__ == "__main__":
    main()
