"""The reference table of surrogates: accuracy, gap and attack AUC on digits, at the library's scale and at unit area.

    python benchmarks/surrogates.py [--replicates 5] [--epochs 30] [--shadows 32] [--store DIR]

Every variant meets the same replicate populations (a seed deals examples, membership and initial weights), so that rows are
paired. Intervals are Student's over replicates. Finished cohorts stay in the store: a second start goes on from there. The
table goes to reports/surrogates.json and, as text, to standard output.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import mia_audit
from mia_audit.models import names
from mia_audit.recipe import Neuron
from mia_audit.record import Record

REPORT = Path(__file__).resolve().parent.parent / "reports" / "surrogates.json"
MEASURES = ("test accuracy", "gap", "AUC", "headline AUC", "firing rate")


def main() -> None:
    """Measure every variant and print the table."""
    arguments = _arguments()
    rows = []
    for name, area in variants()[: arguments.first]:
        found = np.array([_measured(_audited(name, area, seed, arguments)) for seed in range(1, arguments.replicates + 1)])
        row: dict[str, Any] = {"surrogate": name, "area": area, **{key: _interval(found[:, place]) for place, key in enumerate(MEASURES)}}
        rows.append(row)
        said = "  ".join(f"{key} {row[key]['value']:.3f} [{row[key]['low']:.3f}, {row[key]['high']:.3f}]" for key in MEASURES)
        print(f"{name:<13} {'library' if area is None else 'area 1':<8} {said}", flush=True)
    asked = {"replicates": arguments.replicates, "epochs": arguments.epochs, "shadows": arguments.shadows, "attack": "lira-online"}
    arguments.out.write_text(json.dumps({"asked": asked, "rows": rows}, indent=1) + "\n", encoding="utf-8")


def variants() -> list[tuple[str, float | None]]:
    """Return every surrogate as snnTorch has it, and at unit area where its area is finite."""
    found: list[tuple[str, float | None]] = [(name, None) for name in names.SURROGATE_SUMMARIES]
    finite = [name for name in names.SURROGATE_SUMMARIES if math.isfinite(names.area(Neuron(surrogate=name)))]
    return found + [(name, 1.0) for name in finite]


def _audited(name: str, area: float | None, seed: int, arguments: argparse.Namespace) -> Record:
    variant = "snntorch" if area is None else "textbook"
    return mia_audit.run(
        "snn", dataset="digits", surrogate=name, surrogate_variant=variant, surrogate_area=area, seed=seed,
        shadows=arguments.shadows, attacks=["lira-online", "confidence"], settings={"training.epochs": arguments.epochs},
        store=arguments.store, out=arguments.store / "records" / f"{name}-{area}-{seed}", workers=arguments.workers,
    )  # fmt: skip


def _measured(record: Record) -> tuple[float, ...]:
    summary = record.summary
    auc = {attack.name: attack.auc.value for attack in summary.attacks}
    rates = list(summary.utility.firing_rates.values())
    found = (summary.utility.test_accuracy.value, summary.utility.gap.value, auc["lira-online"], auc[summary.headline], np.mean(rates))
    return tuple(math.nan if value is None else float(value) for value in found)


def _interval(values: Any) -> dict[str, float]:
    """Return mean and 95 % interval over replicates."""
    mean, count = float(np.mean(values)), len(values)
    half = float(stats.t.ppf(0.975, count - 1) * np.std(values, ddof=1) / math.sqrt(count)) if count > 1 else math.nan
    return {"value": mean, "low": mean - half, "high": mean + half}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("replicates", 5), ("epochs", 30), ("shadows", 32), ("workers", 1), ("first", None)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--store", type=Path, default=Path("/tmp/mia-audit-surrogates"))  # noqa: S108  a default, not a secret
    parser.add_argument("--out", type=Path, default=REPORT)
    return parser.parse_args()


if __name__ == "__main__":
    main()
