"""The page asks for nothing, runs nothing, and believes no name."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mia_audit import report
from mia_audit.errors import OutputError, RecordError
from tests.support.html import tags, text
from tests.support.records import make_record
from tests.support.sketches import SKETCHES, Sketch

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>$\\frac{1}{0}$"\'&{{7*7}}'


def _pages() -> list[str]:
    single = report.render([make_record()])
    return [single, report.render([make_record(), make_record("ann", spiking=False, seed=1)])]


@pytest.fixture(scope="module")
def pages() -> list[str]:
    """Render the pages under test."""
    return _pages()


def test_nothing_is_fetched_and_nothing_runs(pages: list[str]) -> None:
    """No address, no script, no handler, no outside source anywhere."""
    for page in pages:
        assert "http://" not in page
        assert "https://" not in page
        assert "@import" not in page
        assert not re.search(r"url\((?!#)", page)
        for tag, attributes in tags(page):
            assert tag not in {"script", "iframe", "object", "embed", "base", "form"}
            assert not any(name.startswith("on") for name in attributes)
            for name in ("src", "href", "srcset", "action", "data"):
                assert (attributes.get(name) or "#").startswith(("#", "data:"))


def test_the_page_forbids_the_browser_to_fetch(pages: list[str]) -> None:
    """A content security policy stands behind the promise."""
    for page in pages:
        assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page


def test_ids_are_unique_and_every_reference_has_its_target(pages: list[str]) -> None:
    """Two figures on one page do not borrow each other's clip paths."""
    for page in pages:
        ids = Counter(attributes["id"] for _, attributes in tags(page) if "id" in attributes)
        assert max(ids.values()) == 1
        assert set(re.findall(r"url\(#([^)]+)\)", page)) | set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_every_figure_has_words_for_who_cannot_see_it(pages: list[str]) -> None:
    """Each drawing is an image with a description."""
    for page in pages:
        drawings = [attributes for tag, attributes in tags(page) if tag == "svg" and attributes.get("class") == "drawing"]
        assert len(drawings) >= 2
        assert all(attributes["role"] == "img" and len(attributes["aria-label"] or "") > 40 for attributes in drawings)


def test_hostile_names_are_words_not_markup() -> None:
    """HTML, a template, TeX and quotes in every name come out as text."""
    sketches = (*SKETCHES[1:], Sketch(name=HOSTILE, summary=HOSTILE, paper=HOSTILE, access=HOSTILE, knowledge=(HOSTILE,), strength=3))
    run: dict[str, object] = {"command": HOSTILE, "versions": {HOSTILE: HOSTILE}, "machine": HOSTILE}
    record = make_record(HOSTILE, summary=HOSTILE, dataset=HOSTILE, classes=[HOSTILE] * 10, sketches=sketches, run=run)
    other = make_record(HOSTILE, summary=HOSTILE, dataset=HOSTILE, sketches=sketches, seed=3, exposed=False)
    for page in (report.render([record]), report.render([record, other])):
        assert "<script" not in page
        assert all("onerror" not in attributes for _, attributes in tags(page))
        assert 'alert("x")' in text(page)
        assert HOSTILE in text(page).replace("&quot;", '"')


def test_the_page_is_small(pages: list[str]) -> None:
    """Also with twenty thousand examples."""
    assert len(report.render([make_record(pool=20_000)]).encode()) < 1_500_000
    assert all(len(page.encode()) < 1_500_000 for page in pages)


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    """Folders are made, and nothing but the report is left."""
    record = make_record()
    report.write([record], tmp_path / "deep" / "report.html")
    assert (tmp_path / "deep" / "report.html").read_text(encoding="utf-8") == report.render([record])
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_written_says_so_in_one_line(tmp_path: Path) -> None:
    """A file where a folder should be."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="give another -o FILE") as caught:
        report.write([make_record()], tmp_path / "file" / "report.html")
    assert "\n" not in str(caught.value)


def test_a_folder_in_the_way_leaves_nothing_half_written(tmp_path: Path) -> None:
    """The temporary file is taken away again."""
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputError):
        report.write([make_record()], tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_leave_to_write_is_refused(tmp_path: Path) -> None:
    """A read-only folder."""
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError):
        report.write([make_record()], tmp_path / "report.html")


def test_no_record_no_report() -> None:
    """Nothing to draw is an error."""
    with pytest.raises(RecordError, match="at least one record"):
        report.render([])


def test_importing_the_report_draws_nothing_in() -> None:
    """The command line's help does not wait for a drawing library."""
    code = "import sys, mia_audit.report; print({'matplotlib', 'seaborn', 'torch', 'jinja2', 'pydantic', 'numpy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert found.stdout.strip() == "set()"
