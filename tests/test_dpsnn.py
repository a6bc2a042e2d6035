"""The benchmark of DPSNN: its runs are the paper's, parts are kept by names of their own, and what is missing is named."""

import json
from pathlib import Path

import pytest

from benchmarks import dpsnn
from mia_audit.privacy.constants import constants


def test_runs_are_told_apart_and_the_papers_stand_among_them() -> None:
    """Two networks, two data sets, five noise multipliers, and the ablations at one epsilon; no two parts share a file."""
    found = list(dpsnn.runs(small=False))
    assert len({run.name for run in found}) == len(found) == 20 + len(dpsnn.ABLATIONS) + 1
    assert sum(run.paper is not None for run in found) == 20
    assert next(run for run in found if (run.target, run.dataset, run.noise) == ("dp-ann", "fashion-mnist", 1.6)).paper == 83.82
    assert not {run.name for run in dpsnn.runs(small=True)} & {run.name for run in found}


def test_every_example_is_a_member_and_the_claim_is_the_papers() -> None:
    """60,000 examples, batches of 250, and at noise 1.6 for 60 epochs a tight bound of 1.339."""
    run = next(run for run in dpsnn.runs(small=False) if (run.target, run.dataset, run.noise) == ("dp-snn", "mnist", 1.6))
    recipe = run.recipe()
    told = constants(recipe, 60_000)
    assert (told.examples, told.batch, told.steps) == (60_000, 250, 240)
    assert recipe.audit.claimed_epsilon == pytest.approx(1.339, abs=2e-3)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    """A part that is there becomes a row with the last and the best accuracy."""
    found = list(dpsnn.runs(small=True))
    (tmp_path / f"{found[0].name}.json").write_text(json.dumps({"accuracies": [0.5, 0.91, 0.9], "epsilon": 1.234}))
    text = dpsnn.table(found, dpsnn.kept(tmp_path))
    assert "| mnist | dp-snn | 1 | 5 | 1.23 | 90.00 | 91.00 | - |" in text
    assert f"Missing: {', '.join(run.name for run in found[1:])}." in text


def test_networks_are_compared_at_equal_epsilon_alone() -> None:
    """Same data, noise and epochs; the last epoch's accuracy; what the paper says stands beside the best epoch, or that it was not run."""
    small, whole = list(dpsnn.runs(small=True)), list(dpsnn.runs(small=False))
    assert {run.noise for run in small} == {0.5, 1.0, 1.6}
    parts = {small[0].name: {"accuracies": [0.5, 0.8], "epsilon": 0.75}, small[1].name: {"accuracies": [0.9, 0.7], "epsilon": 0.75}}
    page = dpsnn.page(parts)
    assert "- mnist, epsilon 0.75 (noise 1, 5 epochs): dp-snn 80.00, dp-ann 70.00, difference +10.00" in page
    assert page.count("difference") == 1
    assert "- dp-snn on mnist, noise 1, 60 epochs: 98.36 there; not run at this size" in page
    page = dpsnn.page({whole[0].name: {"accuracies": [0.5, 0.99, 0.98], "epsilon": 2.0}})
    assert "98.36 there; 99.00 here, at its best epoch" in page
    assert "No pair is there yet." in page
