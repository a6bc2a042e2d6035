"""The store of trained cohorts: one file a cohort, named by the hash of everything that determines it.

A changed line of a recipe can never meet a stale model, and the same command resumes a killed audit. Files are
safetensors: data only, nothing in them runs. They are written whole or not at all.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.errors import StoreError

Tensors = dict[str, npt.NDArray[Any]]


def key_of(facts: Mapping[str, Any]) -> str:
    """Return the key of a cohort: SHA-256 over everything that determines it, as canonical JSON."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Store:
    """A folder of cohorts."""

    folder: Path

    def path(self, key: str) -> Path:
        """Return where a cohort's file lies or will lie."""
        return self.folder / key[:2] / f"{key}.safetensors"

    def has(self, key: str) -> bool:
        """Whether a file of this key exists; it may still turn out damaged when it is read."""
        return self.path(key).is_file()

    def load(self, key: str) -> Tensors | None:
        """Return a cohort's arrays, or None when it is absent or damaged; a damaged file is set aside, never used."""
        from safetensors import SafetensorError, safe_open  # noqa: PLC0415  `list` and `--help` need no store

        path = self.path(key)
        try:
            with safe_open(path, framework="numpy") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a mapping
                whole = (file.metadata() or {}).get("sha256") == _digest(tensors)
        except FileNotFoundError:
            return None
        except (SafetensorError, OSError, ValueError):
            whole = False
        if whole:
            return tensors
        self._set_aside(path)
        return None

    def save(self, key: str, tensors: Tensors) -> None:
        """Write a cohort whole: to a temporary file first, synced, then moved into place."""
        from safetensors.numpy import save  # noqa: PLC0415

        path = self.path(key)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(save({name: np.ascontiguousarray(value) for name, value in tensors.items()}, {"sha256": _digest(tensors)}))
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise StoreError(f"the store {self.folder} cannot be written: {error.strerror}; give another folder with --store") from error

    def _set_aside(self, path: Path) -> None:
        try:
            path.replace(path.with_suffix(".damaged"))
        except OSError as error:
            raise StoreError(
                f"{path} is damaged and cannot be set aside: {error.strerror}; delete it, or give another folder with --store"
            ) from error


def _digest(tensors: Tensors) -> str:
    state = hashlib.sha256()
    for name in sorted(tensors):
        value = np.ascontiguousarray(tensors[name])
        state.update(f"{name}:{value.dtype.str}:{value.shape};".encode())
        state.update(value.data)
    return state.hexdigest()
