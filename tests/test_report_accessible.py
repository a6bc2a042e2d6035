"""Nobody is kept out of the page: axe-core finds nothing, narrow or wide, light or dark; no number hides; colour is never alone."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from mia_audit import report
from mia_audit.audit.findings.risk import strict_of
from mia_audit.cli import main
from mia_audit.report.provenance import Look
from mia_audit.report.theme import COLOURS, DASHES, MARKERS, SERIES
from tests.support import axe, browser
from tests.support.html import tags
from tests.support.records import make_record

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(browser.executable() is None, reason="needs Debian's chromium on the path: apt-get install chromium"),
]
PAGES = ("audit", "table", "comparison", "scored")
WIDTHS = (360, 1280)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Render the pages under test, everything unfolded."""
    folder = tmp_path_factory.mktemp("pages")
    leaky = make_record(pool=2400)
    report.write([leaky], folder / "audit.html", look=Look(unfold=True, strict=strict_of(leaky)))
    table = make_record("ann", image=False, spiking=False, classes=("a", "b", "c"), failed_control=True, pool=300)
    report.write([table], folder / "table.html", look=Look(unfold=True))
    report.write([leaky, make_record("snn-q8", weight_bits=8, seed=1)], folder / "comparison.html")
    rng = np.random.default_rng(0)
    labels, member = rng.integers(0, 4, 300), rng.random(300) < 0.5
    logits = rng.normal(size=(300, 4)) + (2 + member)[:, None] * np.eye(4)[labels]
    np.savez(folder / "answers.npz", logits=logits, label=labels, member=member)
    for arguments in (["score", "answers.npz", "--out", "answers"], ["report", "answers", "-o", "scored.html"]):
        with pytest.raises(SystemExit), contextlib.chdir(folder):
            main(arguments)
    return {name: folder / f"{name}.html" for name in PAGES}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Give one browser to all tests here."""
    program = browser.executable()
    assert program is not None
    with axe.opened(program) as started:
        yield started


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(chromium: Browser, pages: dict[str, Path], name: str, width: int, dark: bool) -> None:
    """Of any severity."""
    assert axe.violations(chromium, pages[name], width=width, dark=dark) == []


def test_axe_would_find_a_faint_word_and_a_picture_without_words(chromium: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    """The check above can fail, and it looks at what is unfolded."""
    text = pages["audit"].read_text(encoding="utf-8").replace("</main>", '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></main>')
    broken = tmp_path / "broken.html"
    broken.write_text(text.replace('<div id="glossary">', '<div id="glossary"><p style="color: #999">faint</p>'), encoding="utf-8")
    found = {line.split(":")[0] for line in axe.violations(chromium, broken, width=1280, dark=False)}
    assert {"color-contrast", "image-alt"} <= found


@pytest.mark.parametrize("name", PAGES)
def test_on_a_phone_no_number_lies_outside_its_table(chromium: Browser, pages: dict[str, Path], name: str) -> None:
    """Every cell is read without scrolling sideways."""
    assert axe.outside(chromium, pages[name], width=360) == []


def test_a_number_outside_its_table_would_be_seen(chromium: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    """The check above can fail."""
    wide = '<div class="scroll"><table><tbody><tr><td style="padding-left: 30rem">0.987</td></tr></tbody></table></div></main>'
    (tmp_path / "wide.html").write_text(pages["audit"].read_text(encoding="utf-8").replace("</main>", wide), encoding="utf-8")
    assert axe.outside(chromium, tmp_path / "wide.html", width=360) == ["0.987"]


def test_curves_are_told_apart_without_colour(pages: dict[str, Path]) -> None:
    """Each line of the legend has dashes and a marker that no other has, and the figures have as many kinds of marker."""
    assert len(SERIES) == len(set(DASHES)) == len(set(MARKERS)) == 8
    text = pages["audit"].read_text(encoding="utf-8")
    legend = text[text.index('<ul class="legend">') : text.index("</ul>", text.index('<ul class="legend">'))]
    lines = [re.sub(r"var\(--series-\d\)", "", line.split("</svg>")[0]) for line in legend.split("<li>")[1:-1]]
    assert len(set(lines)) == len(lines) > 3
    assert len([tag for tag, attributes in tags(text) if tag == "use"]) > 0


@pytest.mark.parametrize("dark", [False, True])
def test_every_line_stands_out_from_the_paper(dark: bool) -> None:
    """Three to one at least, as figures need; what colours words needs four and a half, on the panel too."""
    shade = {colour.name: _luminance(colour.dark if dark else colour.light) for colour in COLOURS}
    for name in SERIES:
        assert _contrast(shade[name], shade["paper"]) >= 3
    for name in ("ink", "muted", "link", "leak", "calm", "failed"):
        assert min(_contrast(shade[name], shade[ground]) for ground in ("paper", "panel")) >= 4.5


def _luminance(colour: str) -> float:
    """Return relative luminance as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
