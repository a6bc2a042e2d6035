"""Files that mean harm, made here so that none lies in the tree: what a reader of foreign files has to refuse in one line."""

import io
import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Maker = Callable[[Path], Path]


class Runs:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.mark),))


def npy(values: Any, *, shape: tuple[int, ...] | None = None) -> bytes:
    """Return an array as .npy, which may promise another shape than it has."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(values))
    whole = stream.getvalue()
    if shape is None:
        return whole
    (length,) = struct.unpack("<H", whole[8:10])
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape!r}, }}".ljust(length - 1) + "\n"
    return whole[:8] + struct.pack("<H", len(head)) + head.encode() + whole[10 + length :]


def archive(path: Path, members: list[tuple[str, bytes]], packed: int = zipfile.ZIP_STORED) -> Path:
    """Write an archive of named bytes; names may repeat."""
    with zipfile.ZipFile(path, "w", packed) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name twice is what is wanted
        for name, content in members:
            file.writestr(name, content)
    return path


def pickled(folder: Path) -> Path:
    """Write an archive whose array is of objects."""
    path = folder / "pickled.npz"
    np.savez(path, logits=np.array([Runs(folder / "ran")], dtype=object), member=np.zeros(1))
    return path


def bare_pickle(folder: Path) -> Path:
    """Write a pickle that calls itself an archive."""
    path = folder / "bare.npz"
    path.write_bytes(pickle.dumps(Runs(folder / "ran")))
    return path


def pickle_inside(folder: Path) -> Path:
    """Write an archive that holds a pickle beside its arrays."""
    return archive(folder / "inside.npz", [("logits.npy", npy([1.0])), ("data.pkl", pickle.dumps(Runs(folder / "ran")))])


def bomb(folder: Path) -> Path:
    """Write an archive that unpacks to two hundred times its size."""
    path = folder / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file, file.open("logits.npy", "w") as member:
        member.write(npy([], shape=(300 * 2**17,)))
        for _ in range(300):
            member.write(bytes(2**20))
    return path


def promised(folder: Path) -> Path:
    """Write an array that says it has 2 ** 40 values."""
    return archive(folder / "promised.npz", [("logits.npy", npy([1.0, 2.0], shape=(2**40,)))])


def doubled(folder: Path) -> Path:
    """Write one name twice."""
    return archive(folder / "doubled.npz", [("member.npy", npy([True])), ("member.npy", npy([False]))])


def climbing(folder: Path) -> Path:
    """Write a member whose name leads out of the folder."""
    return archive(folder / "climbing.npz", [("../../climbed.npy", npy([1.0]))])


def cut(folder: Path) -> Path:
    """Write an archive without its end."""
    path = folder / "cut.npz"
    np.savez(path, logits=np.zeros((100, 3)))
    path.write_bytes(path.read_bytes()[:-40])
    return path


def flipped(folder: Path) -> Path:
    """Write an archive whose bytes are not those of its checksum."""
    path = folder / "flipped.npz"
    np.savez(path, logits=np.ones((100, 3)))
    content = bytearray(path.read_bytes())
    content[600] ^= 0xFF
    path.write_bytes(bytes(content))
    return path


def cut_parquet(folder: Path) -> Path:
    """Write a table without its end."""
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = folder / "cut.parquet"
    parquet.write_table(pa.table({"loss": np.ones(1000), "member": np.ones(1000)}), path)
    path.write_bytes(path.read_bytes()[:-100])
    return path


def bomb_parquet(folder: Path) -> Path:
    """Write a table of 100 million equal rows in a few kilobytes."""
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = folder / "bomb.parquet"
    ones = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10_000_000, np.int8)), pa.array([1.0]))
    with parquet.ParquetWriter(path, pa.schema([("loss", ones.type), ("member", ones.type)]), compression="zstd") as file:
        for _ in range(4):
            file.write_table(pa.table({"loss": ones, "member": ones}))
    return path


def page(folder: Path) -> Path:
    """Write what a server says instead of a table."""
    path = folder / "page.csv"
    path.write_text("<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n")
    return path


def names(folder: Path) -> Path:
    """Write columns whose names are markup, a formula and control characters."""
    path = folder / "names.csv"
    path.write_text("<script>alert(1)</script>,=cmd|' /C calc'!A0,\x1b[2Jb\x07\n1,2,3\n")
    return path


def zeros(folder: Path) -> Path:
    """Write NUL bytes."""
    path = folder / "zeros.csv"
    path.write_bytes(bytes(1000))
    return path


def long_cell(folder: Path) -> Path:
    """Write a quoted cell that never ends."""
    path = folder / "long.csv"
    path.write_text('member,loss\n1,"' + "9" * 3_000_000)
    return path


def ragged(folder: Path) -> Path:
    """Write a row with a cell too many."""
    path = folder / "ragged.csv"
    path.write_text("member,loss\n1,2\n1,2,3\n")
    return path


def pipe(folder: Path) -> Path:
    """Make a pipe, which would be waited for."""
    path = folder / "pipe.csv"
    os.mkfifo(path)
    return path


def loop(folder: Path) -> Path:
    """Make a link to itself."""
    path = folder / "loop.csv"
    path.symlink_to(path)
    return path


def folder_named(folder: Path) -> Path:
    """Make a folder that is called as a file."""
    path = folder / "folder.parquet"
    path.mkdir()
    return path


MAKERS: tuple[Maker, ...] = (
    pickled, bare_pickle, pickle_inside, bomb, promised, doubled, climbing, cut, flipped, cut_parquet, bomb_parquet, page, names, zeros,
    long_cell, ragged, pipe, loop, folder_named,
)  # fmt: skip
