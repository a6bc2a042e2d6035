"""What leaves the page: figures that stand by themselves, attacks as tidy rows, a PDF."""

import csv
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from mia_audit import report
from mia_audit.cli.main import main
from mia_audit.errors import OutputError, UsageError
from mia_audit.record import Record
from mia_audit.report.attack_table import COLUMNS, rows, write_attacks
from mia_audit.report.figure_files import formats, write_figures
from mia_audit.report.paper import FIGURES
from mia_audit.report.printing import write_pdf
from mia_audit.report.theme import COLOURS
from tests.support import browser
from tests.support.records import make_record


@pytest.fixture(scope="module")
def record() -> Record:
    """Make a small record."""
    return make_record(pool=300)


def test_figures_stand_by_themselves(record: Record, tmp_path: Path) -> None:
    """Every figure in every format; an SVG has no variable, its lines have the page's light colours, and its words are words."""
    written = write_figures(record, tmp_path / "new" / "figures", ["svg", "png"])
    assert {place.name for place in written} == {f"{name}.{kind}" for name in FIGURES for kind in ("svg", "png")}
    lines = {colour.name: colour.light for colour in COLOURS}
    for name in FIGURES:
        text = (tmp_path / "new" / "figures" / f"{name}.svg").read_text(encoding="utf-8")
        assert ET.fromstring(text).tag.endswith("svg")  # noqa: S314 - we wrote it
        assert "var(" not in text
        assert lines["series-1"] in text
        assert "<text" in text
        with Image.open(tmp_path / "new" / "figures" / f"{name}.png") as picture:
            assert picture.size[0] > 900
            assert picture.convert("RGB").getpixel((2, 2)) == (255, 255, 255)


def test_the_same_record_gives_the_same_figures(record: Record, tmp_path: Path) -> None:
    """No time and no random id in any format."""
    kinds = ["svg", "png", "pdf"]
    first, second = (write_figures(record, tmp_path / name, kinds) for name in ("one", "two"))
    assert [place.read_bytes() for place in first] == [place.read_bytes() for place in second]


@pytest.mark.parametrize(("text", "found"), [("svg,png", ["svg", "png"]), (" PDF , svg,pdf", ["pdf", "svg"])])
def test_formats_are_read(text: str, found: list[str]) -> None:
    """With commas, in any case, each once."""
    assert formats(text) == found


@pytest.mark.parametrize(("text", "got"), [("gif", "gif"), ("svg,jpg,gif", "jpg, gif"), (",", "none")])
def test_a_format_that_is_not_there_is_refused(text: str, got: str) -> None:
    """With what there is."""
    with pytest.raises(UsageError, match=re.escape(f"--figures needs formats of svg, png, pdf, got {got}; for example svg,png")):
        formats(text)


def test_figures_need_a_folder(record: Record, tmp_path: Path) -> None:
    """A file in the way is one line."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="figures need a folder that can be written"):
        write_figures(record, tmp_path / "file" / "figures", ["svg"])


def test_attacks_are_tidy_rows_with_intervals(record: Record, tmp_path: Path) -> None:
    """One row a measure, read back to the last digit; what is not resolved has a limit and no value."""
    write_attacks(record, tmp_path / "attacks.csv")
    with (tmp_path / "attacks.csv").open(encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert tuple(read[0]) == COLUMNS
    attacks = record.summary.attacks
    assert len(read) == len(attacks) * (5 + len(attacks[0].tpr_at_fpr))
    for attack in attacks:
        own = [row for row in read if row["attack"] == attack.name]
        assert {row["headline"] for row in own} == {str(attack.name == record.summary.headline)}
        (auc,) = (row for row in own if row["measure"] == "auc")
        assert (float(auc["value"]), float(auc["low"]), float(auc["high"])) == (attack.auc.value, attack.auc.low, attack.auc.high)
        rates = {float(row["fpr"]): row for row in own if row["measure"] == "tpr"}
        for rate in attack.tpr_at_fpr:
            assert rates[rate.fpr]["value"] == ("" if rate.tpr.value is None else str(rate.tpr.value))
            assert float(rates[rate.fpr]["high"]) == rate.tpr.high
        for name in ("balanced_accuracy", "advantage", "phantom_auc"):
            (row,) = (row for row in own if row["measure"] == name)
            assert float(row["value"]) == getattr(attack, name).value
        (rehearsed,) = (row for row in own if row["measure"] == "rehearsal_auc")
        assert (float(rehearsed["value"]), rehearsed["low"]) == (attack.rehearsal_auc, "")
    assert any(row["value"] == "" for row in read)
    assert all(row["method"] for row in rows(record) if row["low"] is not None)


def test_the_verb_writes_attacks_and_figures(record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Figures go beside the record unless a folder is named; a folder without figures is refused."""
    record.write(tmp_path / "record")
    with pytest.raises(SystemExit) as done:
        main(["export", str(tmp_path / "record"), "--attacks-csv", str(tmp_path / "attacks.csv"), "--figures", "svg"])
    assert not done.value.code
    assert (tmp_path / "record" / "figures" / "roc.svg").exists()
    assert (tmp_path / "attacks.csv").exists()
    capsys.readouterr()
    with pytest.raises(SystemExit) as refused:
        main(["export", str(tmp_path / "record"), "--csv", str(tmp_path / "a.csv"), "--into", str(tmp_path)])
    assert refused.value.code == 2
    assert "--into needs figures to write" in capsys.readouterr().err


def test_without_a_browser_a_pdf_is_refused_in_one_line(tmp_path: Path) -> None:
    """And the way out is named."""
    with pytest.raises(OutputError, match=r"a PDF needs an installed Chromium or Chrome .* -o page\.html") as caught:
        write_pdf("<p>page</p>", tmp_path / "page.pdf", find=lambda _: None)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_browser_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Its exit code is told; no half of a file is left."""
    with pytest.raises(OutputError, match=r"did not print it \(exit code 1\)"):
        write_pdf("<p>page</p>", tmp_path / "page.pdf", find=lambda _: shutil.which("false"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.browser
@pytest.mark.skipif(
    browser.executable() is None or shutil.which("pdftotext") is None, reason="needs chromium and pdftotext: apt-get install poppler-utils"
)
def test_a_page_whose_name_ends_in_pdf_is_printed(record: Record, tmp_path: Path) -> None:
    """A4, with the first screen's words on the first sheet, and nothing beside it."""
    report.write([record], tmp_path / "page.PDF")
    assert [place.name for place in tmp_path.iterdir()] == ["page.PDF"]
    told = subprocess.run(["pdftotext", "-l", "1", tmp_path / "page.PDF", "-"], capture_output=True, text=True, check=True).stdout
    assert "Does it leak who was in its training data?" in told
    assert "What now" in told
