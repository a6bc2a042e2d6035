"""The IDX format of MNIST and Fashion-MNIST: two zeros, a type, a number of sizes, the sizes, the values, all big-endian.

yann.lecun.com/exdb/mnist describes it. Files are read as they are or compressed, told apart by how they begin.
"""

import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.data import checking
from mia_audit.data.source import Split
from mia_audit.errors import DataError

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read(name: str, images: Path, labels: Path, classes: int, sides: tuple[int, int]) -> Split:
    """Return a part of an image data set, [N, 1, height, width] bytes; DataError says what was found in which file."""
    pictures, told = _values(name, images), _values(name, labels)
    if pictures.ndim != 3 or pictures.shape[1:] != sides:
        raise DataError(
            f"{name}: {images.name} needs pictures of {sides[0]} x {sides[1]}, got {_sides(pictures.shape)} values in {images}; "
            f"put {name}'s own file there, or name another folder with --data-root"
        )
    require_bytes(name, pictures, images)
    if told.shape != (len(pictures),):
        raise DataError(
            f"{name}: {labels.name} needs a label for each of {len(pictures)} pictures, got {_sides(told.shape)} labels for "
            f"images of shape {pictures.shape} in {labels}; these files do not belong together"
        )
    return Split(inputs=pictures[:, None], labels=checking.labels(name, told, classes, lambda row: f"{labels}, row {row} (from 0)"))


def require_bytes(name: str, pictures: npt.NDArray[Any], path: Path) -> None:
    """Refuse pictures that are none: not of bytes, or without anything brighter than 1 of 255."""
    if pictures.dtype != np.uint8:
        raise DataError(f"{name}: {path} needs pixels as unsigned bytes from 0 to 255, got {pictures.dtype.name}; write them as bytes")
    if not pictures.size or pictures.max() <= 1:
        brightest = int(pictures.max()) if pictures.size else "none"
        raise DataError(
            f"{name}: {path} needs pixels from 0 to 255, got {brightest} as the brightest of {len(pictures)} pictures, so that networks "
            f"would see nothing; multiply them by 255"
        )


def _values(name: str, path: Path) -> npt.NDArray[Any]:
    content = _content(name, path)
    kind = TYPES.get(content[2]) if len(content) > 3 and content[:2] == b"\0\0" else None
    if kind is None or len(content) < 4 + 4 * content[3]:
        raise DataError(
            f"{name}: {path} needs to be an IDX file, got {len(content)} bytes that begin with {content[:16]!r}; put {name}'s own file "
            f"there, or name another folder with --data-root"
        )
    sizes = tuple(int.from_bytes(content[4 + 4 * place : 8 + 4 * place], "big") for place in range(content[3]))
    body, expected = content[4 + 4 * len(sizes) :], math.prod(sizes) * np.dtype(kind).itemsize
    if len(body) != expected:
        more = f"{abs(len(body) - expected):,} bytes {'more' if len(body) > expected else 'fewer'}"
        raise DataError(
            f"{name}: {path} needs as many values as its header says, {_sides(sizes)}, got {more}; it was cut or added to after it was "
            f"written: put the whole file there"
        )
    return np.frombuffer(body, dtype=kind).astype(np.dtype(kind).newbyteorder("="), copy=False).reshape(sizes)


def _content(name: str, path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: {path} cannot be read, got {type(error).__name__}: {error}; put the whole file there") from error


def _sides(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))
