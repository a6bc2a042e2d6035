"""What shadow models buy: every attack that needs answers alone, with 2 to 64 of them, paired over the same turns.

    python -m benchmarks.power [digits] [location30] [fashion-mnist] [--kept DIR] [--turns N]

For each data set 66 models (Fashion-MNIST: 48) of `ann` and of `snn` are trained once, on coins of their own. In each turn one of them is
the target and the first so many of the others, in an order drawn for the turn, are its shadow models: all attacks see the same, and
larger counts contain smaller ones. Answers and results are kept in a folder, part by part, and what is there is not computed again.
Attacks that fit a classifier are measured where LEARNT says, since theirs is most of the time. Writes reports/power.md and power.json.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from benchmarks.setting import data_root
from benchmarks.table import say
from mia_audit.attacks import ATTACKS, Attack
from mia_audit.attacks.budget import judged
from mia_audit.audit.bank.prepared import gather
from mia_audit.audit.request.options import Options, describe
from mia_audit.data import design
from mia_audit.data.examples import load
from mia_audit.statistics.roc import auc
from mia_audit.streams import stream
from mia_audit.training import plan, schedule
from mia_audit.training.material import material
from mia_audit.training.store import Store
from mia_audit.types import Bools, Evidence, Floats, Ints, PopulationData

ROOT = Path(__file__).resolve().parent.parent
REPORT, NUMBERS = ROOT / "reports" / "power.md", ROOT / "reports" / "power.json"
TURNS = 32
MODELS: Mapping[str, int] = {"digits": 66, "location30": 66, "fashion-mnist": 48}
COUNTS = (2, 4, 8, 16, 32, 64)
KINDS = ("ann", "snn")
FPR = 0.01
AGAINST = "rmia-online"
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "digits": {},
    "location30": {},
    "fashion-mnist": {"data.pool": 3_000, "model.channels": [8, 16], "model.kernel": 3},
}
TITLES = {"digits": "digits", "location30": "Location-30", "fashion-mnist": "Fashion-MNIST, a pool of 3,000, channels 8 and 16"}
STEPS = {"location30": 4, "fashion-mnist": 4}
LEARNT = ("shadow-svm", "shadow-logistic", "shadow-boosting", "shadow-scikit", "shadow-features", "ensemble", "quantile-regression")
LEARNT_COUNTS, LEARNT_TURNS = (8, 64), 8
"""What they are measured at, on LEARNT_ON; they are none of those that this table is about."""
LEARNT_ON = "digits"


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Logits of all models on the pool [models, examples, classes] and on the population data, membership, labels and inputs."""

    pool: Floats
    third: Floats
    rows: Bools
    labels: Ints
    third_labels: Ints
    features: Floats
    third_features: Floats
    accuracy: float

    def turn(self, target: int, shadows: Ints) -> Evidence:
        """Return the evidence with one model as the target and some of the others as its shadow models."""
        third = PopulationData(
            target=self.third[target][None],
            shadows=self.third[shadows][:, None],
            labels=self.third_labels,
            features=self.third_features,
        )
        return Evidence(
            target=self.pool[target][None],
            shadows=self.pool[shadows][:, None],
            trained_on=self.rows[shadows],
            labels=self.labels,
            population=third,
            features=self.features,
        )


def answers(dataset: str, kind: str, kept: Path) -> Answers:
    """Return what a population answers, which is trained where the folder does not hold it."""
    path = kept / f"answers-{dataset}-{kind}.npz"
    if not path.exists():
        say(f"training {kind} on {dataset}")
        np.savez(path, **_trained(dataset, kind, kept))
    with np.load(path) as held:
        arrays: dict[str, Any] = {name: held[name] if held[name].ndim else float(held[name]) for name in held.files}
        return Answers(**arrays)


def _trained(dataset: str, kind: str, kept: Path) -> dict[str, Any]:
    steps = {"model.time_steps": STEPS[dataset]} if kind == "snn" and dataset in STEPS else {}
    settings = {"training.precision": "fp32", **SETTINGS[dataset], **steps}
    recipe = describe(kind, Options(dataset=dataset, seed=0, shadows=MODELS[dataset] - 2, settings=settings))
    examples = load(recipe, root=data_root(), offline=True, progress=lambda _: None)
    rows = design.membership(recipe, MODELS[dataset])
    tasks = plan.tasks(recipe, rows, examples.sha256, "cpu")
    machine = schedule.Machine(device="cpu", workers=1, progress=lambda share: say(f"  {share:.0%}"))
    bank = gather(schedule.run(tasks, material(recipe, examples), Store(folder=kept / "store"), machine).cohorts)
    return {
        "pool": bank.pool[:, 0],
        "third": bank.third[:, 0],
        "rows": rows,
        "labels": examples.pool_labels,
        "third_labels": examples.population_labels,
        "features": examples.pool_inputs.reshape(len(rows[0]), -1),
        "third_features": examples.population_inputs.reshape(len(examples.population_labels), -1),
        "accuracy": float((bank.test.mean(axis=1).argmax(axis=-1) == examples.test_labels).mean()),
    }


def wanted() -> tuple[Attack, ...]:
    """Return the attacks that need nothing but answers, one query of each, with their defaults."""
    return tuple(
        attack for attack in ATTACKS.values() if attack.needs <= {"shadows", "population", "features"} and attack.name != "ensemble-signals"
    )


def part(found: Answers, count: int, turns: int, *, learnt: bool = False) -> dict[str, Any]:
    """Return every attack's AUC and TPR by turn, and those of the attack it is compared with on the same examples.

    learnt: measure those that fit a classifier on many features too, in the turns that are theirs
    """
    results: dict[str, dict[str, list[float]]] = {}
    for turn in range(turns):
        others = stream(0, "power", turn).permutation(np.delete(np.arange(len(found.rows)), turn))[:count]
        seen, member = found.turn(turn, others), found.rows[turn]
        scores = {attack.name: _scored(attack, seen) for attack in _measured(learnt=learnt and turn < LEARNT_TURNS)}
        rival, _ = scores[AGAINST]
        for name, (score, can) in scores.items():
            if can.mean() < 0.02:
                continue
            row = results.setdefault(name, {"auc": [], "tpr": [], "rival_auc": [], "rival_tpr": [], "judged": []})
            for label, values in (("", score), ("rival_", rival)):
                row[f"{label}auc"].append(auc(values[can], member[can]))
                row[f"{label}tpr"].append(_tpr(values[can], member[can]))
            row["judged"].append(float(can.mean()))
    return results


def _measured(*, learnt: bool) -> tuple[Attack, ...]:
    return tuple(attack for attack in wanted() if learnt or attack.name not in LEARNT)


def _scored(attack: Attack, seen: Evidence) -> tuple[Floats, Bools]:
    """Return scores, 0 where an attack cannot judge, and where it can: the target's coins have no say in that."""
    can: Bools = judged(seen.trained_on, attack.shadows_per_side)
    if attack.name in {"rmia-offline", "lira-offline", "attack-r", "difficulty-calibration"}:
        can = np.logical_not(seen.trained_on.all(axis=0))
    scores = np.zeros(seen.examples)
    if can.any():
        scores[can] = attack.score(seen.only(can))
    return scores, can


def _tpr(scores: Floats, member: Bools) -> float:
    """Return the largest TPR of a threshold whose FPR is at most FPR."""
    bar = np.sort(scores[~member])[::-1][math.floor(FPR * (~member).sum())]
    return float((scores[member] > bar).mean())


def difference(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean over turns and half the width of its 95 % interval, by Student's t."""
    spread = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return float(np.mean(values)), spread * float(student.ppf(0.975, len(values) - 1))


def section(dataset: str, kind: str, accuracy: float, by_count: Mapping[int, Mapping[str, Mapping[str, list[float]]]]) -> str:
    """Return two tables of one population: AUC and TPR by count, each with its paired difference to RMIA."""
    names = sorted({name for found in by_count.values() for name in found}, key=lambda name: -_strength(name, by_count))
    lines = [f"## {TITLES[dataset]}, `{kind}`", f"Test accuracy {100 * accuracy:.1f} %."]
    for what, title in (("auc", "AUC"), ("tpr", "TPR at 1 % FPR, in %")):
        head = f"| {title} | " + " | ".join(f"{count} shadow models" for count in by_count) + " |"
        rows = [f"| {name} | " + " | ".join(_cell(found.get(name), what, name) for found in by_count.values()) + " |" for name in names]
        lines.append("\n".join([head, "|---|" + "---:|" * len(by_count), *rows]))
    return "\n\n".join(lines)


def _strength(name: str, by_count: Mapping[int, Mapping[str, Mapping[str, list[float]]]]) -> float:
    return max(float(np.mean(found[name]["auc"])) for found in by_count.values() if name in found)


def _cell(row: Mapping[str, list[float]] | None, what: str, name: str) -> str:
    if row is None:
        return "-"
    times, digits = (1, 4) if what == "auc" else (100, 2)
    value = f"{times * float(np.mean(row[what])):.{digits}f}"
    mark = "" if np.mean(row["judged"]) > 0.95 else f", of {100 * float(np.mean(row['judged'])):.0f} %"
    if name == AGAINST or len(row[what]) < 2:
        return value + mark
    mean, half = difference([times * (own - other) for own, other in zip(row[what], row[f"rival_{what}"], strict=True)])
    return f"{value} ({mean:+.{digits}f} ± {half:.{digits}f}{mark})"


def main() -> None:
    """Measure what the command line names, and draw all that was ever measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", choices=[*TITLES, []], default=[])
    parser.add_argument("--kept", type=Path, default=Path(tempfile.gettempdir()) / "mia-audit-power")
    parser.add_argument("--turns", type=int, default=TURNS)
    asked = parser.parse_args()
    asked.kept.mkdir(parents=True, exist_ok=True)
    for dataset in asked.datasets or TITLES:
        for kind in KINDS:
            found = answers(dataset, kind, asked.kept)
            for count in (count for count in COUNTS if count < len(found.rows)):
                learnt = dataset == LEARNT_ON and count in LEARNT_COUNTS
                path = asked.kept / f"part-{dataset}-{kind}-{count}.json"
                if not path.exists():
                    say(f"{dataset} {kind}: {count} shadow models")
                    result = {"accuracy": found.accuracy, "results": part(found, count, asked.turns, learnt=learnt)}
                    path.write_text(json.dumps(result), encoding="utf-8")
    draw(asked.kept)


def draw(kept: Path) -> None:
    """Write the report and its numbers from all parts of a folder."""
    sections, numbers = [], {}
    for dataset in TITLES:
        for kind in KINDS:
            paths = {count: kept / f"part-{dataset}-{kind}-{count}.json" for count in COUNTS}
            held = {count: json.loads(path.read_text(encoding="utf-8")) for count, path in paths.items() if path.exists()}
            if held:
                by_count = {count: each["results"] for count, each in held.items()}
                sections.append(section(dataset, kind, next(iter(held.values()))["accuracy"], by_count))
                numbers[f"{dataset} {kind}"] = {str(count): _rounded(found) for count, found in by_count.items()}
    REPORT.write_text("\n\n".join([HEAD, *sections]) + "\n", encoding="utf-8")
    NUMBERS.write_text(json.dumps(numbers, separators=(",", ":")) + "\n", encoding="utf-8")


def _rounded(found: Mapping[str, Mapping[str, list[float]]]) -> dict[str, dict[str, list[float]]]:
    return {name: {what: [round(value, 5) for value in values] for what, values in row.items()} for name, row in found.items()}


HEAD = f"""# What shadow models buy

Written by `python -m benchmarks.power`; no figure here is edited by hand, and reports/power.json holds every turn. Each cell: mean over
{TURNS} turns, in each of which another model is the target; in brackets the paired difference to `{AGAINST}` on the same turns and
examples, with its 95 % interval (Student's t over turns: of other networks on this pool; turns share shadow models). "Of 37 %": with so
few models the attack can judge only that share of the examples, and the comparison is on those. Populations of {MODELS["digits"]} models
(Fashion-MNIST: {MODELS["fashion-mnist"]}), fp32; `snn` runs for ten time steps on digits and four elsewhere. Left out: attacks that need
more queries or a look inside; those that fit a classifier on many features are measured on digits alone, with
{" and ".join(map(str, LEARNT_COUNTS))} shadow models, in {LEARNT_TURNS} turns."""


if __name__ == "__main__":
    main()
