"""The table of DP-trained targets: every cell from a record or an instrument, and what is missing by name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import mia_audit
from benchmarks import privacy_page, reports
from mia_audit.record import Claimed, Record
from mia_audit.record.privacy import DifferentialPrivacy, Guarantee

STORED = Path(__file__).resolve().parent.parent / "reports" / "digits-bits" / "snn"
FOUND = {
    "step": {"verdict": "consistent", "epsilon": 4.321},
    "one run": {"verdict": "violated", "numbers": {"epsilon at least, f-DP": 5.678}},
}


def private(record: Record, **claimed: Any) -> Record:
    """Return the record as if its target had been trained by DP-SGD."""
    told = DifferentialPrivacy(
        guarantees=(Guarantee(name="PLD", epsilon=7.125, bound=True, adjacency="add/remove"),),
        delta=1e-5, noise_multiplier=0.5, max_grad_norm=1.5, sampling="poisson", rate=0.1, divisor=250, steps=60, epochs=6,
    )  # fmt: skip
    shown = record.summary.epsilon
    assert shown is not None
    asked = Claimed(text="", most_auc=1.0, most_advantage=1.0, **{"p": 1.0, "p_bound": 0.3, "needed": 80, "least_seen": 8.25, **claimed})
    summary = record.summary.model_copy(update={"privacy": told, "epsilon": shown.model_copy(update={"claimed": asked})})
    return replace(record, summary=summary)


def cells(row: str) -> list[str]:
    """Return what stands in a row."""
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_a_row_holds_what_records_and_instruments_say() -> None:
    """Claim and noise are the record's, shown epsilons the instruments'; what was not run is a dash and named."""
    record = mia_audit.load(STORED)
    page = privacy_page.table(
        {"dp-snn-0.5": private(record), "dp-ann-0.5": private(record, p_bound=0.01), "dp-snn-none": record}, {"dp-snn-0.5": FOUND}
    )
    rows = [cells(line) for line in page.splitlines() if line.startswith("| snn |")]
    best = record.summary.strongest.auc
    assert rows[0][1] == "0.5"
    assert rows[0][3:6] == ["7.12", "4.32", "5.68"]
    assert rows[0][7] == f"{best.value:.3f} ({best.low:.3f} to {best.high:.3f})"
    assert rows[0][9] == "consistent, violated, no power"
    assert (rows[1][4:6], rows[1][9]) == (["-", "-"], "-, -, violated")
    assert (rows[2][1], rows[2][3], rows[2][9]) == ("none", "-", "-")
    assert "dp-snn-0.5 above 8.25, dp-ann-0.5 above 8.25." in page
    assert "Missing: dp-snn-1.0, dp-ann-1.0, dp-snn-1.6, dp-ann-1.6, dp-ann-none." in page
    assert "Instruments were not run on dp-ann-0.5." in page


def test_the_records_it_reads_are_those_that_reports_makes() -> None:
    """Both sizes go to the folders whose names the page looks for."""
    for commands in reports.PRIVACY.values():
        assert [command.rsplit("/", 1)[-1] for command in commands] == list(privacy_page.NAMES)
