"""Parts of the audited examples that the reader names: columns of a CSV file, or a file of positions.

A position counts the examples of the data set's training part as it is stored, from 0: what the reader knows of an example is known by
it. A CSV file has a header. With a column named `example` each row tells of that position; without one, row i tells of position i.
Every other column parts the examples by its values. Any other file holds one position a line: those against all others.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mia_audit.errors import DataError
from mia_audit.statistics.slices import Grouping
from mia_audit.types import Ints

MOST_GROUPS = 50
NOT_NAMED = "not named"
_POSITION = "example"


def read(path: Path, positions: Ints) -> tuple[Grouping, ...]:
    """Return how a file parts the pool, whose examples stand at these positions; DataError says what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name}: slices need a readable file of text, got {type(error).__name__}; give another path") from error
    if path.suffix.lower() != ".csv":
        named = {_whole(line.strip(), path) for line in text.splitlines() if line.strip()}
        inside = dict.fromkeys(named, path.stem)
        return (_grouping(path, path.stem, {place: inside.get(place, "all others") for place in positions.tolist()}, positions),)
    rows = [row for row in csv.reader(text.splitlines(), skipinitialspace=True) if row]
    return _columns(path, rows, positions)


def _columns(path: Path, rows: Sequence[Sequence[str]], positions: Ints) -> tuple[Grouping, ...]:
    if len(rows) < 2 or any(len(row) != len(rows[0]) for row in rows):
        raise DataError(f"{path.name}: slices need a header and rows as long as it; mend the file")
    header, body = rows[0], rows[1:]
    if _POSITION in header:
        place = header.index(_POSITION)
        at = {_whole(row[place], path): row for row in body}
    else:
        at = dict(enumerate(body))
        if len(body) <= positions.max():
            raise DataError(
                f"{path.name}: slices need a row for each example as stored, got {len(body)} rows and an example at position "
                f"{positions.max()}; add rows, or a column `example` that says which one a row tells of"
            )
    names = [(number, name) for number, name in enumerate(header) if name != _POSITION]
    if not names or len({"class", *header}) <= len(header):
        raise DataError(
            f"{path.name}: slices need columns beside `example`, each of its own name and none of them `class`, got {', '.join(header)}; "
            f"name them anew"
        )
    return tuple(_grouping(path, name, {place: row[number] or NOT_NAMED for place, row in at.items()}, positions) for number, name in names)


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


def _whole(text: str, path: Path) -> int:
    if not text.isdecimal():
        raise DataError(f"{path.name}: a position needs a whole number from 0, got {text[:40]!r}; count examples as they are stored")
    return int(text)
