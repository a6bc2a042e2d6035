"""The report in a real browser: it fits a phone and a sheet of paper, its figures are there, and it is silent."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from mia_audit import report
from mia_audit.report.provenance import Look
from mia_audit.report.theme import COLOURS
from tests.support import browser
from tests.support.browser import Browser
from tests.support.records import make_record
from tests.support.sketches import SKETCHES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(browser.executable() is None, reason="needs Debian's chromium on the path: apt-get install chromium"),
]
PAGES = ("audit", "table", "comparison")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Render the pages under test."""
    folder = tmp_path_factory.mktemp("pages")
    long = "a-target-with-a-name-that-no-phone-can-show-in-one-line-and-without-a-space"
    report.write([make_record()], folder / "audit.html")
    report.write([make_record(long, image=False, classes=(long, "b", "c"), failed_control=True, pool=300)], folder / "table.html")
    targets = [make_record(long), make_record("snn-q8", weight_bits=8, seed=1), make_record("ann", spiking=False, pool=2400, seed=2)]
    report.write([*targets, make_record("iris", dataset="iris", leaky=False, seed=3)], folder / "comparison.html")
    return {name: folder / f"{name}.html" for name in PAGES}


@pytest.fixture
def chromium(tmp_path: Path) -> Browser:
    """Give a browser an empty profile."""
    program = browser.executable()
    assert program is not None
    return Browser(program=program, folder=tmp_path)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_its_window(chromium: Browser, pages: dict[str, Path], name: str, width: int) -> None:
    """No horizontal scroll on a phone or a desktop; figures whole and legible."""
    found = chromium.probe(pages[name], width=width)
    assert found["inner"] == width
    assert found["width"] <= width
    assert all(left >= 0 and left + wide <= width and wide > 250 for left, _, wide, _ in found["drawings"])
    assert all(found["pictures"])
    assert found["text"] >= 9  # pixels, the smallest text of any figure


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_silent_and_asks_for_nothing(chromium: Browser, pages: dict[str, Path], name: str) -> None:
    """Nothing on the browser's console, nothing fetched."""
    assert chromium.console(pages[name]) == []
    assert chromium.probe(pages[name], width=1280)["fetched"] == []


def test_the_probe_would_see_an_error_and_a_fetch(chromium: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    """The two checks above can fail."""
    broken = tmp_path / "broken.html"
    text = pages["audit"].read_text(encoding="utf-8")
    broken.write_text(
        re.sub("<meta http-equiv[^>]*>", "", text).replace(
            "</main>", '<img src="http://127.0.0.1:9/absent.png"><script>throw 1</script></main>'
        )
    )
    assert any("Uncaught" in line for line in chromium.console(broken))
    assert any(name.endswith("absent.png") for name in chromium.probe(broken, width=1280)["fetched"])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", PAGES)
def test_every_figure_is_drawn_in_the_pages_colours(chromium: Browser, pages: dict[str, Path], name: str, dark: bool) -> None:
    """Where a figure lies there are words, coloured lines and room, light and dark."""
    found = chromium.probe(pages[name], width=1280)
    pixels = chromium.screenshot(pages[name], width=1280, height=found["height"] + 50, dark=dark)
    colours = {colour.name: (colour.dark if dark else colour.light) for colour in COLOURS}
    assert close_to(pixels[:20, :20], colours["paper"]) == 1
    assert found["drawings"]
    for left, top, width, height in found["drawings"]:
        drawn = pixels[top : top + height, left : left + width]
        assert close_to(drawn, colours["ink"]) > 0.002  # its words
        assert max(close_to(drawn, colours[f"series-{rank}"]) for rank in range(1, 9)) > 0.001  # its lines
        assert close_to(drawn, colours["paper"]) > 0.2  # and room


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="needs pdftoppm: apt-get install poppler-utils")
@pytest.mark.parametrize("name", PAGES)
def test_it_prints_on_a4_with_nothing_cut_off_at_the_side(chromium: Browser, pages: dict[str, Path], name: str) -> None:
    """Sheets are A4, their margins white, none is empty."""
    printed = chromium.print(pages[name])
    subprocess.run(["pdftoppm", "-r", "50", "-png", printed, printed.with_name("sheet")], check=True)
    sheets = sorted(printed.parent.glob("sheet-*.png"))
    assert 2 <= len(sheets) <= (12 if name == "comparison" else 6)
    for sheet in sheets:
        with Image.open(sheet) as opened:
            pixels = np.asarray(opened.convert("RGB"))
        assert pixels.shape[:2] == pytest.approx((585, 413), abs=2)
        assert pixels[:, :24].min() > 250  # margins stay white: 12 of 15 mm
        assert pixels[:, -24:].min() > 250
        assert (pixels < 128).any()


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext: apt-get install poppler-utils")
@pytest.mark.parametrize("unfold", [False, True])
def test_a_full_suite_prints_on_six_sheets_and_its_appendix_when_asked(chromium: Browser, tmp_path: Path, unfold: bool) -> None:
    """Of 44 attacks; what is folded stays off the paper, and begins on a sheet of its own where it is unfolded."""
    accesses = ("probabilities", "labels", "logits", "internal states", "gradients")
    many = [replace(SKETCHES[at % len(SKETCHES)], name=f"attack-{at}", access=accesses[at % len(accesses)]) for at in range(44)]
    report.write([make_record(sketches=many, pool=600)], tmp_path / "page.html", look=Look(unfold=unfold))
    printed = chromium.print(tmp_path / "page.html")
    sheets = subprocess.run(["pdftotext", "-layout", printed, "-"], capture_output=True, text=True, check=True).stdout.split("\f")[:-1]
    begins = [at for at, sheet in enumerate(sheets) if sheet.lstrip().startswith("Appendix")]
    if unfold:
        assert len(begins) == 1
        assert begins[0] <= 6
        assert "What each attack does, sees and knows" in "".join(sheets[begins[0] :])
    else:
        assert begins == []
        assert len(sheets) <= 6
        assert "attack-43" not in "".join(sheets)


def close_to(pixels: npt.NDArray[np.uint8], colour: str) -> float:
    """Return the share of pixels that look like a colour."""
    wanted = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    return float((np.abs(pixels.astype(int) - wanted).max(axis=-1) <= 12).mean())
