"""Events of a camera: N-MNIST (Orchard et al. 2015), one event after another, binned into frames.

Arrays of the file: x, y, p (polarity, 0 or 1), dt (microseconds since the sample's last event), offsets (where each sample begins, and
where the last one ends) and labels; samples up to 1,000 are of the training part. Nothing wraps: an event outside the frame, the time or
the polarities that there are is refused with its place, since NumPy would count -1 from the other end.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.data import checking
from mia_audit.data.source import Source, Split
from mia_audit.errors import DataError
from mia_audit.types import Ints

NAME = "nmnist-small"
_SIDE = 34
_SPAN = 340_000  # microseconds of a sample
_TRAIN = 1000  # samples of the training part
_CLASSES = 10
_PLACES = {"x": _SIDE, "y": _SIDE, "p": 2, "dt": _SPAN}
_HINTS = {
    "x": f"pixels go from 0 to {_SIDE - 1}",
    "y": f"pixels go from 0 to {_SIDE - 1}",
    "p": "write 0 for darker and 1 for brighter, (p > 0) where they are -1 and 1",
    "dt": f"microseconds since the sample's last event, which never go backwards; a sample lasts {_SPAN}",
}


def read(path: Path, steps: int) -> Source:
    """Return the two parts of N-MNIST from a file of events, binned into so many frames."""
    arrays = _arrays(path)
    samples = len(_offsets(arrays)) - 1
    if arrays["labels"].shape != (samples,) or samples <= _TRAIN:
        raise DataError(
            f"{NAME}: {path} needs more than {_TRAIN} samples, those of the training part, and a label for each, got {samples} samples "
            f"and {arrays['labels'].size} labels"
        )
    labels = checking.labels(NAME, arrays["labels"], _CLASSES, lambda row: f"{path}, labels, row {row} (from 0)")
    frames = binned(arrays, steps)
    parts = [Split(inputs=frames[part], labels=labels[part]) for part in (slice(None, _TRAIN), slice(_TRAIN, None))]
    return Source(class_names=tuple("0123456789"), train=parts[0], test=parts[1], white=1.0)


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            names = [*_PLACES, "offsets", "labels"]
            absent = [name for name in names if name not in content.files]
            if absent:
                raise DataError(f"{NAME}: {path} needs an array {absent[0]}, got {', '.join(content.files) or 'none'}")
            return {name: content[name] for name in names}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:  # TypeError: one array, no archive
        raise DataError(
            f"{NAME}: {path} needs to be an .npz of plain arrays, got {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        ) from error


def binned(arrays: Mapping[str, npt.NDArray[Any]], steps: int) -> npt.NDArray[np.float64]:
    """Return event counts [N, steps, 2, 34, 34] in equal bins of time, from events in a row and where each sample begins.

    DataError names the first event that is none: outside the frame or the time, backwards in time, of another polarity.
    """
    offsets = _offsets(arrays)
    x, y, polarity, passed = (_places(name, arrays[name]) for name in _PLACES)
    sample = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    since = np.cumsum(passed)
    time = since - np.concatenate([[0], since])[offsets[:-1]][sample]
    late = time >= _SPAN
    if late.any():
        event = int(late.argmax())
        raise DataError(
            f"{NAME}: an event needs a time below {_SPAN} microseconds, got {time[event]} at event {event}, of sample {sample[event]} "
            f"({int(late.sum())} events are so); take them out"
        )
    frames = np.zeros((len(offsets) - 1, steps, 2, _SIDE, _SIDE))
    np.add.at(frames, (sample, time * steps // _SPAN, polarity, y, x), 1)
    return frames


def _offsets(arrays: Mapping[str, npt.NDArray[Any]]) -> Ints:
    """Return where samples begin, and the last one ends; refused unless they part all events in order."""
    sizes = {name: np.asarray(arrays[name]).shape for name in _PLACES}
    if len(set(sizes.values())) > 1 or len(sizes["x"]) != 1:
        raise DataError(f"{NAME}: events need x, y, p and dt of one length, got {', '.join(f'{n} {s}' for n, s in sizes.items())}")
    offsets, (events,) = np.asarray(arrays["offsets"]), sizes["x"]
    whole = offsets.ndim == 1 and offsets.size > 1 and offsets.dtype.kind in "iu"
    if not whole or offsets[0] != 0 or offsets[-1] != events or (offsets[1:] < offsets[:-1]).any():
        raise DataError(
            f"{NAME}: offsets need whole numbers that rise from 0 to {events}, the number of events, got {offsets.dtype} from "
            f"{offsets.ravel()[:1]} to {offsets.ravel()[-1:]}; they say where each sample begins, and where the last one ends"
        )
    return offsets.astype(np.int64)


def _places(name: str, values: npt.NDArray[Any]) -> Ints:
    known = np.asarray(values)
    if known.dtype.kind not in "buif":
        raise DataError(f"{NAME}: {name} of events needs numbers, got {known.dtype}: {_HINTS[name]}")
    with np.errstate(invalid="ignore"):
        wrong = ~((known >= 0) & (known < _PLACES[name]) & (known == np.floor(known)))
    if wrong.any():
        event = int(wrong.argmax())
        raise DataError(
            f"{NAME}: {name} of an event needs a whole number from 0 to {_PLACES[name] - 1}, got {known[event]:g} at event {event} "
            f"({int(wrong.sum())} of {wrong.size} events are so): {_HINTS[name]}"
        )
    return known.astype(np.int64)
