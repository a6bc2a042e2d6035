"""Somebody's own examples, in whatever form their network takes them: batches in that form, and their contents as bytes and numbers.

Taken are arrays or tensors (x, y), x alone, a data frame with labels, and anything with a length that gives (x, y) by position, as
torch's data sets do. Nothing is changed on the way to the network.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mia_audit.errors import DataError, UsageError
from mia_audit.types import Bools, Floats, Ints

_LOOKED_AT = 8  # examples taken twice


@dataclass(frozen=True, kw_only=True)
class Given:
    """Examples by position.

    batch   examples at some positions, in the form that the network takes
    labels  of all of them, from 0; None where there are none
    """

    size: int
    batch: Callable[[Ints], Any]
    labels: Ints | None
    notes: tuple[str, ...] = ()

    def values(self, places: Ints) -> Floats:
        """Return the contents at some positions as numbers, [examples, ...]."""
        found = _array(self.batch(places))
        if found.dtype.kind not in "fiub":
            raise DataError(f"inputs need numbers, got {found.dtype}; give what the network takes, as arrays or tensors")
        numbers: Floats = found.astype(np.float32)
        return numbers

    def digests(self, places: Ints, together: int = 512) -> list[bytes]:
        """Return a digest of each example's content; equal ones are equal examples."""
        parts = (self.batch(places[start : start + together]) for start in range(0, len(places), together))
        return [_digest(row) for part in parts for row in _array(part)]


def given(data: Any) -> Given:
    """Return somebody's examples; UsageError or DataError where they are in no form that is known."""
    if isinstance(data, Given):
        return data
    if isinstance(data, tuple | list) and len(data) == 2 and all(_is_array(each) for each in data):
        return _whole(data[0], data[1])
    if _is_array(data):
        return _whole(data, None)
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, str | bytes | dict):
        return _items(data)
    raise UsageError(
        f"data needs (x, y) as arrays or tensors, or a data set that gives (x, y) by position, got {type(data).__name__}; give one of these"
    )


def equal_contents(digests: Sequence[bytes], member: Bools) -> Bools:
    """Return which examples have the content of one on the other side, [examples]."""
    inside = {each for each, is_member in zip(digests, member.tolist(), strict=True) if is_member}
    both = {each for each, is_member in zip(digests, member.tolist(), strict=True) if not is_member and each in inside}
    return np.array([each in both for each in digests], dtype=np.bool_)


def _is_array(value: Any) -> bool:
    return (isinstance(value, np.ndarray | torch.Tensor) or hasattr(value, "iloc")) and bool(value.ndim)


def _whole(x: Any, y: Any) -> Given:
    if y is not None and len(y) != len(x):
        raise DataError(f"data needs a label for each of {len(x)} examples, got {len(y)}; give equal lengths")
    if not len(x):
        raise DataError("data needs examples, got none; give members and others")
    labels, notes = (None, ()) if y is None else _labels(_array(y))
    if hasattr(x, "iloc"):
        return Given(size=len(x), batch=lambda places: x.iloc[places], labels=labels, notes=notes)
    if isinstance(x, torch.Tensor):
        return Given(size=len(x), batch=lambda places: x[torch.from_numpy(np.asarray(places))], labels=labels, notes=notes)
    return Given(size=len(x), batch=lambda places: x[places], labels=labels, notes=notes)


def _items(data: Any) -> Given:
    size = len(data)
    if not size:
        raise DataError("data needs examples, got none; give members and others")
    first = data[0]
    if not isinstance(first, tuple | list) or len(first) < 2:
        got = type(first).__name__
        raise UsageError(f"data needs to give (x, y) by position, got {got} at 0; wrap it, as in [(each['x'], each['y']) for each in data]")
    _require_plain(first[0])
    labels, notes = _labels(np.array([_array(data[place][1]).item() for place in range(size)]))
    places = np.linspace(0, size - 1, min(size, _LOOKED_AT)).astype(int)
    if any(_digest(_array(data[place][0])) != _digest(_array(data[place][0])) for place in places.tolist()):
        notes = (*notes, "The data set gives an example another content each time it is asked: answers are noisier than they need be.")
    return Given(size=size, batch=lambda at: _stacked([data[int(place)][0] for place in at]), labels=labels, notes=notes)


def _require_plain(x: Any) -> None:
    if not isinstance(x, np.ndarray | torch.Tensor | np.number | int | float | list):
        raise UsageError(
            f"data needs examples as arrays or tensors, got {type(x).__name__}; give the data set a transform, such as ToTensor()"
        )


def _stacked(items: Sequence[Any]) -> Any:
    if all(isinstance(each, torch.Tensor) for each in items):
        return torch.stack(list(items))
    return np.stack([np.asarray(each) for each in items])


def _labels(values: Any) -> tuple[Ints, tuple[str, ...]]:
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"labels need one class an example, got {values.shape}; where they are one column a class, take argmax(axis=1)")
    if values.dtype.kind in "fb" and bool((values == np.floor(values)).all()):
        values = values.astype(np.int64)
    if values.dtype.kind in "iu":
        return values.astype(np.int64), ()
    if values.dtype.kind == "f":
        raise DataError(f"labels need whole numbers from 0 or words, got {values[values != np.floor(values)][0]}; audit a classifier")
    known, places = np.unique(values.astype(np.str_), return_inverse=True)
    named = ", ".join(known[:6].tolist())
    return places.astype(np.int64), (f"Labels are words: taken as classes in alphabetic order ({named}), as scikit-learn has them.",)


def _array(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    return value.to_numpy() if hasattr(value, "to_numpy") else np.asarray(value)


def _digest(row: Any) -> bytes:
    values = np.ascontiguousarray(row)
    content = repr(values.tolist()).encode() if values.dtype.kind == "O" else values.tobytes()
    return hashlib.blake2b(content, digest_size=16).digest()
