"""Covering off the null: planted Gaussian leaks, 20 retrained populations, and turns against fresh targets."""

from collections.abc import Callable, Iterator

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import binom, norm

from benchmarks import null_networks as networks
from benchmarks.null_audits import Models
from mia_audit.attacks.attack import Attack
from mia_audit.attacks.cards import load_attacks
from mia_audit.statistics.delong import auc_interval
from mia_audit.statistics.interval import Interval
from mia_audit.statistics.proportions import balanced_accuracy, rates_above
from mia_audit.statistics.rates import tpr_interval
from mia_audit.statistics.roc import auc
from mia_audit.statistics.turns import Turns, each_auc, mean_auc, pooled_tpr
from mia_audit.types import Bools, Floats

TRIALS = 2_000
BAND = (0.93, 0.97)
POPULATIONS = 20
MODELS = 18
SHADOWS = (4, 8, 16, 64)

Estimator = Callable[[Floats, Bools, np.random.Generator], Interval]


def sections(share: int) -> tuple[str, int]:
    """Return the coverage tables and how many of their rows fail."""
    lines, failed = [], 0
    for what, truth, rate, trials, passes in gaussian(TRIALS // share):
        lines.append(f"| {what} | {truth:.4f} | {trials:,} | {rate:.3f} | {_yes(passes)} |")
        failed += not passes
    head = "| 95 % interval of | truth | audits | covered | passes (93-97 %) |\n|---|---:|---:|---:|---|"
    parts = ["## Coverage of planted Gaussian leaks", "\n".join([head, *lines])]
    for section, bad in (retrained(max(2, POPULATIONS // share)), turns_against_fresh()):
        parts.append(section)
        failed += bad
    return "\n\n".join(parts), failed


def gaussian(trials: int) -> Iterator[tuple[str, float, float, int, bool]]:
    """Yield each interval's coverage of a leak whose size is known: unit Gaussians `gap` apart."""
    for side in (100, 1_000):
        for gap in (0.0, 0.25, 1.0, 2.5):
            rows: list[tuple[str, float, Estimator]] = [
                ("AUC", norm.cdf(gap / np.sqrt(2)), lambda s, m, _: auc_interval(s, m)),
                ("TPR at 10 % FPR", norm.sf(norm.isf(0.1) - gap), lambda s, m, rng: tpr_interval(s, m, 0.1, rng)),
                (
                    "balanced accuracy",
                    (norm.sf(0.5 - gap) + norm.cdf(0.5)) / 2,
                    lambda s, m, _: balanced_accuracy(*rates_above(s, m, 0.5)),
                ),
            ]
            if side == 1_000:
                rows.append(("TPR at 1 % FPR", norm.sf(norm.isf(0.01) - gap), lambda s, m, rng: tpr_interval(s, m, 0.01, rng)))
            for what, truth, estimator in rows:
                rate = _covered(estimator, float(truth), side, gap, trials)
                slack = 4 * np.sqrt(0.05 * 0.95 / trials)
                above = 0.995 if "TPR" in what else BAND[1]  # TPR intervals are never narrower than Clopper-Pearson's: conservative
                yield f"{what}, {side} a side, gap {gap:g}", float(truth), rate, trials, BAND[0] - slack / 4 <= rate <= above + slack / 4


def _covered(estimator: Estimator, truth: float, side: int, gap: float, trials: int) -> float:
    member = np.arange(2 * side) < side

    def chunk(seed: int) -> int:
        rng = np.random.default_rng([seed, side, int(100 * gap)])
        found = (estimator(rng.normal(size=2 * side) + gap * member, member, rng) for _ in range(100))
        return sum(one.low <= truth <= one.high for one in found)

    seeds = range(max(1, trials // 100))
    covered: list[int] = list(Parallel(n_jobs=-1)(delayed(chunk)(seed) for seed in seeds))
    return sum(covered) / (100 * len(seeds))


def turns_of(models: Models, attack: Attack) -> Turns:
    """Return every model's turn as the target, the others as its shadow models."""
    count = len(models.rows)
    scores, judged = np.zeros(models.rows.shape), np.zeros(models.rows.shape, dtype=np.bool_)
    for turn in range(count):
        rest = [index for index in range(count) if index != turn]
        judged[turn] = models.judged_by(rest, attack)
        scores[turn, judged[turn]] = attack.score(models.evidence(turn, rest, judged[turn]))
    return Turns(scores=scores, member=models.rows, judged=judged)


def retrained(populations: int) -> tuple[str, int]:
    """Return how often the interval of one population holds the mean of all: other seeds, other digits, other coins."""
    lines, failed = [], 0
    trained = [networks.population(seed, MODELS) for seed in range(1, populations + 1)]
    for name in ("loss", "lira-online"):
        _, attack = load_attacks((name,))[0]
        turns = [turns_of(models, attack) for models in trained]
        rng = np.random.default_rng(0)
        for what, found in (
            ("mean AUC over turns", [mean_auc(one, rng) for one in turns]),
            ("pooled TPR at 1 % FPR", [pooled_tpr(one, 0.01, rng) for one in turns]),
        ):
            truth = float(np.mean([one.value for one in found]))
            hits = sum(one.low <= truth <= one.high for one in found)
            enough = hits >= binom.ppf(0.001, populations, 0.95)
            failed += not enough
            lines.append(f"| {name} | {what} | {truth:.4f} | {hits} of {populations} | {_yes(enough)} |")
    head = f"| attack | interval of | mean over {populations} populations | hold it | passes |\n|---|---|---:|---:|---|"
    title = f"## Coverage on {populations} retrained populations of {MODELS} networks, each with other digits, seeds and coins"
    return "\n\n".join([title, "\n".join([head, *lines])]), failed


def turns_against_fresh() -> tuple[str, int]:
    """Return whether leave-one-out turns find what the same number of shadow models finds on a target that is none of them."""
    models = networks.population()
    lines, failed = [], 0
    for name in ("loss", "lira-online"):
        _, attack = load_attacks((name,))[0]
        for shadows in SHADOWS:
            parts = np.array_split(np.arange(len(models.rows)), len(models.rows) // (shadows + 1))
            groups: list[list[int]] = [part[: shadows + 1].tolist() for part in parts]
            left_out = [float(np.mean(each_auc(turns_of(models.only(own), attack)))) for own in groups]
            fresh = [_fresh(models, own, other[:shadows], attack) for own, other in zip(groups, groups[1:] + groups[:1], strict=True)]
            differences = np.subtract(left_out, fresh)
            error = np.std(differences, ddof=1) / np.sqrt(len(groups))
            passes = abs(np.mean(differences)) <= 2 * error
            failed += not passes
            lines.append(
                f"| {name} | {shadows} | {len(groups)} | {np.mean(left_out):.4f} | {np.mean(fresh):.4f} | {np.mean(differences):+.4f} "
                f"| {error:.4f} | {_yes(passes)} |"
            )
    head = "| attack | shadow models | groups | leave-one-out AUC | fresh-target AUC | difference | standard error | within two |"
    return "\n\n".join(
        ["## Leave-one-out turns against fresh targets", "\n".join([head, "|---|---:|---:|---:|---:|---:|---:|---|", *lines])]
    ), failed


def _fresh(models: Models, targets: list[int], shadows: list[int], attack: Attack) -> float:
    """Return the mean AUC of the same targets, attacked with shadow models of another group."""
    examples = models.judged_by(shadows, attack)
    found = [auc(attack.score(models.evidence(target, shadows, examples)), models.rows[target][examples]) for target in targets]
    return float(np.mean(found))


def _yes(passes: bool) -> str:
    return "yes" if passes else "**NO**"
