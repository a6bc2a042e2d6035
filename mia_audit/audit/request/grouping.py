"""Parts of the audited examples that the reader names: columns of a CSV file, or a file of positions.

A position counts the examples of the data set's training part as it is stored, from 0: what the reader knows of an example is known by
it. A CSV file has a header and commas. With a column named `example` each row tells of that position; without one, row i tells of
position i. Every other column parts the examples by its values; blanks around a value do not count, and an empty cell names no part.
Any other file holds one position a line: those against all others.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mia_audit.errors import DataError
from mia_audit.statistics.slices import Grouping
from mia_audit.types import Ints

MOST_GROUPS = 50
NOT_NAMED = "not named"
SURE = 1e-6
"""How rarely a guess of the data set's size may be too small."""

_POSITION = "example"
_OTHER_SEPARATORS = (";", "\t", "|")


class Row(NamedTuple):
    """A row of a file: the line it ends on, from 1, and its cells without blanks around them."""

    line: int
    cells: list[str]


def read(path: Path, positions: Ints, stored: int | None = None) -> tuple[Grouping, ...]:
    """Return how a file parts the pool, whose examples stand at these positions; DataError says what is wrong with it, and where.

    stored  how many examples the data set's training part has. Where nobody tells, a size that is too small for a pool drawn at
            random only once in a million: the furthest of n positions lies below 1/k of the whole with probability k^-n.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name}: slices need a readable file of text, got {type(error).__name__}; give another path") from error
    size = stored or int((int(positions.max()) + 1) * SURE ** (-1 / positions.size))
    if path.suffix.lower() != ".csv":
        lines = (Row(number, [line.strip()]) for number, line in enumerate(text.splitlines(), 1))
        inside = _placed(path, ((row, row.cells[0]) for row in lines if row.cells[0]), size)
        return (
            _grouping(path, path.stem, {place: path.stem if place in inside else "all others" for place in positions.tolist()}, positions),
        )
    return _columns(path, _rows(path, text), positions, size)


def _rows(path: Path, text: str) -> list[Row]:
    """Return a CSV file's rows. A blank line is an empty cell where there is one column, and nothing at the end of several."""
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    try:
        rows = [Row(reader.line_num, [cell.strip() for cell in cells] or [""]) for cells in reader]
    except csv.Error as error:
        raise DataError(
            f"{path.name}: line {reader.line_num}: slices need rows of CSV, got one that is none ({error}); mend the line"
        ) from error
    while len(rows) > 1 and len(rows[0].cells) > 1 and rows[-1].cells == [""]:
        rows.pop()
    return rows


def _columns(path: Path, rows: Sequence[Row], positions: Ints, size: int) -> tuple[Grouping, ...]:
    _require_table(path, rows)
    header, body = rows[0].cells, rows[1:]
    if _POSITION in header:
        column = header.index(_POSITION)
        at = _placed(path, ((row, row.cells[column]) for row in body), size)
    else:
        while len(body) > size and body[-1].cells == [""]:  # a blank line behind the last example
            body = body[:-1]
        at = dict(enumerate(body))
        _require_enough(path, len(body), positions, size)
    names = [(number, name) for number, name in enumerate(header) if name != _POSITION]
    if not names or len({"class", *header}) <= len(header) or "" in header:
        raise DataError(
            f"{path.name}: slices need columns beside `example`, each of its own name and none of them `class`, got {', '.join(header)}; "
            f"name them anew"
        )
    parts = ((name, {place: row.cells[number] or NOT_NAMED for place, row in at.items()}) for number, name in names)
    return tuple(_grouping(path, name, values, positions) for name, values in parts)


def _require_table(path: Path, rows: Sequence[Row]) -> None:
    """Refuse what is no table: another separator, no rows, rows of another length than the header."""
    header = rows[0].cells if rows else []
    used = [separator for separator in _OTHER_SEPARATORS if len(header) == 1 and separator in header[0]]
    if used:
        raise DataError(f"{path.name}: slices need commas between columns, got {used[0]!r} in the header; write the file with commas")
    if len(rows) < 2:
        raise DataError(f"{path.name}: slices need a header and rows as long as it, got {len(rows)} lines; mend the file")
    wrong = [row for row in rows if len(row.cells) != len(header)]
    if wrong:
        raise DataError(
            f"{path.name}: slices need a header and rows as long as it, got {len(wrong)} rows of another length, first in line "
            f"{wrong[0].line}: {len(wrong[0].cells)} cells, not {len(header)}; mend the file"
        )


def _require_enough(path: Path, rows: int, positions: Ints, size: int) -> None:
    """Refuse rows in order that are fewer, or more, than the examples they tell of."""
    way_out = "or a column `example` that says which one a row tells of"
    if rows <= positions.max():
        raise DataError(
            f"{path.name}: slices need a row for each example as stored, got {rows} rows and an example at position {positions.max()}; "
            f"add rows, {way_out}"
        )
    if rows > size:
        raise DataError(
            f"{path.name}: slices need a row for each example as stored, got {rows} rows and {size} examples at most; "
            f"take rows out, {way_out}"
        )


def _placed(path: Path, rows: Iterator[tuple[Row, str]], size: int) -> dict[int, Row]:
    """Return each row by the position it tells of; refuse what is no position, one beyond the data, and one that is named twice."""
    found: dict[int, Row] = {}
    for row, cell in rows:
        place = _position(path, row, cell, size)
        if place in found:
            raise DataError(f"{path.name}: line {row.line}: position {place} stands in line {found[place].line} already; name it once")
        found[place] = row
    return found


def _position(path: Path, row: Row, cell: str, size: int) -> int:
    if not cell.isdecimal():
        raise DataError(
            f"{path.name}: line {row.line}: a position needs a whole number from 0, got {cell[:40]!r}; count examples as they are stored"
        )
    if len(cell.lstrip("0")) > len(str(size)) or int(cell) >= size:
        raise DataError(
            f"{path.name}: line {row.line}: a position needs to be below {size}, the examples as stored, got {cell[:40]}; count them from 0"
        )
    return int(cell)


def _grouping(path: Path, by: str, values: Mapping[int, str], positions: Ints) -> Grouping:
    each = [values.get(place, NOT_NAMED) for place in positions.tolist()]
    known = sorted(set(each))
    if len(known) > MOST_GROUPS or len(known) < 2:
        raise DataError(
            f"{path.name}: column {by} needs 2 to {MOST_GROUPS} values among the examples of the pool, got {len(known)}; "
            f"put numbers into ranges, or name another column"
        )
    number = {name: place for place, name in enumerate(known)}
    return Grouping(by=by, groups=np.array([number[name] for name in each]), names=dict(enumerate(known)))
