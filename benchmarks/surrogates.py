"""The reference table of surrogates: accuracy, gap, firing rate and leakage on digits, at the library's scale and at unit area.

    python benchmarks/surrogates.py [--replicates 5] [--epochs 30] [--shadows 32] [--store DIR]

Every variant meets the same replicate populations (a seed deals examples, membership and initial weights), so that variants are
compared with atan replicate by replicate. Finished cohorts stay in the store and finished audits beside it: a second start goes
on from there. After each variant reports/surrogates.md (for people) and reports/surrogates.json are written anew.
"""

import argparse
import json
import math
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

import mia_audit
from benchmarks.surrogate_page import MEASURES, Setup, Variant, page, rows
from benchmarks.table import say
from mia_audit.errors import AuditError
from mia_audit.models import surrogates
from mia_audit.recipe import Neuron
from mia_audit.record import Record, load

REPORTS = Path(__file__).resolve().parent.parent / "reports"


def main() -> None:
    """Measure every variant and write the table, after each one."""
    arguments = _arguments()
    wanted, found = variants()[: arguments.first], {}
    for variant in wanted:
        records = [_audited(variant, seed, arguments) for seed in range(1, arguments.replicates + 1)]
        found[variant] = np.array([_measured(record) for record in records])
        setup = Setup(
            replicates=arguments.replicates, epochs=arguments.epochs, shadows=arguments.shadows, variants=len(wanted),
            versions={**records[0].run["versions"], "snntorch": version("snntorch")}, engine=records[0].summary.engine.version,
        )  # fmt: skip
        asked = {"setup": vars(setup), "measures": MEASURES, "rows": rows(found)}
        (arguments.out / "surrogates.json").write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")
        (arguments.out / "surrogates.md").write_text(page(found, setup), encoding="utf-8")
        say(f"{len(found)} of {len(wanted)}: {variant.name}, {variant.scale}: {found[variant].mean(axis=0).round(3).tolist()}")


def variants() -> list[Variant]:
    """Return every surrogate as snnTorch scales it, and at unit area where that is finite and something else; atan comes first."""
    as_library, at_unit_area = [], []
    for name in (each.name for each in surrogates.SURROGATES):
        area = surrogates.area(Neuron(surrogate=name, surrogate_variant="snntorch"))
        as_library.append(Variant(name=name, area=area, scale="library, which is unit area" if area == 1 else "library"))
        if area != 1 and math.isfinite(surrogates.area(Neuron(surrogate=name))):
            at_unit_area.append(Variant(name=name, area=1.0, scale="unit area"))
    return as_library + at_unit_area


def _audited(variant: Variant, seed: int, arguments: argparse.Namespace) -> Record:
    """Return the audit of one variant on one replicate population, as it was recorded or made now."""
    rescaled = variant.scale == "unit area"
    out = arguments.store / f"records-{arguments.epochs}-{arguments.shadows}" / f"{variant.name}-{variant.scale[:4]}-{seed}"
    try:
        return load(out)
    except AuditError:
        return mia_audit.run(
            "snn", dataset="digits", surrogate=variant.name, surrogate_variant="textbook" if rescaled else "snntorch",
            surrogate_area=1.0 if rescaled else None, seed=seed, shadows=arguments.shadows, attacks=["lira-online"],
            settings={"training.epochs": arguments.epochs}, store=arguments.store, out=out, workers=arguments.workers,
        )  # fmt: skip


def _measured(record: Record) -> tuple[float, ...]:
    """Return one replicate's values, in the order of MEASURES."""
    utility, kind, (attack,) = record.summary.utility, record.summary.kind, record.summary.attacks
    rate = float(np.mean(list(utility.firing_rates.values())))
    turns = None if kind is None else kind.mean_auc.value
    found = (utility.shadow_test_accuracy_mean, utility.gap.value, rate, attack.auc.value, turns)
    return tuple(math.nan if value is None else float(value) for value in found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("replicates", 5), ("epochs", 30), ("shadows", 32), ("workers", 1), ("first", None)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--store", type=Path, default=Path(tempfile.gettempdir()) / "mia-audit-surrogates")
    parser.add_argument("--out", type=Path, default=REPORTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
