"""What DP instruments show on mechanisms that are known exactly, and how often they are wrong where the claim is true.

    python -m benchmarks.dp_bounds [--runs 200] [--out benchmarks/DP_BOUNDS.md]

The Gaussian mechanism at mu 1 and 2 with 2,000 trials; one training of the subsampled Gaussian (sigma 1, rate .05, 200 steps, 1,000
canaries), exact and with its noise halved in secret; every test and bound on 200 trainings that are as claimed. Leaves with 1 if a bound
is above the truth more often than its level allows (one-sided 99.9 % binomial limit).
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binom, norm

from benchmarks.table import say
from mia_audit.instruments import one_run, step, trainings
from mia_audit.instruments.family import Family
from mia_audit.instruments.verdict import together
from mia_audit.privacy.stated import Stated
from mia_audit.statistics import epsilon, gaussian_pair, inclusion, likelihood, onerun, refuting, shift
from mia_audit.statistics.curve import Curve
from mia_audit.statistics.proportions import Share
from mia_audit.statistics.refuting import Permits
from mia_audit.statistics.tradeoff import gaussian_epsilon
from mia_audit.types import Floats

ROOT = Path(__file__).resolve().parent.parent
CLAIM = Stated(noise_multiplier=1.0, rate=0.05, steps=200, delta=1e-5)
WHOLE = Stated(noise_multiplier=4.0, rate=1.0, steps=20, delta=1e-5)
CANARIES, LEVEL, SHOWN = 1_000, 0.05, 10
FIXED = (0.1, 0.1)


def ideal() -> list[str]:
    """Return how much of epsilon 2,000 trials of the Gaussian mechanism show, as rows."""
    names = ("mu", "epsilon", "both counts together", "two Clopper-Pearson limits, mu", "Clopper-Pearson, (epsilon, delta)")
    rows = [f"| {' | '.join(names)} |\n|{'---:|' * len(names)}"]
    for mu in (1.0, 2.0):
        right, wrong = (Share(hits=round(1_000 * float(norm.cdf(side * mu / 2))), total=1_000) for side in (1, -1))
        true = gaussian_epsilon(mu, CLAIM.delta)
        best = max(_single_epsilon(mu, float(at)) for at in np.linspace(mu / 2, mu / 2 + 3, 200))
        shown = (gaussian_epsilon(refuting.least_mu(right, wrong, LEVEL), CLAIM.delta), epsilon.gaussian(right, wrong, CLAIM.delta), best)
        rows.append(f"| {mu:g} | {true:.2f} | {' | '.join(f'{each / true:.0%}' for each in shown)} |")
    return rows


def _single_epsilon(mu: float, threshold: float) -> float:
    """Return what Clopper and Pearson's limits show at one epsilon and delta with a threshold."""
    right, wrong = (Share(hits=round(1_000 * float(norm.sf(threshold - centre))), total=1_000) for centre in (mu, 0.0))
    return epsilon.exact(right, wrong, CLAIM.delta)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What one training showed: f-DP and Steinke's epsilon."""

    whole: float
    steinke: float


def single(family: Family, factor: float, score: Callable[[Floats], Floats], shares: tuple[float, float]) -> Shown:
    """Return the mean over trainings of what guesses by a score show, with so many times the claimed noise."""
    found = []
    for run in range(SHOWN):
        z, coins = one_run.simulated(CLAIM, CANARIES, factor, np.random.default_rng([run, 0]))
        guesses = onerun.guess(score(z), coins, *shares)

        def refuted(curve: Curve, guesses: onerun.Guesses = guesses) -> bool:
            return one_run.refutes(guesses, curve, LEVEL)

        found.append((family.shown(refuted), onerun.bound(guesses, CLAIM.delta, LEVEL)))
    whole, steinke = (float(each) for each in np.mean(found, axis=0))
    return Shown(whole=whole, steinke=steinke)


def training(family: Family) -> list[str]:
    """Return what one training shows, exact and with half the noise, by both scores, as rows."""
    design = one_run.designed(family, CANARIES, LEVEL)
    chosen = (design.accused, design.cleared)
    scores: Sequence[tuple[str, Callable[[Floats], Floats]]] = (
        ("likelihood ratio", one_run.score_of(CLAIM)),
        ("inner products", likelihood.inner_products),
    )
    rows = ["| noise | score | accused, cleared | f-DP against the claim's family | Steinke |\n|---|---|---|---:|---:|"]
    for factor, name in ((1.0, "as claimed"), (0.5, "halved")):
        for title, score in scores:
            for shares in (FIXED, chosen):
                found = single(family, factor, score, shares)
                rows.append(f"| {name} | {title} | {shares[0]:g}, {shares[1]:g} | {found.whole:.2f} | {found.steinke:.2f} |")
    return rows


def null(runs: int, family: Family) -> tuple[list[str], bool]:
    """Return how often each test and bound is wrong on trainings that are as claimed, as rows; and whether all hold."""
    limit = float(binom.isf(0.001, runs, LEVEL))
    found = {name: sum(each) for name, each in _wrong(runs, family).items()}
    rows = [f"| test or bound | wrong in {runs} | at most {limit:.0f} pass |\n|---|---:|---|"]
    rows += [f"| {name} | {count} | {_passes(name, count, limit)} |" for name, count in found.items()]
    return rows, all(count <= limit for name, count in found.items() if "estimate" not in name)


def _passes(name: str, count: int, limit: float) -> str:
    if "estimate" in name:
        return "an estimate, not a bound"
    return "yes" if count <= limit else "**NO**"


def _wrong(runs: int, family: Family) -> dict[str, list[bool]]:
    small = Family(claim=WHOLE)
    mu, true = float(WHOLE.mu or 0), family.epsilon()
    wrong: dict[str, list[bool]] = {}
    for run in range(runs):
        rng = np.random.default_rng([run, 1])
        told = {**_steps(rng), **_once(rng, family, true), **_often(rng, small, mu)}
        sampled = inclusion.poisson_ps(rng.random((200, 400)) < CLAIM.rate, CLAIM.rate)
        told["sampler test"] = together(sampled) <= LEVEL
        for name, each in told.items():
            wrong.setdefault(name, []).append(bool(each))
    return wrong


def _steps(rng: np.random.Generator) -> dict[str, bool]:
    inside, outside = (WHOLE.noise_multiplier * rng.normal(size=(400, 20)) for _ in range(2))
    inside[:, 3] += 1.0
    case = step.given(inside, outside, rng, known=np.eye(20)[3], unit=1.0, tensors=(8, 12))
    known = shift.measured(case.inside[:, 0], case.outside[:, 0])
    return {
        "step test": together(step.looks(case, WHOLE)) <= LEVEL,
        "step test, lower limit of mu": shift.least_mu(known, LEVEL) > WHOLE.step_mu,
    }


def _once(rng: np.random.Generator, family: Family, true: float) -> dict[str, bool]:
    z, coins = one_run.simulated(CLAIM, CANARIES, 1.0, rng)
    scores = one_run.score_of(CLAIM)(z)
    guesses = onerun.guess(scores, coins, *FIXED)
    return {
        "one run, f-DP against the claim": one_run.refutes(guesses, family.curve(), LEVEL),
        "one run, Steinke": onerun.bound(guesses, CLAIM.delta, LEVEL) > true,
        "one run, two normal laws (estimate)": gaussian_pair.fitted(scores, coins).epsilon(CLAIM.delta) > true,
    }


def _often(rng: np.random.Generator, family: Family, mu: float) -> dict[str, bool]:
    _, (right, wrong) = trainings.counts(rng.normal(mu, 1, 500), rng.normal(0, 1, 500), family.curve())
    return {
        "many trainings, against the claim": refuting.p_value(right, wrong, Permits.curve(family.curve())) <= LEVEL,
        "many trainings, Gaussian": refuting.p_value(right, wrong, Permits.gaussian(mu)) <= LEVEL,
        "many trainings, Clopper-Pearson": epsilon.exact(right, wrong, WHOLE.delta, LEVEL) > family.epsilon(),
    }


def resolved() -> str:
    """Return what 10,000 replays a side resolve."""
    powers = ", ".join(f"{shift.power(1.05, 1.0, 10_000, level):.0%} at level {level:.0%}" for level in (0.05, 0.01))
    return f"Noise 5 % too quiet at sigma 1, one canary along its known direction, 10,000 replays a side: seen with {powers}."


def main() -> int:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "DP_BOUNDS.md")
    given = parser.parse_args()
    family = Family(claim=CLAIM)
    rows, holds = null(given.runs, family)
    say("null runs done")
    text = [
        "# What DP instruments show on known mechanisms",
        "Written by `python -m benchmarks.dp_bounds`; nothing here is edited by hand. Delta 1e-5, level 5 %.",
        "## Many trainings: the share of epsilon that 2,000 trials of the Gaussian mechanism show",
        "\n".join(ideal()),
        "## One step",
        resolved(),
        f"## One run: sigma 1, rate .05, 200 steps, 1,000 canaries; the claim is epsilon {family.epsilon():.2f}",
        f"Means of {SHOWN} trainings. Shares are fixed, or chosen beforehand to see noise halved in secret.",
        "\n".join(training(family)),
        "## Trainings that are as claimed",
        "\n".join(rows),
    ]
    given.out.write_text("\n\n".join(text) + "\n", encoding="utf-8")
    say(f"wrote {given.out}; {'every bound holds' if holds else 'A BOUND FAILS'}")
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
