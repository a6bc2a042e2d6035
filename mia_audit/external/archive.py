"""Arrays in an .npz from outside: nothing unpickled, and no more memory taken than the file can fill.

An archive may promise what it does not hold (a header's shape, a member's size), unpack to a thousand times its size, or name a member
twice, so that two readers see two files: sizes are compared before an array is made.
"""

import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from mia_audit.errors import DataError
from mia_audit.external.files import reason, regular, told

Arrays = dict[str, npt.NDArray[Any]]
SMALL = 2**28
"""Bytes of a member that may be packed as tightly as it likes."""
TIGHTEST = 100
"""How many times its size a larger member may unpack to."""
_FAULTS = (OSError, ValueError, EOFError, KeyError, RuntimeError, NotImplementedError, struct.error, zlib.error, zipfile.BadZipFile)


def read(path: Path) -> Arrays:
    """Return the arrays of an .npz; DataError, in one line, says what is wrong with it."""
    name = told(regular(path, "an archive of arrays").name)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _require_plain(name, members)
            return {each.filename.removesuffix(".npy"): _array(name, archive, each) for each in members}
    except (*_FAULTS, MemoryError, SyntaxError, TypeError, RecursionError) as error:
        raise DataError(
            f"{name}: needs to be an .npz of plain arrays, got {reason(error)}; write it with numpy.savez, arrays of numbers or words"
        ) from error


def require_room(name: str, members: list[zipfile.ZipInfo], way_out: str) -> None:
    """Refuse an archive that would unpack to many times its size, or that names a member twice."""
    if len({each.filename for each in members}) < len(members):
        raise DataError(f"{name}: every record needs a name of its own, got one twice; {way_out}")
    large = next((each for each in members if each.file_size > SMALL and each.file_size > TIGHTEST * max(1, each.compress_size)), None)
    if large is not None:
        raise DataError(f"{name}: would unpack from {large.compress_size} to {large.file_size} bytes; {way_out}")


def _require_plain(name: str, members: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for member in members:
        called = told(member.filename)
        if member.filename in seen:
            raise DataError(f"{name}: every array needs a name of its own, got {called!r} twice; write the archive anew")
        seen.add(member.filename)
        if not member.filename.endswith(".npy") or member.flag_bits & 1:
            what = "one that is encrypted" if member.flag_bits & 1 else f"{called!r}"
            raise DataError(f"{name}: needs arrays (.npy) alone, got {what}; write it with numpy.savez")
        if member.file_size > SMALL and member.file_size > TIGHTEST * max(1, member.compress_size):
            raise DataError(
                f"{name}: {called!r} would unpack from {member.compress_size} to {member.file_size} bytes, more than {TIGHTEST} times; "
                "write it with numpy.savez, which does not pack"
            )


def _array(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with archive.open(member) as file:
        promised = _promised(file)
    if promised != member.file_size:
        raise DataError(
            f"{name}: {told(member.filename)!r} promises {promised} bytes and holds {member.file_size}; it is cut off or forged, "
            "write it anew"
        )
    with archive.open(member) as file:
        array: npt.NDArray[Any] = npy.read_array(file, allow_pickle=False)
        file.read()  # what is left, so that its checksum is looked at
    return array


def _promised(file: IO[bytes]) -> int:
    """Return how many bytes a member needs by its own header."""
    version = npy.read_magic(file)
    if version not in {(1, 0), (2, 0)}:
        raise ValueError(f"a header of version {version}")
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(file)
    if dtype.hasobject or dtype.names:
        raise ValueError(f"an array of {'Python objects' if dtype.hasobject else 'records'}")
    count = 1
    for side in shape:
        count *= side
    return file.tell() + count * dtype.itemsize


def numbers_of(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return words that an archive holds as bytes as words, everything else as it is."""
    return np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values
