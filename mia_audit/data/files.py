"""Data sets that users fetch by themselves and keep as files below the data root: two tables, and events of a camera.

Location30/dataset_location.tgz   github.com/privacytrustlab/datasets: Shokri et al. 2017; class first, then 446 binary features
Adult/adult.data, adult.test      archive.ics.uci.edu/dataset/2/adult, as they are or compressed (.gz): Becker and Kohavi 1996. Six
                                  numbers, and one column for each value of eight categories ("?" is a value)
NMNIST-small/nmnist_small.npz     events of N-MNIST (Orchard et al. 2015), arrays x, y, p, dt, offsets and labels; rows up to 1,000
                                  are of the training part. github.com/bamsumit/slayerPytorch, example/NMNISTsmall, has them as .bs2
"""

import csv
import gzip
import tarfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mia_audit.data.profiles import Profile
from mia_audit.data.source import Source, Split
from mia_audit.errors import DataError
from mia_audit.types import Ints

_NUMBERS = (0, 2, 4, 10, 11, 12)  # Adult's numeric columns
_COLUMNS = 15
_SPAN = 340_000  # microseconds of an N-MNIST sample
_TRAIN = 1000  # N-MNIST samples of the training part


class Place(NamedTuple):
    """The files of a data set below the data root, and where they come from."""

    files: tuple[str, ...]
    origin: str


PLACES = {
    "location30": Place(("Location30/dataset_location.tgz",), "https://github.com/privacytrustlab/datasets"),
    "adult": Place(("Adult/adult.data", "Adult/adult.test"), "https://archive.ics.uci.edu/dataset/2/adult"),
    "nmnist-small": Place(("NMNIST-small/nmnist_small.npz",), "https://github.com/bamsumit/slayerPytorch (example/NMNISTsmall)"),
}


def read(profile: Profile, *, root: Path, steps: int) -> Source:
    """Return a data set from its files; events are binned into `steps` frames. DataError says where absent files come from."""
    place = PLACES[profile.name]
    absent = [name for name in place.files if _found(root / name) is None]
    if absent:
        raise DataError(
            f"{profile.name} needs {absent[0]} in {root}, which is not there; fetch it from {place.origin}, and name the folder above "
            f"it with --data-root or MIA_AUDIT_DATA"
        )
    try:
        source = _events(root, steps) if profile.events else {"location30": _location, "adult": _adult}[profile.name](root)
        _check(source, profile)
    except Exception as error:  # a damaged archive raises tarfile, zlib, csv, zip, KeyError, ValueError...
        raise DataError(
            f"{profile.name} needs whole files in {(root / place.files[0]).parent}, got damaged ones "
            f"({type(error).__name__}: {' '.join(str(error).split())}); fetch them again from {place.origin}"
        ) from error
    return source


def _found(path: Path) -> Path | None:
    """Return a file, or the same one compressed."""
    return next((each for each in (path, path.with_name(f"{path.name}.gz")) if each.is_file()), None)


def _check(source: Source, profile: Profile) -> None:
    shape = source.train.inputs.shape[-len(profile.shape) :]
    if shape != profile.shape or source.train.labels.max() >= profile.classes:
        raise ValueError(f"examples of shape {shape} and labels up to {source.train.labels.max()}")


def _location(root: Path) -> Source:
    with tarfile.open(root / PLACES["location30"].files[0]) as archive:
        file = archive.extractfile("bangkok")
        if file is None:
            raise ValueError("no file bangkok in the archive")
        rows = [line.split(",") for line in file.read().decode().split()]
    labels = np.array([int(row[0].strip('"')) - 1 for row in rows], dtype=np.int64)
    inputs = np.array([row[1:] for row in rows], dtype=np.float64)
    names = tuple(f"cluster {number}" for number in range(1, 31))
    return Source(class_names=names, train=Split(inputs=inputs, labels=labels), test=None, white=1.0)


def _adult(root: Path) -> Source:
    train, test = (_rows(root / name) for name in PLACES["adult"].files)
    values = [sorted({row[column] for row in train}) for column in range(_COLUMNS - 1)]
    return Source(class_names=("<=50K", ">50K"), train=_people(train, values), test=_people(test, values), white=1.0)


def _rows(path: Path) -> list[list[str]]:
    found = _found(path)
    assert found is not None  # noqa: S101  looked for before
    with gzip.open(found, "rt") if found.suffix == ".gz" else found.open() as file:
        return [row for row in csv.reader(file, skipinitialspace=True) if len(row) == _COLUMNS]


def _people(rows: list[list[str]], values: list[list[str]]) -> Split:
    parts: list[npt.NDArray[np.float64]] = []
    for column, known in enumerate(values):
        cells = [row[column] for row in rows]
        if column in _NUMBERS:
            parts.append(np.array(cells, dtype=np.float64)[:, None])
        else:
            parts.append((np.array(cells)[:, None] == np.array(known)).astype(np.float64))
    inputs = np.concatenate(parts, axis=1)
    labels = np.array([row[-1].startswith(">") for row in rows], dtype=np.int64)
    return Split(inputs=inputs, labels=labels)


def _events(root: Path, steps: int) -> Source:
    with np.load(root / PLACES["nmnist-small"].files[0]) as file:
        arrays = {name: file[name] for name in ("x", "y", "p", "dt", "offsets", "labels")}
    frames = binned(arrays, steps)
    labels: Ints = arrays["labels"].astype(np.int64)
    parts = [Split(inputs=frames[part], labels=labels[part]) for part in (slice(None, _TRAIN), slice(_TRAIN, None))]
    return Source(class_names=tuple("0123456789"), train=parts[0], test=parts[1], white=1.0)


def binned(arrays: dict[str, Ints], steps: int) -> npt.NDArray[np.float64]:
    """Return event counts [N, steps, 2, 34, 34] in equal bins of time, from events in a row and where each sample begins."""
    offsets = arrays["offsets"]
    sample = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    since = np.cumsum(arrays["dt"], dtype=np.int64)
    before = np.concatenate([[0], since])[offsets[:-1]]
    bins = np.minimum((since - before[sample]) * steps // _SPAN, steps - 1)
    frames = np.zeros((len(offsets) - 1, steps, 2, 34, 34))
    np.add.at(frames, (sample, bins, arrays["p"], arrays["y"], arrays["x"]), 1)
    return frames
