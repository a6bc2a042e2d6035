"""An .npz of arrays: inputs and labels, and, where they are given, those of a test part. Nothing pickled is read."""

import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.data.own.given import Asked, Given
from mia_audit.errors import DataError

INPUTS = ("x", "X", "inputs", "features", "images", "x_train", "X_train")
LABELS = ("y", "labels", "targets", "y_train")
TEST_INPUTS = ("x_test", "X_test")
TEST_LABELS = ("y_test",)


def read(asked: Asked) -> tuple[Given, Given | None]:
    """Return the training part, and the test part where there is one."""
    arrays = _arrays(asked)
    test_names = [_named(asked, arrays, names) for names in (TEST_INPUTS, TEST_LABELS)]
    if test_names.count(None) == 1:
        raise DataError(f"{asked.name}: a test part needs arrays x_test and y_test, got {', '.join(arrays)}; add the other one")
    train = _part(asked, arrays, _needed(asked, arrays, INPUTS), _needed(asked, arrays, LABELS))
    inputs, labels = test_names
    return train, _part(asked, arrays, inputs, labels) if inputs and labels else None


def _arrays(asked: Asked) -> dict[str, npt.NDArray[Any]]:
    try:
        with asked.path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:  # TypeError: one array, no archive
        raise DataError(
            f"{asked.name}: needs to be an .npz of plain arrays, got {type(error).__name__}: {' '.join(str(error).split())[:150]}; "
            f"write it with numpy.savez(..., x=inputs, y=labels), arrays of numbers or words and not of objects"
        ) from error


def _named(asked: Asked, arrays: dict[str, npt.NDArray[Any]], names: tuple[str, ...]) -> str | None:
    """Return which of these names there is."""
    there = [name for name in names if name in arrays]
    if len(there) > 1:
        raise DataError(f"{asked.name}: needs one of the arrays {', '.join(names)}, got {' and '.join(there)}; leave one out")
    return there[0] if there else None


def _needed(asked: Asked, arrays: dict[str, npt.NDArray[Any]], names: tuple[str, ...]) -> str:
    name = _named(asked, arrays, names)
    if name is None:
        raise DataError(f"{asked.name}: needs an array called {', '.join(names)}, got {', '.join(arrays) or 'none'}; rename it")
    return name


def _part(asked: Asked, arrays: dict[str, npt.NDArray[Any]], inputs: str, labels: str) -> Given:
    x, y = arrays[inputs], arrays[labels]
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1 or x.ndim < 2 or len(x) != len(y):
        raise DataError(
            f"{asked.name}: needs inputs [examples, ...] and one label for each, got {inputs} of {x.shape} and {labels} of {y.shape}; "
            f"where labels are one column a class, write {labels}.argmax(axis=1)"
        )
    return Given(inputs=x, labels=y, where=lambda row: f"row {row} (from 0)")
