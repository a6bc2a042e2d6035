"""A page to pass on holds nothing that tells who was in the training data."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mia_audit import report
from mia_audit.arrays import digest
from mia_audit.audit.comparing.variants import compare
from mia_audit.cli import main
from mia_audit.record import Record
from mia_audit.report import sharing
from tests.support.html import text
from tests.support.records import default_run, make_record

SEED = 987_654_321_987_654_321_987


@pytest.fixture(scope="module")
def record() -> Record:
    """Return a record whose seed, positions and names stand out in any text."""
    run = {**default_run("snn-q4"), "command": f"mia-audit run --target snn-q4 --seed {SEED} --slices people.csv"}
    made = make_record(training_seed=SEED, run=run, image=False, pool=200, classes=[f"klass-{number}-name" for number in range(10)])
    positions = 70_000_000 + 13 * np.arange(200)
    arrays = {**made.arrays, "pool_positions": positions}
    return replace(made, arrays=arrays, summary=made.summary.model_copy(update={"arrays_sha256": digest(arrays)}))


def secrets(record: Record) -> dict[str, str]:
    """Return what must not stand on a page to pass on."""
    rows, positions = record.exposed["rows"], record.arrays["pool_positions"]
    return {
        "seed": str(SEED),
        "command": "people.csv",
        "data": record.summary.data.sha256,
        "position": str(positions[record.exposed["positions"][0]]),
        "feature": f"{rows[0][0]:.4g}",
        "class": f"klass-{record.exposed['labels'][0]}-name",
        "truth": 'class="hit"',
        "membership": np.packbits(record.arrays["membership"][0]).tobytes().hex(),
    }


def test_nothing_of_the_membership_is_on_a_shared_page(record: Record) -> None:
    """Seed, command, fingerprint, positions, rows, classes and truth of the exposed: all stand on the ordinary page, none on this."""
    plain, shared = report.render([record]), report.render([sharing.shared(record)])
    hidden = secrets(record)
    assert [name for name, secret in hidden.items() if secret not in plain] == ["membership"]
    assert [name for name, secret in hidden.items() if secret in shared] == []
    assert not re.search(r"\bseed = ", shared)
    assert "<img" not in shared
    assert record.id in shared
    assert sharing.NOTE in text(shared)
    assert "# The seed is left out." in shared
    assert "70000" not in shared


def test_pictures_are_left_out_too() -> None:
    """Also of data that are public."""
    record = make_record()
    assert "<img" in report.render([record])
    assert "<img" not in report.render([sharing.shared(record)])


def test_the_ordinary_page_says_that_it_tells_the_seed(record: Record) -> None:
    """Where it calls the record sensitive, with the way out."""
    for shown in (record, replace(record, exposed={})):
        seen = text(report.render([shown]))
        assert "tell the seed: whoever has the data works out from it which examples the target was trained on" in seen
        assert "mia-audit report --share" in seen


def test_a_shared_comparison_tells_no_seed_either(record: Record) -> None:
    """Labels and lines are those of the records, but for the seed; records of two seeds are not joined by a line."""
    names = record.summary.data.classes
    few, other = replace(record, run={}), make_record(training_seed=SEED + 1, weight_bits=8, seed=3, pool=200, image=False, classes=names)
    page = report.render([sharing.shared(few), sharing.shared(other)], compare([few, other]))
    assert str(SEED) not in page
    assert str(SEED + 1) not in page
    assert "No line is drawn" in page


def test_the_command_line_shares(record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One flag; a seed that can be tried out gets a word, one that nobody guesses none."""
    for made, warned in ((make_record(pool=200), True), (record, False)):
        place = made.write(tmp_path / made.id).folder
        with pytest.raises(SystemExit) as end:
            main(["report", str(place), "--share", "-o", str(tmp_path / "page.html")])
        assert not end.value.code
        assert ("its seed can be found by trying" in capsys.readouterr().err) == warned
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        assert sharing.NOTE in text(page)
        assert str(SEED) not in page
