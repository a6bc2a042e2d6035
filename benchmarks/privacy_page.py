"""DP-trained targets, their claim put to the test by every instrument: the table reports/privacy.md, from the records in reports/privacy.

    python -m benchmarks.privacy_page [--instruments] [--replays 2000]

Records are made by `python benchmarks/reports.py privacy` (the whole size, hours) or `privacy-small`. --instruments: replay a step of each
private recipe, and train it once more with 1,000 canaries; what comes out is kept in reports/privacy/instruments.json, and what is there
is not measured again. Without it the table is written from what is there, and names what is not.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import mia_audit
from benchmarks.dp_canaries import pool_of, watched
from benchmarks.dp_engine import Replayer, claim_of, step_of
from benchmarks.setting import data_root, one_thread
from benchmarks.table import say
from mia_audit.instruments import one_run
from mia_audit.instruments.family import Family
from mia_audit.instruments.verdict import Finding
from mia_audit.privacy.stated import epsilon_of
from mia_audit.recipe import Recipe
from mia_audit.record import Record
from mia_audit.training.lockstep import Pool

ROOT = Path(__file__).resolve().parent.parent
FOLDER, PAGE = ROOT / "reports" / "privacy", ROOT / "reports" / "privacy.md"
SIGMAS = ("0.5", "1.0", "1.6", "none")
NAMES = tuple(f"{target}-{sigma}" for sigma in SIGMAS for target in ("dp-snn", "dp-ann"))
CANARIES = 1_000
LEVEL = 0.05
GLARE = 10.0
"""How much brighter than a picture the step test's canary is: its gradient is clipped, whatever the parameters."""

TITLE = """# Differential privacy: what is claimed, and what instruments show

Written by `python -m benchmarks.privacy_page`; nothing here is edited by hand."""
READING = f"""Epsilon is claimed under add/remove over all epochs, by privacy loss distributions. It is shown from below, each at level 5 %:
by one step that is replayed with a canary and without, read as the noise of the whole training; by one training with {CANARIES:,} canaries
(f-DP); and by a black box, the headline attack's guesses at the coins of one training. AUC and TPR are the headline's on the target, with
95 % intervals. Targets of one noise share their seed, hence noise, coins and canaries of the one run, which see the same of both."""
HEAD = """| target | noise | test accuracy | claimed | step | one run | black box | AUC | TPR at 1 % FPR | verdicts |
|---|---:|---|---:|---:|---:|---:|---|---|---|"""
VERDICTS = """Verdicts: of the step, of one run, of the black box. How good an attack on answers alone is, nobody knows: that it refutes
nothing never makes a claim consistent."""
AGAIN = """Again: `python benchmarks/reports.py privacy` (the whole size: pool 20,000, 20 epochs, 32 shadow models) or `privacy-small`, then
`python -m benchmarks.privacy_page --instruments`."""


def measured(recipe: Recipe, replays: int) -> dict[str, Any]:
    """Return what the step test and one run say of a private recipe, as JSON."""
    pool, claim = pool_of(recipe, data_root()), claim_of(recipe)
    step = step_of(Replayer(recipe=_plain(recipe), pool=_with_canary(pool)), replays, level=LEVEL)
    seen = watched(recipe, pool, CANARIES)
    once = one_run.judged(seen.arrays["projections"], seen.arrays["coins"], one_run.designed(Family(claim=claim), CANARIES, LEVEL))
    least = step.numbers["mu at least"]
    by_step = epsilon_of(claim.with_noise(claim.step_mu / least)) if least > 0 else 0.0
    return {
        "claim": asdict(claim),
        "replays": replays,
        "canaries": CANARIES,
        "step": _said(step) | {"epsilon": by_step},
        "one run": _said(once),
    }


def _plain(recipe: Recipe) -> Recipe:
    """Return the recipe with a learning rate of 1: then what a step moves is what it releases."""
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"learning_rate": 1.0})})


def _with_canary(pool: Pool) -> Pool:
    """Return the pool with its first picture far too bright and under a wrong label."""
    inputs, labels = pool.inputs.copy(), pool.labels.copy()
    inputs[0] *= GLARE
    labels[0] = (labels[0] + 1) % pool.classes
    return Pool(inputs=inputs, labels=labels, classes=pool.classes)


def _said(found: Finding) -> dict[str, Any]:
    numbers = {name: float(value) for name, value in found.numbers.items()}
    return {"verdict": found.verdict, "p": found.p, "power": str(found.reach), "numbers": numbers, "notes": list(found.notes)}


def table(records: Mapping[str, Record], instruments: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page: a row a record, and the names of what is missing."""
    rows = [_row(record, instruments.get(name)) for name, record in records.items()]
    missing = [name for name in NAMES if name not in records]
    unmeasured = [name for name, record in records.items() if record.summary.privacy is not None and name not in instruments]
    size = [_size(record) for record in list(records.values())[:1]]
    absent = [f"Missing: {', '.join(missing)}."] * bool(missing)
    unlooked = [f"Instruments were not run on {', '.join(unmeasured)}."] * bool(unmeasured)
    parts = [TITLE, *size, READING, "\n".join([HEAD, *rows]), VERDICTS, *_seen_from(records), *absent, *unlooked, AGAIN]
    return "\n\n".join(parts) + "\n"


def _size(record: Record) -> str:
    summary = record.summary
    return (
        f"{summary.data.title}, pool {summary.counts.pool:,}, {summary.recipe.training.last_epoch} epochs, {summary.counts.shadows} shadow "
        f"models, one target each, seed {summary.recipe.training.seed}."
    )


def _row(record: Record, found: Mapping[str, Any] | None) -> str:
    summary, best = record.summary, record.summary.strongest
    private, shown = summary.privacy, summary.epsilon
    rate = next(each.tpr for each in best.tpr_at_fpr if each.fpr == 0.01)
    limits = {} if shown is None else {each.method.partition(" (")[0]: each.epsilon for each in shown.limits if each.bound}
    steps = "-" if found is None else f"{found['step']['epsilon']:.2f}"
    once = "-" if found is None else f"{found['one run']['numbers']['epsilon at least, f-DP']:.2f}"
    ways = ["-", "-"] if found is None else [found[way]["verdict"] for way in ("step", "one run")]
    cells = (
        summary.recipe.name,
        "none" if private is None else f"{private.noise_multiplier:g}",
        _percent(summary.utility.test_accuracy),
        "-" if private is None else f"{private.guarantees[0].epsilon:.2f}",
        steps,
        once,
        f"{limits.get('one run, trade-off') or 0.0:.2f}",
        f"{best.auc.value:.3f} ({best.auc.low:.3f} to {best.auc.high:.3f})",
        _percent(rate),
        "-" if private is None else ", ".join((*ways, _black(record))),
    )
    return f"| {' | '.join(cells)} |"


def _percent(found: Any) -> str:
    middle = "at most" if found.value is None else f"{found.value:.1%}"
    return f"{middle} ({found.low:.1%} to {found.high:.1%})"


def _black(record: Record) -> str:
    claimed = record.summary.epsilon and record.summary.epsilon.claimed
    if not claimed or claimed.p_bound is None:
        return "-"
    return "violated" if claimed.p_bound <= LEVEL else "no power"


def _seen_from(records: Mapping[str, Record]) -> list[str]:
    """Say from which epsilon on a black box would have seen a violation."""
    told = []
    for name, record in records.items():
        claimed = record.summary.epsilon and record.summary.epsilon.claimed
        if claimed and claimed.needed is not None:
            told.append(f"{name} {'never' if claimed.least_seen is None else f'above {claimed.least_seen:.2f}'}")
    return [f"With the best attack there can be, a black box would have seen a violation of epsilon: {', '.join(told)}."] if told else []


def records_of(folder: Path) -> dict[str, Record]:
    """Return the records that are there, in the order of NAMES."""
    return {name: mia_audit.load(folder / name) for name in NAMES if (folder / name / "record.json").is_file()}


def kept(path: Path) -> dict[str, Any]:
    """Return what was measured by instruments."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def main() -> None:
    """Measure what is asked for and missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instruments", action="store_true")
    parser.add_argument("--replays", type=int, default=2_000)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args()
    one_thread()
    records, path = records_of(asked.folder), asked.folder / "instruments.json"
    found = kept(path)
    for name, record in records.items():
        if asked.instruments and record.summary.privacy is not None and name not in found:
            found[name] = measured(record.summary.recipe, asked.replays)
            path.write_text(json.dumps(found, indent=1, default=_number) + "\n", encoding="utf-8")
            say(f"{name}: {found[name]}")
    PAGE.write_text(table(records, found), encoding="utf-8")
    say(f"{PAGE} written")


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


if __name__ == "__main__":
    main()
