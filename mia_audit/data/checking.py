"""What every reader holds its data to: labels that are classes, and inputs that are numbers a network can add up.

A file's own reader says where a bad value stands, in the terms of that file. `require_sound` looks at every data set once more, whatever
read it: rows are then positions in a part as stored, from 0.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.data.cards import Profile
from mia_audit.data.source import Source, Split
from mia_audit.errors import DataError
from mia_audit.types import Ints

Where = Callable[[int], str]
"""Names the place of a row, such as "adult.data, line 12"."""

LARGEST = float(np.finfo(np.float32).max)
"""What the models compute in holds no number beyond it."""


def labels(name: str, values: npt.NDArray[Any], classes: int, where: Where, *, first: int = 0) -> Ints:
    """Return labels [N] as classes from 0; DataError names the first that is none, and how many there are.

    first  what the file calls the first class
    """
    known = np.asarray(values)
    if known.dtype.kind not in "buif":
        raise DataError(f"{name}: labels need whole numbers, got {known.dtype} in {where(0)}; write numbers from {first} on")
    with np.errstate(invalid="ignore"):
        wrong = ~((known >= first) & (known < first + classes) & (known == np.floor(known)))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{name}: a label needs a whole number from {first} to {first + classes - 1}, got {known[row]:g} in {where(row)}"
            f"{_more(wrong)}; mend these labels, or take the rows out"
        )
    return known.astype(np.int64) - first


def numbers(name: str, cells: Sequence[Sequence[str]], where: Where, columns: Sequence[int]) -> npt.NDArray[np.float64]:
    """Return rows of text as numbers [N, columns]; DataError names the first cell that is none, or none that a network can use.

    columns  how the file counts each column, from 1
    """
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        for row, line in enumerate(cells):
            for column, cell in zip(columns, line, strict=True):
                if not is_number(cell):
                    raise DataError(
                        f"{name}: a value needs to be a number, got {cell[:40]!r} in {where(row)}, column {column}; mend the row"
                    ) from None
        raise
    require_finite(name, values, lambda row, column: f"{where(row)}, column {columns[column]}")
    return values


def require_finite(name: str, values: npt.NDArray[Any], where: Callable[[int, int], str]) -> None:
    """Refuse NaN, infinity, and what float32 does not hold; `where` names the place of a row and of a value in it."""
    flat = values.reshape(len(values), -1)
    wrong = ~(np.abs(flat) <= LARGEST)
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        raise DataError(
            f"{name}: a value needs to be finite and at most {LARGEST:.2g} (float32), got {flat[row, column]:g} in {where(row, column)}"
            f"{_more(np.any(wrong, axis=1))}; mend these rows, or take them out"
        )


def require_sound(source: Source, profile: Profile) -> None:
    """Refuse a data set, whatever its reader let pass, whose examples have another shape, or labels or values that are none."""
    for part, split in (("training", source.train), ("test", source.test)):
        if split is not None:
            _require_sound(split, profile, part)


def _require_sound(split: Split, profile: Profile, part: str) -> None:
    shape = split.inputs.shape[-len(profile.shape) :]
    if shape != profile.shape or len(split.inputs) != split.labels.size:
        raise DataError(
            f"{profile.name}: the {part} part needs examples of {_sides(profile.shape)} and a label for each, got {len(split.inputs)} of "
            f"{_sides(shape)} and {split.labels.size} labels; these are not the data set's files"
        )
    labels(profile.name, split.labels, profile.classes, lambda row: f"the {part} part, position {row}")
    if split.inputs.dtype.kind == "f":
        require_finite(profile.name, split.inputs, lambda row, column: f"the {part} part, position {row}, value {column}")


def _more(wrong: npt.NDArray[np.bool_]) -> str:
    count = int(wrong.sum())
    return f" ({count} of {wrong.size} rows are so)" if count > 1 else ""


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def is_number(cell: str) -> bool:
    """Whether a cell of text is a number, be it NaN."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
