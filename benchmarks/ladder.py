"""The reference table of attacks: every attack on `ann` and `snn`, 64 shadow models, on digits, Fashion-MNIST and Location-30.

    python benchmarks/ladder.py [digits] [fashion-mnist] [location30] [--store DIR] [--workers N]

Each audit is the command that its line in the table shows. What an audit found is kept in the store's folder as a record; the
table, reports/attacks.md, is drawn from the records that are there. Adaptive queries of a convolutional network on 10,000 images
take hours on a CPU, so on Fashion-MNIST there are the attacks that put one query or a few, and four time steps instead of ten. Where
every attack is run, the turns of other networks are left out: the ensemble of all signals would take its part 66 times.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from mia_audit.record import AttackResult, Estimate, Record, load

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "reports" / "attacks.md"
KINDS = ("ann", "snn")
TITLES = {"digits": "digits", "fashion-mnist": "Fashion-MNIST, a pool of 10,000", "location30": "Location-30"}
NOTES = {
    "fashion-mnist": "Attacks whose queries are many or build on each other are left out here, since 66 convolutional networks would "
    "answer them for hours on a CPU; the spiking network runs for four steps instead of ten."
}
FEW = (
    "quick", "shokri", "attack-p", "attack-r", "quantile-regression", "modified-entropy-class", "shadow-features", "difficulty-calibration",
    "rmia-offline", "lira-offline", "lira-per-example", "lira-shrunken", "trajectory-lira", "loss-trajectory", "sequence", "gradient-norm",
    "gradient-lira", "gradient-classifier", "ensemble",
)  # fmt: skip
SPIKING = ("time-sweep-lira", "membrane-lira", "spike-lira", "step-classifier", "firing-signature", "energy")


def command(dataset: str, kind: str) -> list[str]:
    """Return the arguments of one audit."""
    few = (*FEW, *SPIKING) if kind == "snn" else FEW
    attacks = ",".join(few) if dataset == "fashion-mnist" else "full"
    settings = ["training.checkpoints=[4,8]"] if dataset == "fashion-mnist" else ["training.checkpoints=[10,20]", "audit.turns=false"]
    if dataset == "fashion-mnist" and kind == "snn":
        settings.append("model.time_steps=4")
    asked = [word for setting in settings for word in ("--set", setting)]
    return ["run", "--target", kind, "--dataset", dataset, "--shadows", "64", "--attacks", attacks, "--offline", *asked]


def audited(dataset: str, kind: str, folder: Path, workers: int) -> Record:
    """Return the record of one audit, which is run where there is none yet."""
    out = folder / "ladder" / f"{dataset}-{kind}"
    if not (out / "record.json").exists():
        places = ["--store", str(folder), "--out", str(out), "--workers", str(workers)]
        subprocess.run([str(Path(sys.executable).with_name("mia-audit")), *command(dataset, kind), *places], check=True)
    return load(out)


def section(dataset: str, records: dict[str, Record]) -> str:
    """Return the table of one data set, strongest attack on the spiking network first."""
    results = {kind: {attack.name: attack for attack in record.summary.attacks} for kind, record in records.items()}
    names = sorted({name for found in results.values() for name in found}, key=lambda name: -_strength(name, results))
    head = "| attack | access | " + " | ".join(f"{kind}: AUC | TPR at 1 % FPR" for kind in records) + " |"
    lines = [head, "|---|---|" + "---:|---:|" * len(records)]
    lines += [
        f"| {name} | {_access(name, results)} | {' | '.join(_cells(found.get(name)) for found in results.values())} |" for name in names
    ]
    words = [_words(dataset, kind, record) for kind, record in records.items()]
    note = [NOTES[dataset]] if dataset in NOTES else []
    return "\n\n".join([f"## {TITLES[dataset]}", *words, *note, "\n".join(lines)])


def _words(dataset: str, kind: str, record: Record) -> str:
    summary = record.summary
    best = summary.strongest
    failed = [control.name for control in summary.controls if control.passed is False]
    return (
        f"`{kind}`: test accuracy {_share(summary.utility.test_accuracy)}; headline, chosen on shadow models, **{best.name}**: AUC "
        f"{_number(best.auc)}. Controls: {'none failed' if not failed else 'FAILED: ' + ', '.join(failed)}. "
        f"{summary.counts.audited_members:,} members, {summary.counts.audited_nonmembers:,} non-members. Record {record.id[:8]}:\n"
        f"`mia-audit {' '.join(command(dataset, kind))}`"
    )


def _strength(name: str, results: dict[str, dict[str, AttackResult]]) -> float:
    return max(found[name].auc.value or 0.0 for found in results.values() if name in found)


def _access(name: str, results: dict[str, dict[str, AttackResult]]) -> str:
    return next(found[name].access for found in results.values() if name in found)


def _cells(attack: AttackResult | None) -> str:
    if attack is None:
        return "- | -"
    rate = next(each for each in attack.tpr_at_fpr if each.fpr == 0.01)
    return f"{_number(attack.auc)} | {_share(rate.tpr)}"


def _number(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _share(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"at most {100 * estimate.high:.1f} %"
    return f"{100 * estimate.value:.1f} % ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def main() -> None:
    """Run the audits that the command line names and write the table of all that were ever run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", choices=[*TITLES, []], default=[])
    parser.add_argument("--store", type=Path, default=Path.home() / ".cache" / "mia-audit" / "store")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    asked = parser.parse_args()
    parts = [section(name, {kind: audited(name, kind, asked.store, asked.workers) for kind in KINDS}) for name in asked.datasets or TITLES]
    head = (
        "# Every attack on an ordinary and a spiking network\n\n"
        "Written by `python benchmarks/ladder.py`; no figure here is edited by hand. Intervals are 95 %, of one target each: they tell how "
        "well this network's leak is known, not how much networks of its kind differ. An attack above the others by chance is no "
        'headline; that one was chosen on shadow models. "At most": this many non-members do not resolve the rate.'
    )
    REPORT.write_text("\n\n".join([head, *parts]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
