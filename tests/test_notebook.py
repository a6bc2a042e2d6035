"""A notebook as a data scientist writes it: executed by Jupyter's own client, and what it shows looked at in a browser."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import browser
from tests.support.browser import Browser

nbclient = pytest.importorskip("nbclient", reason="needs nbclient and ipykernel, of the group dev")
nbformat = pytest.importorskip("nbformat")

CELLS = (
    """import mia_audit
record = mia_audit.run("ann", dataset="iris", shadows=12, settings={"training": {"epochs": 2}}, attacks="loss,margin,lira-online",
    store="store", out="record", device="cpu", workers=1)""",
    "record",
    "record.attacks",
    'record.figure("roc")',
    'mia_audit.load("record").id == record.id',
    'mia_audit.run("ann", dataset="iris", out="record")',
)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """Execute the notebook, which ends with a mistake, and return the outputs of its cells."""
    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}, allow_errors=True)
    client.execute()
    return [cell.outputs for cell in notebook.cells]


def _html(outputs: list[Any]) -> Iterator[str]:
    yield from (output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {}))


def test_a_run_shows_one_bar_that_ended(shown: list[list[Any]]) -> None:
    """Its last state is all that is left of it: the last stage, done; nothing else is printed."""
    (bar,) = _html(shown[0])
    assert len(shown[0]) == 1
    assert 'value="1.000"' in bar
    assert "draw the report" in bar


def test_the_record_and_its_attacks_are_tables(shown: list[list[Any]]) -> None:
    """The record's own, headline marked, and a data frame with the same attacks."""
    (record,), (frame,) = _html(shown[1]), _html(shown[2])
    assert record.count("(headline)") == 1
    for name in ("loss", "margin", "lira-online"):
        assert name in record
        assert f"<td>{name}</td>" in frame
    assert shown[1][0]["data"]["text/plain"].count("\n") == 4


def test_a_figure_is_a_picture(shown: list[list[Any]]) -> None:
    """Shown without pyplot."""
    assert len(shown[3][0]["data"]["image/png"]) > 10_000
    assert shown[4][0]["data"]["text/plain"] == "True"


def test_a_mistake_is_one_line_at_the_end(shown: list[list[Any]]) -> None:
    """An AuditError, in the words of the command line; the bar stays where it was."""
    bar, error = shown[5]
    assert (error["ename"], error["evalue"].count("\n")) == ("OutputError", 0)
    assert "an audit needs a folder without a record" in error["evalue"]
    assert "prepare" in bar["data"]["text/html"]


@pytest.mark.browser
@pytest.mark.skipif(browser.executable() is None, reason="needs Debian's chromium on the path: apt-get install chromium")
def test_a_browser_shows_what_the_notebook_holds(shown: list[list[Any]], tmp_path: Path) -> None:
    """Laid out like a notebook's outputs: the picture loads, nothing is fetched, the table is not blank, and the console is silent."""
    picture = f'<img alt="ROC curves" src="data:image/png;base64,{shown[3][0]["data"]["image/png"]}">'
    parts = [*_html(shown[0]), *_html(shown[1]), *_html(shown[2]), picture]
    page = tmp_path / "notebook.html"
    page.write_text(f"<!DOCTYPE html><html lang=en><title>Notebook</title><body>{''.join(parts)}</body></html>", encoding="utf-8")
    chromium = Browser(program=browser.executable() or "", folder=tmp_path)
    laid = chromium.probe(page, width=1280)
    assert laid["pictures"] == [True]
    assert laid["fetched"] == []
    assert chromium.console(page) == []
    pixels = chromium.screenshot(page, width=1280, height=900)
    assert 0.005 < float(np.mean(pixels.min(axis=2) < 128)) < 0.5
    assert "not resolved" in unescape(parts[1])
