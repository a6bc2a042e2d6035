"""Figures as files, for a paper or a slide: every colour resolved, nothing borrowed from a page, the same bytes each time."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from mia_audit.errors import OutputError, UsageError
from mia_audit.paths import Place, expanded
from mia_audit.record import Record
from mia_audit.report.paper import FIGURES, STYLE

FORMATS = ("svg", "png", "pdf")
DPI = 300
STAMPS: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "png": {"Software": None}, "pdf": {"CreationDate": None}}
"""What would differ from run to run or from version to version is left out."""


def formats(text: str) -> list[str]:
    """Return the formats named in a text with commas; UsageError lists what there is."""
    named = list(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    wrong = [name for name in named if name not in FORMATS]
    if wrong or not named:
        raise UsageError(f"--figures needs formats of {', '.join(FORMATS)}, got {', '.join(wrong) or 'none'}; for example svg,png")
    return named


def write_figures(record: Record, folder: Place, kinds: Sequence[str]) -> list[Path]:
    """Write each figure in each format into a folder, made when it is absent, and return the files; OutputError says why it cannot."""
    place = expanded(folder, "--into")
    try:
        place.mkdir(parents=True, exist_ok=True)
        return [_write(record, name, place / f"{name}.{kind}", kind) for name in FIGURES for kind in kinds]
    except OSError as error:
        raise OutputError(
            f"{place}: figures need a folder that can be written, got {error.strerror}; give another --into FOLDER"
        ) from error


def _write(record: Record, name: str, place: Path, kind: str) -> Path:
    drawn = io.BytesIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": "mia-audit"}):
        FIGURES[name](record).savefig(drawn, format=kind, dpi=DPI, facecolor="white", metadata=STAMPS[kind])
    place.write_bytes(drawn.getvalue())
    return place
