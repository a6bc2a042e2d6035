"""How fast and lean LiRA and RMIA score 50,000 examples against 256 shadow models, beside a plain loop over examples.

The input is float32 logits of ten classes, [256, 1, 50000, 10]; the loop does the same arithmetic with NumPy and SciPy, one example at
a time, on a share of the examples, and its time is scaled up. Memory is the peak of what this process holds beyond the input,
from the kernel's own count, each attack in a process of its own.

    python benchmarks/attacks.py [--examples 50000] [--shadows 256] [--classes 10]
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax, logsumexp
from scipy.stats import norm

from benchmarks.table import Row, show
from mia_audit.attacks import Attack
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.rmia import OnlineRMIA
from mia_audit.types import Evidence, Floats, PopulationData

LOOPED = 400
SECONDS = 3.0
TIMES = 50.0
MEMORY = 3.0


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the evidence is."""

    examples: int
    shadows: int
    classes: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Seconds of ours and of the loop (scaled up), the largest difference of scores, and peak memory over the input's size."""

    ours: float
    loop: float
    difference: float
    memory: float


def evidence(size: Size) -> Evidence:
    """Return noise of this size."""
    rng = np.random.default_rng(0)
    shadows = np.empty((size.shadows, 1, size.examples, size.classes), dtype=np.float32)
    for model in shadows:
        rng.standard_normal(model.shape, dtype=np.float32, out=model)
    third = rng.standard_normal((size.shadows + 1, 1, 1_000, size.classes), dtype=np.float32)
    return Evidence(
        target=rng.standard_normal(shadows.shape[1:], dtype=np.float32),
        shadows=shadows,
        trained_on=rng.integers(0, 2, (size.shadows, size.examples), dtype=np.bool_),
        labels=rng.integers(0, size.classes, size.examples),
        population=PopulationData(target=third[0], shadows=third[1:], labels=rng.integers(0, size.classes, 1_000)),
    )


def lira_loop(seen: Evidence, count: int) -> Floats:
    """Return log Lambda of the first examples, per example and per side, as one would first write it; spreads pooled afterwards."""
    found, spreads = [], []
    for i in range(count):
        p = log_softmax(seen.shadows[:, 0, i].astype(np.float64), axis=1)[:, seen.labels[i]]
        phi = p - np.log1p(-np.exp(p))
        of_target = log_softmax(seen.target[0, i].astype(np.float64))[seen.labels[i]]
        inside, outside = phi[seen.trained_on[:, i]], phi[~seen.trained_on[:, i]]
        spreads.append((inside.var(ddof=1), outside.var(ddof=1)))
        found.append((of_target - np.log1p(-np.exp(of_target)), inside.mean(), outside.mean()))
    sigma = np.sqrt(np.mean(spreads, axis=0))
    return np.array([norm.logpdf(x, mu_in, sigma[0]) - norm.logpdf(x, mu_out, sigma[1]) for x, mu_in, mu_out in found])


def rmia_loop(seen: Evidence, count: int) -> Floats:
    """Return the log ratio of the first examples, as one would first write it."""
    found = []
    for i in range(count):
        p = log_softmax(seen.shadows[:, 0, i].astype(np.float64), axis=1)[:, seen.labels[i]]
        of_target = log_softmax(seen.target[0, i].astype(np.float64))[seen.labels[i]]
        found.append(of_target - (logsumexp(p) - np.log(len(p))))
    return np.array(found)


CASES: dict[str, tuple[Attack, Callable[[Evidence, int], Floats]]] = {"LiRA": (OnlineLiRA(), lira_loop), "RMIA": (OnlineRMIA(), rmia_loop)}


def measured(name: str, size: Size) -> Measured:
    """Measure one attack; best of three for ours, the loop once on a share of the examples."""
    attack, loop = CASES[name]
    seen = evidence(size)
    attack.score(seen.only(np.arange(100)))  # imports and first calls are not the attack's
    before = _peak()
    scores, ours = _timed(attack, seen)
    memory = (_peak() - before) / seen.shadows.nbytes + 1
    ours = min(ours, *(_timed(attack, seen)[1] for _ in range(2)))
    count = min(LOOPED, size.examples)
    start = time.perf_counter()
    slow = loop(seen, count)
    spent = (time.perf_counter() - start) * size.examples / count
    return Measured(ours=ours, loop=spent, difference=_difference(scores[:count], slow), memory=memory)


def _timed(attack: Attack, seen: Evidence) -> tuple[Floats, float]:
    start = time.perf_counter()
    scores = attack.score(seen)
    return scores, time.perf_counter() - start


def _difference(ours: Floats, slow: Floats) -> float:
    """Return how far the two are from one straight line: pooled spreads and the population data's bar differ by what was looked at."""
    return float(1 - np.corrcoef(ours, slow)[0, 1])


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _report(name: str, size: Size, queue: "multiprocessing.Queue[Measured]") -> None:
    queue.put(measured(name, size))


def row(name: str, size: Size) -> Row:
    """Measure in a process of its own, whose peak memory nothing else has raised."""
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[Measured] = context.Queue()
    worker = context.Process(target=_report, args=(name, size, queue))
    worker.start()
    found = queue.get()
    worker.join()
    return Row(
        what=f"{name}, {size.examples:,} examples x {size.shadows} shadow models x {size.classes} classes, float32",
        ours=f"{found.ours:.2f} s, {found.memory:.2f} x the input in memory",
        against=f"NumPy and SciPy loop over examples: {found.loop:.0f} s",
        ratio=f"{found.loop / found.ours:.0f} x",
        bar=f"under {SECONDS:.0f} s, {MEMORY:.0f} x memory, {TIMES:.0f} x faster",
        how=f"best of 3, loop on {min(LOOPED, size.examples)} examples scaled up; scores agree (1 - r = {found.difference:.0e})",
    )


def main() -> None:
    """Measure the size that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=50_000)
    parser.add_argument("--shadows", type=int, default=256)
    parser.add_argument("--classes", type=int, default=10)
    arguments = parser.parse_args()
    size = Size(examples=arguments.examples, shadows=arguments.shadows, classes=arguments.classes)
    show(*(row(name, size) for name in CASES))


if __name__ == "__main__":
    main()
