"""A user's own examples as a data set: labels as classes, pictures from 0 to white, tables of numbers. What is none is refused."""

from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.data import checking, idx
from mia_audit.data.own.given import Asked, Given
from mia_audit.data.source import Source, Split, Stored
from mia_audit.errors import DataError

FEWEST = 100
"""Examples that an audit needs of the training part."""
FEWEST_OF_CLASS = 10
_MOST = 2**31  # no label is larger


def source(asked: Asked, train: Given, test: Given | None) -> Source:
    """Return a data set from what its file holds; DataError says what is wrong with it, and where."""
    if len(train.inputs) < FEWEST:
        raise DataError(f"{asked.name}: an audit needs at least {FEWEST} examples to train on, got {len(train.inputs)}; add some")
    told, tested = _labels(asked, train), None if test is None else _labels(asked, test)
    known, sizes = np.unique(told, return_counts=True)
    _require_classes(asked, known, sizes)
    if test is not None and tested is not None:
        _require_known(asked, test, tested, known)
    names = tuple(map(str, known.tolist()))
    if asked.card.classes and len(asked.card.classes) != len(names):
        raise DataError(f"{asked.name}: the card needs names of {len(names)} classes, got {len(asked.card.classes)}; name them all")
    inputs, white = _inputs(asked, train)
    others = None if test is None else _inputs(asked, test)
    if others is not None and (others[0].shape[1:] != inputs.shape[1:] or others[1] != white):
        raise DataError(
            f"{asked.name}: the test part needs examples like those to train on, {inputs.dtype} of {inputs.shape[1:]}, got "
            f"{others[0].dtype} of {others[0].shape[1:]}; bring them to one form"
        )
    return Source(
        class_names=asked.card.classes or names,
        train=Split(inputs=inputs, labels=np.searchsorted(known, told)),
        test=None if others is None or tested is None else Split(inputs=others[0], labels=np.searchsorted(known, tested)),
        white=white,
    )


def _labels(asked: Asked, part: Given) -> npt.NDArray[Any]:
    """Return labels as words, or as whole numbers from 0 on."""
    if part.labels.dtype.kind != "U":
        return checking.labels(asked.name, part.labels, _MOST, part.where)
    empty = np.char.strip(part.labels) == ""
    if empty.any():
        raise DataError(f"{asked.name}: a label is missing in {part.where(int(empty.argmax()))}; write it, or take the row out")
    return part.labels


def _require_classes(asked: Asked, known: npt.NDArray[Any], sizes: npt.NDArray[Any]) -> None:
    if len(known) < 2:
        raise DataError(f"{asked.name}: an audit needs at least two classes, got only {known[0]!s}; give the whole data set")
    if sizes.min() < FEWEST_OF_CLASS:
        raise DataError(
            f"{asked.name}: an audit needs at least {FEWEST_OF_CLASS} examples of every class, got {sizes.min()} of "
            f"{str(known[sizes.argmin()])[:40]} ({len(known)} classes in all); take the class out, or join it with another"
        )


def _require_known(asked: Asked, test: Given, tested: npt.NDArray[Any], known: npt.NDArray[Any]) -> None:
    new = ~np.isin(tested, known) if tested.dtype.kind == known.dtype.kind else np.ones(len(tested), dtype=bool)
    if new.any():
        row = int(new.argmax())
        raise DataError(
            f"{asked.name}: the test part needs classes of the training part, got {tested[row]!s} in {test.where(row)}; take these rows out"
        )


def _inputs(asked: Asked, part: Given) -> tuple[Stored, float]:
    """Return inputs [N, features] or [N, channels, height, width], and the value that is white."""
    values = part.inputs
    if values.dtype.kind not in "buif":
        raise DataError(f"{asked.name}: inputs need numbers, got {values.dtype}; write them as numbers")
    checking.require_finite(asked.name, values, lambda row, value: f"{part.where(row)}, value {value}")
    shaped = _shaped(asked, values)
    if shaped.ndim == 2:
        return shaped.astype(np.float64), 1.0
    return _shades(asked, shaped, part)


def _shaped(asked: Asked, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return rows of a table, or pictures with channels first, whatever order they are stored in."""
    shape, own = asked.card.shape, values.shape[1:]
    if shape is not None and np.prod(shape) == np.prod(own):
        last = len(shape) == 3 and own == (*shape[1:], shape[0]) and own != shape
        return np.moveaxis(values, -1, 1) if last else values.reshape(-1, *shape)
    if shape is not None:
        raise DataError(f"{asked.name}: the card's shape {list(shape)} needs as many values as an example has, got {own}; correct it")
    if len(own) == 1 and own[0]:
        return values
    if len(own) == 2:
        return values[:, None]
    if len(own) == 3 and own[2] in {1, 3}:
        return np.moveaxis(values, -1, 1)
    if len(own) == 3 and own[0] in {1, 3}:
        return values
    raise DataError(
        f"{asked.name}: examples need to be rows of numbers, or grey or RGB pictures, got {own}; name shape = [channels, height, width] "
        f"in a card"
    )


def _shades(asked: Asked, pictures: npt.NDArray[Any], part: Given) -> tuple[Stored, float]:
    """Return pictures and their white: bytes as they are, fractions from 0 to 1, or what the card says."""
    white = asked.card.white or (255.0 if pictures.dtype.kind in "ui" else 1.0)
    rows = pictures.reshape(len(pictures), -1)
    wrong = ((rows < 0) | (rows > white)).any(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{asked.name}: pictures need shades from 0 to {white:g}, got {rows[row].min():g} to {rows[row].max():g} in {part.where(row)}; "
            f"scale them, write them as bytes, or name white = ... in a card"
        )
    if pictures.dtype.kind in "ui" and white == 255:
        shades = pictures.astype(np.uint8)
        idx.require_bytes(asked.name, shades, asked.path)
        return shades, white
    return pictures.astype(np.float64), white
