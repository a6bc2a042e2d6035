"""A page as PDF, printed by the Chromium or Chrome that is installed; its print style makes the sheets."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from mia_audit.errors import OutputError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
QUIET = ("--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync", "--no-pdf-header-footer")
SECONDS = 120


def write_pdf(page: str, place: Path, find: Callable[[str], str | None] = shutil.which) -> None:
    """Print a page into a PDF file, whole or not at all; OutputError says what is missing. `find` returns where a program is."""
    program = next((found for name in BROWSERS if (found := find(name))), None)
    if program is None:
        raise OutputError(
            f"{place}: a PDF needs an installed Chromium or Chrome to print it, found none on the path; install one, or write the page "
            f"with -o {place.with_suffix('.html').name}"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".printing-", dir=place.parent) as folder:
        source, printed = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(page, encoding="utf-8")
        _print(program, source.resolve(), printed.resolve(), place)
        printed.replace(place)


def _print(program: str, source: Path, printed: Path, place: Path) -> None:
    """Run the browser with a profile of its own; root gets it without a sandbox only, and the page runs nothing."""
    root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    command = [program, *QUIET, *root, f"--user-data-dir={printed.parent / 'profile'}", f"--print-to-pdf={printed}", source.as_uri()]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS)  # noqa: S603 - a program of BROWSERS on a file of ours
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OutputError(f"{place}: {program} did not print it ({type(error).__name__}); write HTML and print that") from error
    if done.returncode or not printed.exists():
        raise OutputError(f"{place}: {program} did not print it (exit code {done.returncode}); write HTML and print that")
