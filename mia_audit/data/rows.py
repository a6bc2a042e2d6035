"""Rows of text with commas between their cells, compressed or not: every line is read or named."""

import csv
import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TextIO

from mia_audit.data import checking
from mia_audit.errors import DataError


class Line(NamedTuple):
    """A row of a file: its line, from 1, and its cells without blanks around them."""

    number: int
    cells: list[str]


def opened(path: Path) -> TextIO:
    """Open a text file, compressed or not; OSError, EOFError or zlib.error where it is none."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rt", encoding="utf-8-sig", newline="") if packed else path.open(encoding="utf-8-sig", newline="")


def read_lines(name: str, file: str, text: Iterable[str]) -> list[Line]:
    """Return the lines that hold anything."""
    reader = csv.reader(text, skipinitialspace=True, strict=True)
    try:
        cells = ((reader.line_num, [cell.strip() for cell in row]) for row in reader)
        return [Line(number, row) for number, row in cells if any(row)]
    except csv.Error as error:
        raise DataError(
            f"{name}: line {reader.line_num} of {file} needs to be a row of CSV, got one that is none ({error}); mend it"
        ) from error


def require_columns(name: str, file: str, lines: list[Line], columns: int) -> None:
    """Refuse rows that have more or fewer cells than the data set's: how many there are, and where the first one stands."""
    wrong = [line for line in lines if len(line.cells) != columns]
    if not lines:
        raise DataError(f"{name}: {file} needs rows of {columns} values, got none; put the whole file there")
    if not wrong:
        return
    first = wrong[0]
    used = next((separator for separator in (";", "\t", "|") if len(first.cells) == 1 and separator in first.cells[0]), "")
    hint = f"; the separator has to be a comma, not {used!r}" if used else "; mend these rows, or take them out"
    raise DataError(
        f"{name}: {len(wrong)} of {len(lines)} rows of {file} have not {columns} values: the first is line {first.number}, with "
        f"{len(first.cells)}{hint}"
    )


def placed(file: str, lines: list[Line]) -> checking.Where:
    """Return what names the line of a row."""
    return lambda row: f"{file}, line {lines[row].number}"
