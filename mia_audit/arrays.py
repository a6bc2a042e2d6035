"""Arrays on disk: .npz without pickle, the same bytes for the same arrays, and a digest over what they hold."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.errors import RecordError

Arrays = Mapping[str, npt.NDArray[Any]]


def digest(arrays: Arrays) -> str:
    """Return a SHA-256 over names, types, shapes and bytes of arrays."""
    state = hashlib.sha256()
    for name in sorted(arrays):
        value = np.ascontiguousarray(arrays[name])
        state.update(f"{name}:{value.dtype.str}:{value.shape};".encode())
        state.update(value.tobytes())
    return state.hexdigest()


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays to an .npz without pickle; the same arrays give the same bytes."""
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read an .npz, never unpickling."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:  # NumPy leaves a damaged file open
            return {name: arrays[name] for name in arrays.files}
    except Exception as error:  # zipfile, zlib, struct and NumPy each raise their own
        raise RecordError(f"{path}: a record needs readable arrays, got {type(error).__name__}; run the audit again") from error
