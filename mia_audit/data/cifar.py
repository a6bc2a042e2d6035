"""CIFAR-10 and CIFAR-100 as their authors publish them for Python: pickled batches, in a folder or in the archive they come in.

A pickle may run code when it is read. These are read by an unpickler that knows NumPy's arrays and nothing else, so that a file of
anybody's own can be audited without trusting it.
"""

import importlib
import io
import pickle
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mia_audit.data import checking, idx
from mia_audit.data.source import Split
from mia_audit.errors import DataError

_ARRAYS = "numpy._core.multiarray" if hasattr(np, "_core") else "numpy.core.multiarray"
_KNOWN = {
    ("numpy", "ndarray"): ("numpy", "ndarray"),
    ("numpy", "dtype"): ("numpy", "dtype"),
    ("_codecs", "encode"): ("_codecs", "encode"),
    **{(f"numpy.{core}.multiarray", what): (_ARRAYS, what) for core in ("core", "_core") for what in ("_reconstruct", "scalar")},
}


class Contents(NamedTuple):
    """The bytes of a data set's files by name, and where they lie: their folder, or their archive."""

    files: Mapping[str, bytes]
    place: Path


def folder(place: Path, names: Sequence[str]) -> Contents:
    """Return the files of a folder."""
    return Contents(files={name: (place / name).read_bytes() for name in names}, place=place)


def archive(name: str, place: Path, names: Sequence[str]) -> Contents:
    """Return the files that stand in an archive, by the last part of their names; nothing is unpacked."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(place) as tar:
            for member in tar:
                short = member.name.rpartition("/")[2]
                if short in names and (file := tar.extractfile(member)) is not None:
                    found[short] = file.read()
    except Exception as error:  # tarfile, zlib, gzip and lzma each raise their own
        raise DataError(f"{name}: {place} cannot be read, got {type(error).__name__}: {error}; put the whole archive there") from error
    absent = [each for each in names if each not in found]
    if absent:
        raise DataError(
            f"{name}: {place} needs a file {absent[0]}, got {', '.join(sorted(found)) or 'none that is known'}; "
            f"put the published archive there"
        )
    return Contents(files=found, place=place)


def read(name: str, given: Contents, batches: Sequence[str], classes: int) -> Split:
    """Return the batches one after another, [N, 3, 32, 32] bytes; DataError says what was found in which file."""
    pictures, told = [], []
    for batch in batches:
        path = given.place / batch
        content = _unpickled(name, given.files[batch], path)
        wanted = "fine_labels" if "fine_labels" in content else "labels"
        if not {"data", wanted} <= set(content):
            raise DataError(
                f"{name}: {path} needs data and labels, got {', '.join(map(str, content)) or 'nothing'}; put {name}'s own file there"
            )
        data, labels = np.asarray(content["data"]), np.asarray(content[wanted])
        if data.ndim != 2 or data.shape[1] != 3 * 32 * 32 or labels.shape != (len(data),):
            raise DataError(
                f"{name}: {path} needs rows of 3 x 32 x 32 values and a label for each, got data of {data.shape} and labels of "
                f"{labels.shape}; put {name}'s own file there"
            )
        told.append(checking.labels(name, labels, classes, _row(path)))
        pictures.append(data.reshape(-1, 3, 32, 32))
    images = np.concatenate(pictures)
    idx.require_bytes(name, images, given.place)
    return Split(inputs=images, labels=np.concatenate(told))


def class_names(name: str, given: Contents, meta: str, classes: int) -> tuple[str, ...]:
    """Return what the classes are called."""
    content = _unpickled(name, given.files[meta], given.place / meta)
    found = content.get("fine_label_names", content.get("label_names", ()))
    if len(found) != classes:
        raise DataError(f"{name}: {given.place / meta} needs names of {classes} classes, got {len(found)}; put {name}'s own file there")
    return tuple(map(str, found))


def _row(path: Path) -> checking.Where:
    return lambda row: f"{path}, row {row} (from 0)"


class _Arrays(pickle.Unpickler):
    """An unpickler of NumPy's arrays, and of nothing else that has a name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no array")
        place, what = _KNOWN[module, name]
        return getattr(importlib.import_module(place), what)


def _unpickled(name: str, content: bytes, path: Path) -> dict[Any, Any]:
    try:
        found = _Arrays(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # a short or foreign file raises whatever it likes
        raise DataError(
            f"{name}: {path} needs to be one of CIFAR's pickled files, got {len(content)} bytes that cannot be read as one "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]}); put {name}'s own file there"
        ) from error
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}
