"""Does bf16 give the same answers as fp32? The same audits in both, paired by seed, and two one-sided tests.

    python benchmarks/precision.py [--seeds 10] [--target snn-q4]

Each seed deals examples and coins anew; both precisions train on the same ones. Test accuracy (mean over the population) and
the AUC of lira-online are equivalent when the 90 % interval of the mean paired difference lies within +-0.01. Every run trains
everything: store and records lie in a temporary folder.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy import stats

import mia_audit
from benchmarks.table import Row, show

MARGIN = 0.01
SHADOWS = 30


def measured(target: str, seed: int, precision: str, folder: Path) -> tuple[float, float]:
    """Return mean test accuracy of the shadow models and the AUC of lira-online, every model taking its turn: one target's is noisier."""
    record = mia_audit.run(
        target,
        seed=seed,
        shadows=SHADOWS,
        attacks=["lira-online"],
        settings={"training.precision": precision},
        store=folder / "store",
        out=folder / f"{precision}-{seed}",
    )
    kind = record.summary.kind
    assert kind is not None  # noqa: S101  the recipe asks for turns
    assert kind.mean_auc.value is not None  # noqa: S101  an AUC always has a value
    return record.summary.utility.shadow_test_accuracy_mean, kind.mean_auc.value


def row(name: str, narrow: list[float], wide: list[float]) -> Row:
    """Return the paired difference with the interval that two one-sided 5 % tests stand for."""
    difference = np.array(narrow) - np.array(wide)
    half = float(stats.t.ppf(0.95, len(difference) - 1) * difference.std(ddof=1) / np.sqrt(len(difference)))
    low, high = difference.mean() - half, difference.mean() + half
    return Row(
        what=f"{name}, bf16 against fp32",
        ours=f"{np.mean(narrow):.4f}",
        against=f"{np.mean(wide):.4f}",
        ratio=f"{difference.mean():+.4f} ({low:+.4f} to {high:+.4f})",
        bar=f"within {MARGIN} both ways",
        how=f"{len(difference)} seeds, paired; {'equivalent' if max(-low, high) < MARGIN else 'not shown equivalent'}",
    )


def main() -> None:
    """Run all audits and print the two rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--target", default="snn-q4")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mia-audit-precision-") as folder:
        found = {kind: [measured(asked.target, seed, kind, Path(folder)) for seed in range(asked.seeds)] for kind in ("bf16", "fp32")}
    for place, name in enumerate((f"test accuracy of {asked.target} on digits", "mean AUC of lira-online over turns")):
        show(row(name, [pair[place] for pair in found["bf16"]], [pair[place] for pair in found["fp32"]]))


if __name__ == "__main__":
    main()
