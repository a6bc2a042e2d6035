"""axe-core in Debian's chromium: what keeps a reader out of a page, at a width, light or dark."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

RUN = "axe.run(document, {resultTypes: ['violations']})"


@contextmanager
def opened(program: str) -> Iterator[Browser]:
    """Start the browser, and end it."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def violations(browser: Browser, page: Path, *, width: int, dark: bool) -> list[str]:
    """Return every violation that axe-core finds, of any severity, as "rule: element: why"."""
    view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    try:
        view.goto(page.as_uri())
        view.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = view.evaluate(RUN)["violations"]
    finally:
        view.close()
    return [f"{rule['id']}: {node['html'][:100]}: {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def outside(browser: Browser, page: Path, *, width: int) -> list[str]:
    """Return the cells whose text lies outside the box that scrolls around their table, and what lies outside the window."""
    view = browser.new_page(viewport={"width": width, "height": 900})
    try:
        view.goto(page.as_uri())
        found: list[str] = view.evaluate(CELLS)
    finally:
        view.close()
    return found


CELLS = """() => [...document.querySelectorAll("th, td, dd")].filter(cell => cell.checkVisibility()).filter(cell => {
  const words = document.createRange(); words.selectNodeContents(cell);
  const box = words.getBoundingClientRect();
  const around = (cell.closest(".scroll") ?? document.documentElement).getBoundingClientRect();
  const heading = cell.closest("thead") && getComputedStyle(cell.closest("thead")).position === "absolute";
  return !heading && box.width > 0 && (box.left < around.left - 1 || box.right > Math.min(around.right, innerWidth) + 1);
}).map(cell => cell.textContent.trim().slice(0, 60))"""
