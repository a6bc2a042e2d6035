"""The page of PrivateSNN: verdicts follow from the numbers, and intervals are Student's."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks.privatesnn_page import PAIRS, SOURCES, STEPS, interval, page


def auc(value: float, half: float = 0.02) -> dict[str, Any]:
    """Return an estimate as the record has it."""
    return {"value": value, "low": value - half, "high": value + half, "method": "DeLong"}


def row(name: str, share: float, *, known: bool = False) -> dict[str, Any]:
    """Return what evaluators saw in the images of five networks."""
    around = [share - 0.02, share - 0.01, share, share + 0.01, share + 0.02]
    return {
        "name": name, "prior": known, "recognised": [1.0] * 5, "images": 200, "success": {"a": around, "b": around},
        "wrong": {"a": [0.05] * 5, "b": [0.05] * 5},
    }  # fmt: skip


def numbers(*, drop: float, gain: float, seen: float, leak: float) -> dict[str, Any]:
    """Return numbers with so much accuracy lost, energy gained, class seen in encrypted networks, and membership found."""
    reached = [[0.9 - drop + 0.001 * k] * len(STEPS) for k in range(5)]
    runs = [
        {"start": start, "source": source, "accuracy": reached, "gain": {pair: [[gain] * len(STEPS)] * 5 for pair in PAIRS}}
        for start in (0.0, 0.5)
        for source in SOURCES
    ]
    attacks = {name: auc(leak) for name in ("loss", "lira-online", "rmia-online")}
    stage = {"accuracy": auc(0.9), "attacks": attacks, "headline": "loss", "failed": []}
    around = [0.001 * k for k in range(5)]
    point = {
        "learning_rate": 1e-3,
        "epochs": 2,
        "moved": [[0.01] * 3] * 5,
        "accuracy": [0.895 + each for each in around],
        "mapped": [0.9 + each for each in around],
        "rows": [row("mapped back", seen), row("mapped back", seen, known=True)],
    }
    rows = [row("teacher", 0.9), row("teacher", 0.9, known=True), row("untrained", 0.1), row("untrained", 0.2, known=True)]
    return {
        "by_steps": {"teacher": [0.9 + 0.001 * k for k in range(5)], "runs": runs, "agreement": [0.9] * 5, "iterations": [50] * 5},
        "membership": dict.fromkeys(("ann-teacher", "converted-snn", "private-snn"), stage),
        "leakage": {"rows": rows, "natural": {"natural": {"a": 0.9, "b": 0.9}}, "curve": [point], "settings": {"False": "x", "True": "y"}},
        "members": {"nearer": [0.4, 0.5, 0.6, 0.5, 0.5]},
        "exposed": {"images": 200, "layers": [{"maximum": 1, "maximum moves": 0.1, "percentile": 200, "percentile by 1 %": 0}]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "claim", "verdict"),
    [
        ({"drop": 0.0}, "Accuracy falls by less than 2 points", "held"),
        ({"drop": 0.1}, "Accuracy falls by less than 2 points", "did not hold"),
        ({"gain": 60.0}, "About 55 times less energy", "held"),
        ({"gain": 12.0}, "About 55 times less energy", "did not hold"),
        ({"gain": 60.0, "drop": 0.1}, "About 55 times less energy", "did not hold"),
        ({"seen": 0.8}, "Class leakage is gone", "did not hold"),
        ({"seen": 0.15}, "Class leakage is gone", "not decidable here"),
        ({"leak": 0.6}, "No data leakage", "did not hold"),
        ({"leak": 0.51}, "No data leakage", "not decidable here"),
    ],
)
def test_verdicts_follow_from_the_numbers(changes: dict[str, float], claim: str, verdict: str) -> None:
    """Each of the paper's claims is held to the numbers of its own table; none is ever said to be proven."""
    told = page({"digits": numbers(**{"drop": 0.0, "gain": 12.0, "seen": 0.8, "leak": 0.6, **changes})})
    line = next(line for line in told.splitlines() if line.startswith(f"- *{claim}"))
    assert f"**{verdict}**" in line


def test_intervals_are_students() -> None:
    """Over five networks: SciPy's own interval."""
    values = np.random.default_rng(0).normal(size=5)
    low, high = stats.t.interval(0.95, 4, loc=values.mean(), scale=stats.sem(values))
    assert interval(values.tolist()) == pytest.approx((values.mean(), low, high))
