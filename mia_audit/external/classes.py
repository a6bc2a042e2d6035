"""Labels as places of the classes' columns: by what the classes are called, else by number; and whether the two fit each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.errors import DataError
from mia_audit.external import tables
from mia_audit.external.files import told
from mia_audit.types import Floats, Ints

_FEW_RIGHT = 1.5
"""Times chance up to which a target is looked at for classes in another order."""


def places(table: tables.Table, name: str, values: npt.NDArray[Any], count: int, classes: tuple[str, ...]) -> tuple[Ints, tuple[str, ...]]:
    """Return labels as places of their classes' columns: by what those are called, else by number from 0."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"{table.name}: column {told(name)!r} needs one label a row, got {values.shape}; take argmax(axis=1) of it")
    named = classes or (("0", "1") if count == 2 else tuple(map(str, range(count))))
    if len(named) != count:
        raise DataError(f"{table.name}: needs names of {count} classes, got {len(named)}; name them all, in the order of the columns")
    known, at = np.unique(values, return_inverse=True)
    words = [_word(value) for value in known.tolist()]
    of_name = {each: place for place, each in enumerate(named)}
    if not all(word in of_name for word in words):
        return _by_number(table, name, values, known, named)
    order = np.array([of_name[word] for word in words], dtype=np.int64)
    by_name = bool(classes) and named != tuple(map(str, range(count)))
    note = (f"Labels were matched with classes by name: {', '.join(map(told, named[:6]))}.",) if by_name else ()
    return order[at.reshape(-1)], note


def _by_number(
    table: tables.Table, name: str, values: npt.NDArray[Any], known: npt.NDArray[Any], named: Sequence[str]
) -> tuple[Ints, tuple[str, ...]]:
    count = len(named)
    numeric = values.dtype.kind in "iufb" and bool((known == np.floor(known)).all())
    if numeric and known.min() >= 1 and known.max() == count:
        return values.astype(np.int64) - 1, (f"Labels count from 1 to {count}: taken as such.",)
    if numeric and count == 2 and bool(np.array_equal(known, (-1, 1))):
        return (values > 0).astype(np.int64), ("Labels are -1 and 1: taken as classes 0 and 1.",)
    wrong = ~np.isin(np.array([_word(value) for value in known.tolist()]), named)
    row = int(np.flatnonzero(values == known[wrong.argmax()])[0])
    raise DataError(
        f"{table.name}: {table.where(row)}, column {told(name)!r} needs one of {count} classes ({', '.join(map(told, named[:4]))}"
        f"{' ...' if count > 4 else ''}), got {told(str(values[row]))!r}; name the classes in their columns' order with --classes A,B,..."
    )


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(int(value)) if isinstance(value, bool) else str(value).strip()


def accuracy(logits: Floats, labels: Ints) -> tuple[str, ...]:
    """Say how often the target is right; where that is hardly better than guessing, whether another order of classes would fit."""
    predicted, count = logits.mean(axis=0).argmax(axis=-1), logits.shape[-1]
    right = float((predicted == labels).mean())
    said = f"The target is right in {right:.1%} of rows."
    if right * count > _FEW_RIGHT or count > 1_000:
        return (said,)
    table = np.zeros((count, count), dtype=np.int64)
    np.add.at(table, (labels, predicted), 1)
    best = table.max(axis=1).sum() / labels.size
    if best < max(0.5, 2 * right) or len(set(table.argmax(axis=1).tolist())) < count:
        return (f"{said} That is hardly better than guessing.",)
    turned = int(table[int(labels[0])].argmax())
    fits = f"with each label's commonest column it would be right in {best:.1%} (label {int(labels[0])} has column {turned})"
    return (f"{said} Columns and labels are likely in different orders: {fits}; put them in one order, or name them with --classes.",)
