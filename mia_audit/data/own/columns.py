"""Columns of a user's own table as inputs and labels: numbers as they are, and one column for each value of a category."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mia_audit.data.checking import Where
from mia_audit.data.own.given import Asked, Given
from mia_audit.errors import DataError, nearest

NAMES = ("label", "class", "target", "y")
"""What a column of labels is called where no card says otherwise, in capitals or not."""
MOST_VALUES = 50
"""Of a category; a column of words with more is a name, a text or a date."""


class Column(NamedTuple):
    """A column: what it is called, where it stands (from 1), and its numbers or words [N]."""

    name: str
    place: int
    values: npt.NDArray[Any]


def label_of(asked: Asked, names: Sequence[str]) -> str:
    """Return which column holds the labels; DataError where none does, or several may."""
    doubled = sorted({name for name in names if list(names).count(name) > 1 or not name.strip()})
    if doubled:
        raise DataError(
            f"{asked.name}: every column needs a name of its own, got {doubled[0]!r} {list(names).count(doubled[0])} times; rename it, or "
            f"leave an index out"
        )
    for wanted in (*asked.card.ignore, *asked.card.categories, *([asked.card.label] if asked.card.label else [])):
        if wanted not in names:
            raise DataError(f"{asked.name}: the card names a column {wanted!r}, which is not there{nearest(wanted, names)}")
    found = [asked.card.label] if asked.card.label else [name for name in names if name.lower() in NAMES]
    if len(found) != 1:
        raise DataError(
            f"{asked.name}: needs one column of labels called {', '.join(NAMES[:-1])} or {NAMES[-1]}, got "
            f"{' and '.join(found) or ', '.join(names[:8]) + (' ...' if len(names) > 8 else '')}; rename it, or name it in a card "
            f"(label = ..., path = {asked.path.name!r}) and give the card to --dataset"
        )
    return found[0]


def tabled(asked: Asked, columns: Sequence[Column], label: str, where: Where) -> Given:
    """Return a table's features [N, features] in the order of its columns, and its labels."""
    labels = next(column.values for column in columns if column.name == label)
    features = [column for column in columns if column.name != label and column.name not in asked.card.ignore]
    if not features:
        raise DataError(f"{asked.name}: needs a column of features beside {label!r}, got none; add one")
    parts = [_coded(asked, column, where) for column in features]
    return Given(inputs=np.concatenate(parts, axis=1), labels=labels, where=where)


def _coded(asked: Asked, column: Column, where: Where) -> npt.NDArray[np.float64]:
    """Return numbers as one column, and words as one column for each value there is, sorted."""
    if column.values.dtype.kind != "U" and column.name not in asked.card.categories:
        return column.values.astype(np.float64)[:, None]
    empty = column.values == ""
    if column.values.dtype.kind == "U" and empty.any():
        raise DataError(
            f"{asked.name}: a value is missing in {where(int(empty.argmax()))}, column {column.place} ({column.name}); write a word such "
            f"as unknown there, or take the row out"
        )
    values = np.unique(column.values)
    if len(values) > MOST_VALUES:
        raise DataError(
            f"{asked.name}: a category needs at most {MOST_VALUES} values, got {len(values)} words in column {column.place} "
            f"({column.name}), such as {str(values[0])[:40]!r}; leave the column out, or name it in a card: ignore = [{column.name!r}]"
        )
    coded: npt.NDArray[np.float64] = (column.values[:, None] == values).astype(np.float64)
    return coded
