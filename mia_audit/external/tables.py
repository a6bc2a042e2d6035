"""Columns of a file from outside, by name: .csv, .parquet or .npz, each read as far as it is asked for, and where a row stands."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.errors import DataError
from mia_audit.external import archive, parquet
from mia_audit.external.files import reason, regular, told

Column = npt.NDArray[Any]
_LINES = 50_000  # read together, so that text becomes numbers before all of it is there
SUFFIXES = (".parquet", ".csv", ".npz")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A file's columns. `read` gives some of them by name: [rows], or [..., rows, values] where the file holds whole rows as one.

    where  what a row of it is called, such as "line 12"
    """

    name: str
    names: tuple[str, ...]
    read: Callable[[Sequence[str]], dict[str, Column]]
    where: Callable[[int], str]


def opened(path: Path) -> Table:
    """Return the columns of a file by its suffix; DataError where it is none that can be read."""
    name, suffix = told(path.name), path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(
            f"{name}: needs to be {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, got {suffix or 'no suffix'}; write it as one of them"
        )
    regular(path, "a table of predictions")
    if suffix == ".npz":
        arrays = {each: archive.numbers_of(values) for each, values in archive.read(path).items()}
        return Table(name=name, names=tuple(arrays), read=lambda asked: {each: arrays[each] for each in asked}, where=_row)
    if suffix == ".parquet":
        names, read = parquet.opened(path)
        return Table(name=name, names=names, read=read, where=_row)
    return _comma(path)


def _row(row: int) -> str:
    return f"row {row} (from 0)"


def _comma(path: Path) -> Table:
    """Return a table of text: the first line has the names."""
    name = told(path.name)
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            separator = _separator(text.readline(2**20))
            text.seek(0)
            reader = csv.reader(text, delimiter=separator, skipinitialspace=True, strict=True)
            head = tuple(cell.strip() for cell in next(reader, []))
            _require_names(name, head)
            numbers, columns = _columns(name, reader, len(head))
    except (OSError, UnicodeDecodeError, csv.Error, MemoryError) as error:
        raise DataError(f"{name}: needs to be a table of text in UTF-8, got {reason(error)}; write it anew as .csv") from error
    held = dict(zip(head, columns, strict=True))
    return Table(name=name, names=head, read=lambda asked: {each: held[each] for each in asked}, where=lambda row: f"line {numbers[row]}")


def _separator(line: str) -> str:
    return max((",", ";", "\t"), key=line.count)


def _require_names(name: str, head: Sequence[str]) -> None:
    doubled = next((each for each in head if not each or list(head).count(each) > 1), None) if head else ""
    if doubled is not None:
        got = f"{told(doubled)!r} twice" if doubled else "a column without a name" if head else "no line at all"
        raise DataError(f"{name}: needs a first line with a name for every column, got {got}; add names")


def _columns(name: str, reader: Any, width: int) -> tuple[list[int], list[Column]]:
    """Return each row's line, and the columns: numbers where all of a column's cells are, else words."""
    numbers: list[int] = []
    pieces: list[list[Column]] = [[] for _ in range(width)]
    while rows := [(reader.line_num, row) for row in islice(reader, _LINES)]:
        kept = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
        for line, row in kept:
            if len(row) != width:
                raise DataError(f"{name}: line {line} needs {width} cells, as the first line has, got {len(row)}; mend it")
        numbers += [line for line, _ in kept]
        for piece, cells in zip(pieces, zip(*(row for _, row in kept), strict=True), strict=False):
            piece.append(_as_numbers(cells))
    if not numbers:
        raise DataError(f"{name}: needs a line for each example below the names, got none; put the whole table there")
    return numbers, [_joined(piece) for piece in pieces]


def _as_numbers(cells: Sequence[str]) -> Column:
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        return np.array([cell.strip() for cell in cells], dtype=np.str_)


def _joined(pieces: Sequence[Column]) -> Column:
    """Return pieces of one column together; as words where one of them has any."""
    kinds = {piece.dtype.kind for piece in pieces}
    return np.concatenate(pieces if len(kinds) == 1 else [_words(piece) for piece in pieces])


def _words(piece: Column) -> Column:
    return piece if piece.dtype.kind == "U" else np.array([f"{value:g}" for value in piece.tolist()], dtype=np.str_)


def numbers(table: Table, name: str, values: Column, rows: int = -2) -> npt.NDArray[np.floating[Any]]:
    """Return a column's numbers as floats; DataError names the first row that holds none, or one that is not finite.

    rows  which axis has the rows, where there are several
    """
    if values.dtype.kind in "iub":
        return values.astype(np.float64)
    if values.dtype.kind == "U" and values.ndim == 1:
        values = np.array([_number(table, name, row, cell) for row, cell in enumerate(values.tolist())], dtype=np.float64)
    if values.dtype.kind != "f":
        raise DataError(f"{table.name}: column {told(name)!r} needs numbers, got {values.dtype}; write it as floats")
    for row, value in _unfit(values, rows):
        raise DataError(
            f"{table.name}: {table.where(row)}, column {told(name)!r} needs a finite number, got {value}; mend the row or leave it out"
        )
    return values if values.dtype.itemsize in {4, 8} else values.astype(np.float32 if values.dtype.itemsize < 4 else np.float64)


def _unfit(values: Column, rows: int) -> Iterator[tuple[int, str]]:
    wrong = ~np.isfinite(values)
    if wrong.any():
        place = [int(each) for each in np.unravel_index(int(wrong.argmax()), wrong.shape)]
        row = place.pop(rows) if values.ndim > 1 else place.pop()
        beside = f" at {', '.join(map(str, place))} of its other axes" if len(place) > 1 else f" at place {place[0]} of it" if place else ""
        yield row, f"{values.flat[int(wrong.argmax())]}{beside}"


def _number(table: Table, name: str, row: int, cell: str) -> float:
    """Return a cell's number; one with a sign of per cent as a share of a hundred."""
    text = cell.removesuffix("%").strip()
    try:
        return float(text)
    except ValueError:
        comma = "; decimals need a point, not a comma" if text.replace(",", "", 1).lstrip("-").isdigit() else "; mend the row"
        got = f"{told(cell)!r}" if cell else "nothing"
        raise DataError(f"{table.name}: {table.where(row)}, column {told(name)!r} needs a number, got {got}{comma}") from None
