"""Bounds of epsilon: how long each takes, and how often each stays below the truth that was planted.

Trials are independent here, so every bound has to hold: right and wrong accusations are two binomials of known rates. What they
show at most is the log ratio of the rates, at delta 0; the mu of a Gaussian trade-off through them; and, for guesses at one
training's coins, the epsilon of a randomized response.
"""

import math
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.stats import binom, norm

from benchmarks.null_parts import Result, spread
from mia_audit.statistics import epsilon, onerun
from mia_audit.statistics.joint import credible_low
from mia_audit.statistics.proportions import Share
from mia_audit.statistics.tradeoff import Claim

SLOWEST = 0.5
TRIALS = 1_000
TRAININGS = 1_000
RATES = ((0.55, 0.45), (0.73, 0.27), (0.3, 0.1), (0.2, 0.02))
"""Right and wrong accusations: near chance, randomized response at epsilon 1, and two thresholds at small false positive rates."""

Counts = tuple[Share, Share]


def bounds() -> dict[str, Callable[[Counts], float]]:
    """Return every bound at delta 0, of right and wrong accusations, by name."""
    ratios = {f"epsilon, {name}": _ratio(name) for name in epsilon.RATIOS}
    return {
        "epsilon, Clopper-Pearson": lambda counts: epsilon.exact(*counts, 0.0),
        "epsilon, joint Bayesian": lambda counts: credible_low(*counts, 0.0, epsilon.LEVEL),
        **ratios,
        "mu, Gaussian": lambda counts: epsilon.gaussian_mu(*counts),
    }


def _ratio(name: str) -> Callable[[Counts], float]:
    return lambda counts: epsilon.ratio(name, *counts) or 0.0


def speed() -> Result:
    """Return how long every bound takes on 10,000 + 10,000 trials, and 20,000 coins of one training."""
    counts = Share(hits=3_000, total=10_000), Share(hits=500, total=10_000)
    decisions = [(Share(hits=3_000 + step, total=10_000), counts[1]) for step in range(20)]
    guesses = onerun.Guesses(examples=20_000, made=4_000, right=2_500)
    once: dict[str, Callable[[], object]] = {name: partial(bound, counts) for name, bound in bounds().items()}
    once |= {
        "epsilon, best of 20 thresholds (Bonferroni)": lambda: epsilon.best_exact(decisions, 1e-5),
        "epsilon, joint Bayesian, delta 1e-5": lambda: credible_low(*counts, 1e-5, epsilon.LEVEL),
        "epsilon, Gaussian, delta 1e-5": lambda: epsilon.gaussian(*counts, 1e-5),
        "epsilon, one run, delta 1e-5": lambda: onerun.bound(guesses, 1e-5),
        "p of a claim of epsilon": lambda: Claim(epsilon=1.0, delta=1e-5).p_value(*counts),
        "p of a claim of mu": lambda: Claim(mu=1.0).p_value(*counts),
    }
    lines, failed = [], 0
    for name, bound in once.items():
        took = _seconds(bound)
        failed += took > SLOWEST
        lines.append(f"| {name} | {1e3 * took:.1f} ms | {_yes(took <= SLOWEST)} |")
    head = f"| bound | takes | passes ({SLOWEST:g} s) |\n|---|---:|---|"
    return Result(section="\n\n".join(["## How long bounds take", "\n".join([head, *lines])]), failed=failed, rows=len(lines))


def _seconds(once: Callable[[], object]) -> float:
    once()
    began = time.process_time()
    once()
    return time.process_time() - began


def covered(trials: int) -> Result:
    """Return how often bounds lie at or below the truth; a bound passes above the 99.9 % binomial limit of 95 %, Bonferroni over rows."""
    rows: list[tuple[str, float, float]] = []
    for number, (tpr, fpr) in enumerate(RATES):
        found = np.array(list(spread(partial(_below, tpr, fpr), range(trials), 300 + number)))
        names = [*bounds(), "a true claim of epsilon stands", "a true claim of mu stands", "epsilon, one run"]
        truths = [*([math.log(tpr / fpr)] * (len(bounds()) - 1)), *_mus(tpr, fpr), math.log(tpr / (1 - tpr))]
        rows += [
            (f"{name}, rates {tpr:g} and {fpr:g}", truth, float(rate))
            for name, truth, rate in zip(names, truths, found.mean(axis=0), strict=True)
            if not math.isnan(rate)
        ]
    least = 1 - float(binom.isf(0.001 / len(rows), trials, 0.05)) / trials
    lines = [f"| {what} | {truth:.3f} | {trials:,} | {rate:.3f} | {_yes(rate >= least)} |" for what, truth, rate in rows]
    head = f"| bound | truth | trainings | at or below it | passes ({least:.3f}) |\n|---|---:|---:|---:|---|"
    return Result(
        section="\n\n".join([f"## Bounds of epsilon on planted leaks, {TRIALS:,} trials a side", "\n".join([head, *lines])]),
        failed=sum(rate < least for _, _, rate in rows),
        rows=len(rows),
    )


def _mus(tpr: float, fpr: float) -> tuple[float, float, float]:
    """Return the truths of the Gaussian bound and of the two claims."""
    mu = float(norm.ppf(tpr) - norm.ppf(fpr))
    return mu, math.log(tpr / fpr), mu


def _below(tpr: float, fpr: float, rng: np.random.Generator) -> list[float]:
    """Say of one experiment which bounds are at or below the truth; NaN where the truth of one run is below 0."""
    counts = Share(hits=int(rng.binomial(TRIALS, tpr)), total=TRIALS), Share(hits=int(rng.binomial(TRIALS, fpr)), total=TRIALS)
    mu, truth, _ = _mus(tpr, fpr)
    below = [bound(counts) <= (mu if name.startswith("mu") else truth) for name, bound in bounds().items()]
    claims = [Claim(epsilon=truth).p_value(*counts) > 0.05, Claim(mu=mu).p_value(*counts) > 0.05]
    guesses = onerun.Guesses(examples=2 * TRIALS, made=TRIALS, right=int(rng.binomial(TRIALS, tpr)))
    one_run = float(onerun.bound(guesses, 0.0) <= math.log(tpr / (1 - tpr))) if tpr > 0.5 else math.nan
    return [*map(float, below), *map(float, claims), one_run]


def _yes(passes: bool) -> str:
    return "yes" if passes else "**NO**"
