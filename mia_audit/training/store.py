"""The store of trained cohorts, named by the hash of everything that determines them.

A changed line of a recipe can never meet a stale model, and the same command resumes a killed audit. Files are
safetensors: data only, nothing in them runs. They are written whole or not at all, and each says under which key: one that
lies under another's name, a damaged one and one of another version of this format are set aside, never used.

<key>.safetensors  answers, or signals taken from trained models
<key>.weights      the same models' weights, which are many times as large and read by those alone who ask the models anew
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.errors import StoreError

Tensors = dict[str, npt.NDArray[Any]]

FORMAT = "2"
"""Raised whenever files are laid out otherwise; version 1 held answers and weights in one file, and no key."""

WEIGHTS = "weights/"
"""What the names of weights begin with."""

ANSWERS_SUFFIX = ".safetensors"
WEIGHTS_SUFFIX = ".weights"


def key_of(facts: Mapping[str, Any]) -> str:
    """Return the key of a cohort: SHA-256 over everything that determines it, as canonical JSON."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Store:
    """A folder of cohorts."""

    folder: Path

    def path(self, key: str) -> Path:
        """Return where a cohort's answers lie or will lie."""
        return self.folder / key[:2] / f"{key}{ANSWERS_SUFFIX}"

    def weights_path(self, key: str) -> Path:
        """Return where a cohort's weights lie or will lie."""
        return self.folder / key[:2] / f"{key}{WEIGHTS_SUFFIX}"

    def has(self, key: str) -> bool:
        """Whether answers of this key exist; they may still turn out damaged when they are read."""
        return self.path(key).is_file()

    def load(self, key: str) -> Tensors | None:
        """Return a cohort's arrays but for its weights, or None when they are absent or not to be used; such a file is set aside."""
        return _held(self.path(key))

    def weights(self, key: str) -> Tensors | None:
        """Return a cohort's weights under their own names, or None when they are absent or damaged; a damaged file is set aside."""
        held = _held(self.weights_path(key))
        return None if held is None else {name.removeprefix(WEIGHTS): value for name, value in held.items()}

    def save(self, key: str, tensors: Tensors, about: Mapping[str, str] | None = None) -> None:
        """Write a cohort whole: each file to a temporary one first, synced, then moved into place; weights go before answers.

        about  what `mia-audit store` tells of the file: no part of the key, read by nobody else
        """
        weights = {name: value for name, value in tensors.items() if name.startswith(WEIGHTS)}
        if weights:
            self._write(self.weights_path(key), weights, about or {})
        self._write(self.path(key), {name: value for name, value in tensors.items() if name not in weights}, about or {})

    def files(self) -> Iterator[Path]:
        """Yield every file of the store, in order of their names; none where there is no folder."""
        yield from sorted(path for path in self.folder.glob("??/*") if path.is_file())

    def _write(self, path: Path, tensors: Tensors, about: Mapping[str, str]) -> None:
        from safetensors.numpy import save  # noqa: PLC0415

        part = path.with_suffix(f".{os.getpid()}.part")
        told = {"format": FORMAT, "key": path.stem, "sha256": _digest(path, tensors), "about": json.dumps(dict(about), sort_keys=True)}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(save({name: np.ascontiguousarray(value) for name, value in tensors.items()}, told))
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise StoreError(f"the store {self.folder} cannot be written: {error.strerror}; give another folder with --store") from error


def read(path: Path) -> Tensors | None:
    """Return what a file of the store holds, None when it is damaged, of another version, or under a name that is not its own."""
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415  `list` and `--help` need no store

    try:
        with safe_open(path, framework="numpy") as file:
            told = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a mapping
    except (SafetensorError, OSError, ValueError):
        return None
    own = told.get("format") == FORMAT and told.get("key") == path.stem
    return tensors if own and told.get("sha256") == _digest(path, tensors) else None


def told_of(path: Path) -> dict[str, str]:
    """Return what a file says of itself, without reading what it holds; nothing where it cannot be read."""
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415

    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError):
        return {}


def _held(path: Path) -> Tensors | None:
    """Return what a file holds; set it aside when it is there and cannot be used."""
    if not path.is_file():
        return None
    found = read(path)
    if found is None:
        aside = path.with_name(f"{path.name}.damaged") if path.suffix == WEIGHTS_SUFFIX else path.with_suffix(".damaged")
        try:
            path.replace(aside)
        except OSError as error:
            raise StoreError(
                f"{path} is damaged and cannot be set aside: {error.strerror}; delete it, or give another folder with --store"
            ) from error
    return found


def _digest(path: Path, tensors: Tensors) -> str:
    """Return a SHA-256 over a file's own name, and the names, types, shapes and bytes of what it holds."""
    state = hashlib.sha256(f"{FORMAT}:{path.name};".encode())
    for name in sorted(tensors):
        value = np.ascontiguousarray(tensors[name])
        state.update(f"{name}:{value.dtype.str}:{value.shape};".encode())
        state.update(value.data)
    return state.hexdigest()
