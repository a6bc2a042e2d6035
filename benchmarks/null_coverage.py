"""Covering off the null: planted Gaussian leaks, 20 retrained populations, and turns against fresh targets."""

from collections.abc import Callable

import numpy as np
from scipy.stats import binom, norm
from scipy.stats import t as student

from benchmarks import null_networks as networks
from benchmarks.null_audits import Models
from benchmarks.null_parts import Result, spread
from mia_audit.attacks.attack import Attack
from mia_audit.attacks.cards import load_attacks
from mia_audit.statistics.band import band
from mia_audit.statistics.delong import auc_interval
from mia_audit.statistics.interval import Interval
from mia_audit.statistics.nulltest import holm
from mia_audit.statistics.proportions import balanced_accuracy, rates_above
from mia_audit.statistics.rates import tpr_interval
from mia_audit.statistics.roc import auc
from mia_audit.statistics.turns import Turns, each_auc, mean_auc, pooled_tprs
from mia_audit.types import Bools, Floats

BAND = (0.93, 0.97)
POPULATIONS = 70
MODELS = 18
BANDS = ((100, 100, 0.0), (100, 100, 1.0), (1_000, 1_000, 0.0), (1_000, 1_000, 1.0), (1_000, 1_000, 2.5), (300, 30, 1.0), (30, 300, 1.0))
"""Members, non-members and gap of the curves that a band is drawn around."""
SHADOWS = (4, 8, 16, 64)
GROUPS = 6
"""Groups of 65 networks that turns and fresh targets are compared on."""
MOST_GROUPS = 30
"""Of smaller groups there are more than are needed."""

Estimator = Callable[[Floats, Bools, np.random.Generator], Interval]


def gaussian(trials: int) -> Result:
    """Return each interval's coverage of a leak whose size is known: unit Gaussians `gap` apart."""
    lines, failed = [], 0
    for side in (100, 1_000):
        for gap in (0.0, 0.25, 1.0, 2.5):
            for what, truth, estimator in _estimators(side, gap):
                covered, below, above = _covered(estimator, truth, side, gap, trials)
                failed += covered < BAND[0]
                shares = f"{covered:.3f} | {below:.3f} | {above:.3f}"
                lines.append(f"| {what}, {side} a side, gap {gap:g} | {truth:.4f} | {trials:,} | {shares} | {_verdict(covered)} |")
    head = (
        "| 95 % interval of | truth | audits | covered | wholly below | wholly above | passes (93-97 %) |\n"
        "|---|---:|---:|---:|---:|---:|---|"
    )
    wide = sum("wider" in line for line in lines)
    how = (
        f"A row fails below 93 %. {wide} of {len(lines)} rows cover more than 97 %: of a TPR no interval is narrower than Clopper and "
        "Pearson's at a known threshold, which is wider than it need be."
    )
    section = "\n\n".join(["## Coverage of planted Gaussian leaks", how, "\n".join([head, *lines])])
    return Result(section=section, failed=failed, rows=len(lines))


def _estimators(side: int, gap: float) -> list[tuple[str, float, Estimator]]:
    """Return intervals and their truths."""
    rows: list[tuple[str, float, Estimator]] = [
        ("AUC", float(norm.cdf(gap / np.sqrt(2))), lambda s, m, _: auc_interval(s, m)),
        ("TPR at 10 % FPR", float(norm.sf(norm.isf(0.1) - gap)), lambda s, m, rng: tpr_interval(s, m, 0.1, rng)),
        (
            "balanced accuracy",
            float(norm.sf(0.5 - gap) + norm.cdf(0.5)) / 2,
            lambda s, m, _: balanced_accuracy(*rates_above(s, m, 0.5)),
        ),
    ]
    if side == 1_000:
        rows.append(("TPR at 1 % FPR", float(norm.sf(norm.isf(0.01) - gap)), lambda s, m, rng: tpr_interval(s, m, 0.01, rng)))
    return rows


def _covered(estimator: Estimator, truth: float, side: int, gap: float, trials: int) -> tuple[float, float, float]:
    """Return how often an interval holds the truth, lies below it, and lies above it."""
    member = np.arange(2 * side) < side

    def once(rng: np.random.Generator) -> tuple[bool, bool, bool]:
        found = estimator(rng.normal(size=2 * side) + gap * member, member, rng)
        return found.low <= truth <= found.high, found.high < truth, found.low > truth

    shares = np.mean(list(spread(once, range(trials), 10_000 * side + int(100 * gap))), axis=0)
    return float(shares[0]), float(shares[1]), float(shares[2])


def _verdict(covered: float) -> str:
    return "**NO**" if covered < BAND[0] else "wider" if covered > BAND[1] else "yes"


def bands(trials: int) -> Result:
    """Return how often the simultaneous band of the ROC curve holds the whole of it, on a grid of false positive rates."""
    grid, lines, failed = np.geomspace(1e-3, 1, 60), [], 0
    for members, others, gap in BANDS:
        truth, member = norm.sf(norm.isf(grid) - gap), np.arange(members + others) < members

        def once(rng: np.random.Generator, gap: float = gap, truth: Floats = truth, member: Bools = member) -> bool:
            found = band(rng.normal(size=member.size) + gap * member, member, grid, rng)
            return bool(((found.low <= truth + 1e-12) & (truth <= found.high + 1e-12)).all())

        covered = float(np.mean(list(spread(once, range(trials), 7_000 + members + others + int(10 * gap)))))
        failed += covered < BAND[0] - 0.02
        lines.append(f"| {members} | {others} | {gap:g} | {trials:,} | {covered:.3f} | {_verdict(covered + 0.02 * (covered < BAND[0]))} |")
    head = "| members | non-members | gap | audits | curve held | passes (93-97 %, less 2 % for so few) |\n|---:|---:|---:|---:|---:|---|"
    return Result(section="\n\n".join(["## Coverage of the simultaneous band", "\n".join([head, *lines])]), failed=failed, rows=len(lines))


def turns_of(models: Models, attack: Attack) -> Turns:
    """Return every model's turn as the target, the others as its shadow models."""
    count = len(models.rows)
    scores, judged = np.zeros(models.rows.shape), np.zeros(models.rows.shape, dtype=np.bool_)
    for turn in range(count):
        rest = [index for index in range(count) if index != turn]
        judged[turn] = models.judged_by(rest, attack)
        scores[turn, judged[turn]] = attack.score(models.evidence(turn, rest, judged[turn]))
    return Turns(scores=scores, member=models.rows, judged=judged)


def retrained(populations: int) -> Result:
    """Return how often the interval of one population holds the mean of all: other seeds, other digits, other coins."""
    lines, failed = [], 0
    trained = [networks.plain(seed, MODELS) for seed in range(1, populations + 1)]
    for name in ("loss", "lira-online", "rmia-online"):
        _, attack = load_attacks((name,))[0]
        turns = [turns_of(models, attack) for models in trained]
        rng = np.random.default_rng(0)
        for what, found in (
            ("mean AUC over turns", [mean_auc(one).interval() for one in turns]),
            ("pooled TPR at 1 % FPR", [pooled_tprs(one, (0.01,), rng)[0].interval() for one in turns]),
        ):
            values = [one.value for one in found if one.value is not None]
            truth = float(np.mean(values))
            hits = sum(one.low <= truth <= one.high for one in found)
            enough = hits >= binom.ppf(0.001, populations, 0.95)
            failed += not enough
            deviation = float(np.std(values, ddof=1))
            width = float(np.mean([one.high - one.low for one in found]))
            lines.append(
                f"| {name} | {what} | {truth:.4f} | {deviation:.4f} | {2 * norm.ppf(0.975) * deviation:.4f} | {width:.4f} "
                f"| {hits} of {populations} ({hits / populations:.3f}) | {_yes(enough)} |"
            )
    head = (
        f"| attack | interval of | mean over {populations} populations | deviation | width that would do | mean width | hold it | passes |"
        "\n|---|---|---:|---:|---:|---:|---|---|"
    )
    title = f"## Coverage on {populations} retrained populations of {MODELS} networks, each with other digits, seeds and coins"
    how = (
        f"So few cannot tell 95 % from 93 or 97: a row fails where intervals that cover 95 % would hold the mean as rarely once in a "
        f"thousand times, below {binom.ppf(0.001, populations, 0.95):.0f} of {populations}."
    )
    return Result(section="\n\n".join([title, how, "\n".join([head, *lines])]), failed=failed, rows=len(lines))


def turns_against_fresh(most: int) -> Result:
    """Return whether leave-one-out turns find what the same number of shadow models finds on a target that is none of them."""
    models = networks.plain(0, most * (max(SHADOWS) + 1))
    lines, p_values, near = [], [], 0
    for name in ("lira-online", "rmia-online"):
        _, attack = load_attacks((name,))[0]
        for shadows in SHADOWS:
            groups = np.arange(len(models.rows) // (shadows + 1) * (shadows + 1)).reshape(-1, shadows + 1)[:MOST_GROUPS].tolist()
            left_out = [float(np.mean(each_auc(turns_of(models.only(own), attack)))) for own in groups]
            fresh = [_fresh(models, own, other[:shadows], attack) for own, other in zip(groups, groups[1:] + groups[:1], strict=True)]
            differences = np.subtract(left_out, fresh)
            error = float(np.std(differences, ddof=1) / np.sqrt(len(groups)))
            ratio = float(np.mean(differences)) / error
            p_values.append(2 * float(student.sf(abs(ratio), len(groups) - 1)))
            near += abs(ratio) <= 2
            lines.append(
                f"| {name} | {shadows} | {len(groups)} | {np.mean(left_out):.4f} | {np.mean(fresh):.4f} | {np.mean(differences):+.4f} "
                f"| {error:.4f} | {'yes' if abs(ratio) <= 2 else 'no'} | {p_values[-1]:.3f} |"
            )
    head = "| attack | shadow models | groups | leave-one-out AUC | fresh-target AUC | difference | standard error | within two | p |"
    joint = min(holm(p_values))
    passes = near == len(lines) or joint >= 0.05
    verdict = (
        f"{near} of {len(lines)} within two standard errors; where there is no difference one row in twenty is not. "
        f"Jointly: smallest p after Holm {joint:.3f}. Passes (all within two, or none stands out jointly): {_yes(passes)}."
    )
    return Result(
        section="\n\n".join(
            [
                "## Leave-one-out turns against fresh targets",
                verdict,
                "\n".join([head, "|---|---:|---:|---:|---:|---:|---:|---|---:|", *lines]),
            ]
        ),
        failed=int(not passes),
        rows=1,
    )


def _fresh(models: Models, targets: list[int], shadows: list[int], attack: Attack) -> float:
    """Return the mean AUC of the same targets, attacked with shadow models of another group."""
    examples = models.judged_by(shadows, attack)
    found = [auc(attack.score(models.evidence(target, shadows, examples)), models.rows[target][examples]) for target in targets]
    return float(np.mean(found))


def _yes(passes: bool) -> str:
    return "yes" if passes else "**NO**"
