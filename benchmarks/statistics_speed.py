"""How fast the statistics are: a million scores, and the bounds of epsilon that take a minute elsewhere.

python benchmarks/statistics_speed.py
"""

import time
from collections.abc import Callable

import numpy as np

from benchmarks.table import Row, show
from mia_audit.statistics import epsilon, onerun
from mia_audit.statistics.delong import auc_interval
from mia_audit.statistics.joint import credible_low
from mia_audit.statistics.proportions import Share
from mia_audit.statistics.rates import bootstrap
from mia_audit.statistics.roc import roc
from mia_audit.statistics.vulnerability import vulnerability

SCORES = 1_000_000
DRAWS = 1_000
FPRS = (0.1, 0.01, 0.001)


def seconds(once: Callable[[], object]) -> float:
    """Return the shortest of three times."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        once()
        times.append(time.perf_counter() - began)
    return min(times)


def million() -> float:
    """Return the seconds for ROC, DeLong's interval and 1,000 bootstraps at each of three FPRs."""
    rng = np.random.default_rng(0)
    member = rng.random(SCORES) < 0.5
    scores = rng.normal(size=SCORES) + 0.2 * member

    def once() -> None:
        roc(scores, member)
        auc_interval(scores, member)
        for fpr in FPRS:
            bootstrap(scores, member, fpr, DRAWS, rng)

    return seconds(once)


def main() -> None:
    """Measure and print the rows."""
    took = million()
    how = f"{SCORES:,} scores; ROC, DeLong, {DRAWS:,} bootstraps at {len(FPRS)} FPRs"
    show(
        Row(what="ROC, AUC interval and bootstraps of a million scores", ours=f"{took:.1f} s", against="-", ratio="-", bar="15 s", how=how)
    )
    right, wrong = Share(hits=3_000, total=10_000), Share(hits=500, total=10_000)
    guesses = onerun.Guesses(examples=20_000, made=4_000, right=2_500)
    bounds: dict[str, Callable[[], object]] = {
        "joint Bayesian": lambda: credible_low(right, wrong, 1e-5, 0.05),
        "one run": lambda: onerun.bound(guesses, 1e-5),
        "Clopper-Pearson": lambda: epsilon.exact(right, wrong, 1e-5),
        "Gaussian": lambda: epsilon.gaussian(right, wrong, 1e-5),
    }
    for name, once in bounds.items():
        against = "54 s (privacy-estimates 0.1.0)" if name == "joint Bayesian" else "-"
        ratio = f"{54 / seconds(once):,.0f}x" if name == "joint Bayesian" else "-"
        show(
            Row(
                what=f"epsilon, {name}",
                ours=f"{1e3 * seconds(once):.1f} ms",
                against=against,
                ratio=ratio,
                bar="500 ms",
                how="10,000 + 10,000",
            )
        )
    rng = np.random.default_rng(1)
    signal, member = rng.normal(size=(66, 10_000)), rng.random((66, 10_000)) < 0.5
    took = seconds(lambda: vulnerability(signal, member))
    show(Row(what="IN against OUT test of 10,000 examples", ours=f"{took:.2f} s", against="-", ratio="-", how="66 models, exact p"))


if __name__ == "__main__":
    main()
