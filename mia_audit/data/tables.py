"""Two tables as their authors publish them: Location-30 and Adult. Every row is read or named, none is left out without a word."""

import tarfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mia_audit.data import checking
from mia_audit.data.rows import Line, opened, placed, read_lines, require_columns
from mia_audit.data.source import Source, Split
from mia_audit.errors import DataError

_NUMBERS = (0, 2, 4, 10, 11, 12)  # Adult's numeric columns
_CATEGORIES = {1: 9, 3: 16, 5: 7, 6: 15, 7: 6, 8: 5, 9: 2, 13: 42}  # how many values each of the others has, "?" among them
_COLUMNS = 15
_INCOMES = ("<=50K", ">50K")
_CLUSTERS = 30
_PLACES = 446  # Location-30's binary features


def location(path: Path) -> Source:
    """Return Location-30 from its archive, whose file `bangkok` holds a class from 1 to 30 and 446 features a line."""
    name, file = "location30", f"bangkok in {path}"
    try:
        with tarfile.open(path) as archive:
            inside = archive.extractfile("bangkok")
            text = b"" if inside is None else inside.read()
    except (tarfile.TarError, OSError, EOFError, KeyError, zlib.error) as error:
        raise DataError(_unreadable(name, path, error)) from error
    lines = read_lines(name, file, _decoded(name, path, text).splitlines())
    require_columns(name, file, lines, _PLACES + 1)
    features = checking.numbers(name, [line.cells[1:] for line in lines], placed(file, lines), range(2, _PLACES + 2))
    told = checking.numbers(name, [line.cells[:1] for line in lines], placed(file, lines), [1])[:, 0]
    labels = checking.labels(name, told, _CLUSTERS, placed(file, lines), first=1)
    names = tuple(f"cluster {number}" for number in range(1, _CLUSTERS + 1))
    return Source(class_names=names, train=Split(inputs=features, labels=labels), test=None, white=1.0)


def adult(train: Path, test: Path) -> Source:
    """Return Adult from its two files: six numbers, and one column for each value of eight categories that the first file has."""
    people, others = (_people(path) for path in (train, test))
    values = {column: sorted({line.cells[column] for line in people}) for column in _CATEGORIES}
    wrong = [column for column, known in values.items() if len(known) != _CATEGORIES[column]]
    if wrong:
        raise DataError(
            f"adult: column {wrong[0] + 1} of {train} needs the {_CATEGORIES[wrong[0]]} values of the published file, got "
            f"{len(values[wrong[0]])}; a part of the rows, or other spellings, are another data set"
        )
    return Source(class_names=_INCOMES, train=_coded(train, people, values), test=_coded(test, others, values), white=1.0)


def _people(path: Path) -> list[Line]:
    """Return Adult's rows; a line that begins with "|" is a remark, and a first line of names a header."""
    try:
        with opened(path) as file:
            lines = read_lines("adult", str(path), file)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(_unreadable("adult", path, error)) from error
    lines = [line for line in lines if not line.cells[0].startswith("|")]
    if lines and len(lines[0].cells) == _COLUMNS and not any(_numeric(lines[0].cells[column]) for column in _NUMBERS):
        lines = lines[1:] if all(lines[0].cells) else lines
    require_columns("adult", str(path), lines, _COLUMNS)
    for line in lines:
        if "" in line.cells:
            raise DataError(
                f"adult: line {line.number} of {path} needs a value in column {line.cells.index('') + 1}, got an empty cell; "
                'write "?" where a category is not known, or take the row out'
            )
    return lines


def _coded(path: Path, lines: list[Line], values: dict[int, list[str]]) -> Split:
    """Return rows as numbers: those of the file, and 1 where a category has the column's value."""
    where = placed(str(path), lines)
    told = checking.numbers("adult", [[line.cells[column] for column in _NUMBERS] for line in lines], where, [c + 1 for c in _NUMBERS])
    parts: list[npt.NDArray[np.float64]] = []
    for column in range(_COLUMNS - 1):
        if column in values:
            parts.append((np.array([line.cells[column] for line in lines])[:, None] == np.array(values[column])).astype(np.float64))
        else:
            parts.append(told[:, [_NUMBERS.index(column)]])
    return Split(inputs=np.concatenate(parts, axis=1), labels=np.array([_income(path, line) for line in lines], dtype=np.int64))


def _income(path: Path, line: Line) -> int:
    told = "".join(line.cells[-1].split()).rstrip(".").upper()
    if told not in _INCOMES:
        raise DataError(
            f"adult: a label needs to be {_INCOMES[0]} or {_INCOMES[1]}, got {line.cells[-1][:40]!r} in {path}, line {line.number}; "
            f"write it as the published file does"
        )
    return _INCOMES.index(told)


def _decoded(name: str, path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(_unreadable(name, path, error)) from error


def _unreadable(name: str, path: Path, error: Exception) -> str:
    return f"{name}: {path} cannot be read, got {type(error).__name__}: {' '.join(str(error).split())}; put the published file there"


def _numeric(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
