"""A table of a user's own as .csv: a first line of names, commas, numbers or words; compressed or not."""

import zlib

import numpy as np

from mia_audit.data import checking, rows
from mia_audit.data.own.columns import Column, label_of, tabled
from mia_audit.data.own.given import Asked, Given
from mia_audit.errors import DataError


def read(asked: Asked) -> Given:
    """Return the table; DataError names the line and column of what is no value."""
    name, file = asked.name, asked.path.name
    try:
        with rows.opened(asked.path) as text:
            lines = rows.read_lines(name, file, text)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{name}: cannot be read, got {type(error).__name__}: {error}; write it as text in UTF-8") from error
    if len(lines) < 2:
        raise DataError(f"{name}: needs a line of names and a line for each example, got {len(lines)} lines; put the whole table there")
    head, *lines = lines
    separator = next((each for each in (";", "\t", "|") if len(head.cells) == 1 and each in head.cells[0]), None)
    if separator:
        raise DataError(f"{name}: needs commas between columns, got {separator!r} in line {head.number}; write it with commas")
    if all(map(checking.is_number, head.cells)):
        raise DataError(
            f"{name}: needs names of columns in its first line, one of them of the labels, got numbers in line {head.number}; add them"
        )
    rows.require_columns(name, file, lines, len(head.cells))
    label, where = label_of(asked, head.cells), rows.placed(file, lines)
    columns = [
        _column(asked, cell, place, [line.cells[place - 1] for line in lines], where, label)
        for place, cell in enumerate(head.cells, 1)
        if cell not in asked.card.ignore
    ]
    return tabled(asked, columns, label, where)


def _column(asked: Asked, name: str, place: int, cells: list[str], where: checking.Where, label: str) -> Column:  # noqa: PLR0913, PLR0917
    """Return a column of numbers, or of words where it holds no number; labels are words where one of them is."""
    numeric = [checking.is_number(cell) for cell in cells]
    words = not all(numeric) if name == label else not any(numeric) and any(cells)
    if words or (name in asked.card.categories and name != label):
        return Column(name, place, np.array(cells, dtype=np.str_))
    if name == label:
        return Column(name, place, np.array(cells, dtype=np.float64))
    return Column(name, place, checking.numbers(asked.name, [[cell] for cell in cells], where, [place])[:, 0])
