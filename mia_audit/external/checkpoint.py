"""Weights in a file of torch (.pt .pth .ckpt .tar .bin) or .safetensors: tensors alone, and nothing run.

A checkpoint is a pickle. torch's reader for weights builds tensors and plain containers; beside them pure data are let in (argparse's
namespaces, numpy's numbers, paths), everything else is refused by its name. A file may promise sizes it does not hold, in its archive and
in its tensors: both are compared before anything is used.
"""

import argparse
import contextlib
import pathlib
import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from mia_audit.errors import DataError
from mia_audit.external.archive import SMALL, TIGHTEST
from mia_audit.external.files import reason, regular, told

Weights = dict[str, torch.Tensor]
SUFFIXES = (".pt", ".pth", ".ckpt", ".tar", ".bin", ".safetensors")
_NUMBER: Any = np.float64(0).__reduce__()[0]  # what numpy pickles its values by
_ARRAY: Any = np.zeros(1).__reduce__()[0]
PURE: tuple[Any, ...] = (
    argparse.Namespace,
    np.dtype,
    np.ndarray,
    *(type(np.dtype(kind)) for kind in ("f4", "f8", "i4", "i8", "u1", "?")),
    *((made, f"numpy.{core}.multiarray.{made.__name__}") for made in (_NUMBER, _ARRAY) for core in ("core", "_core")),
    *((pathlib.PosixPath, name) for name in ("pathlib.PosixPath", "pathlib.Path", "pathlib._local.PosixPath")),
    pathlib.PurePosixPath,
)
"""What a checkpoint may hold beside tensors, and the names that it may go by."""
_DEEPEST = 6
_SAVE = "torch.save(model.state_dict(), 'weights.pth')"


def read(path: Path) -> dict[str, Weights]:
    """Return the groups of tensors in a file, by where they stand in it ("" for the file itself); DataError in one line."""
    name, suffix = told(path.name), path.suffix.lower()
    if suffix not in SUFFIXES:
        hint = "; a pickled model is a program: save its weights instead" if suffix in {".pkl", ".pickle", ".joblib"} else ""
        raise DataError(f"{name}: weights need a file that ends in {', '.join(SUFFIXES)}, got {suffix or 'none'}{hint}")
    regular(path, "a checkpoint")
    content = _safetensors(name, path) if suffix == ".safetensors" else _pickled(name, path)
    found = dict(_groups(content, ""))
    if not found:
        raise DataError(f"{name}: needs tensors by name, got {type(content).__name__} without any; write {_SAVE}")
    for group in found.values():
        for key, tensor in group.items():
            _require_whole(name, key, tensor)
    return found


def _pickled(name: str, path: Path) -> Any:
    _require_room(name, path)
    try:
        with safe_globals(list(PURE)), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, TypeError, KeyError, EOFError, OSError, AttributeError, IndexError) as error:
        raise DataError(f"{name}: {_why(path, error)}") from error
    except (RecursionError, MemoryError, AssertionError, OverflowError, zipfile.BadZipFile, ImportError) as error:
        raise DataError(f"{name}: needs to be a file of weights, got {type(error).__name__}; write {_SAVE}") from error


def _why(path: Path, error: Exception) -> str:
    """Say what a checkpoint would import beside tensors, or that it is none."""
    try:
        wanted = sorted(each for each in get_unsafe_globals_in_checkpoint(path) if not each.startswith("torch._utils"))
    except Exception:  # noqa: BLE001  it is no checkpoint then
        wanted = []
    wanted = wanted or _imported(path)
    known = {each[1] if isinstance(each, tuple) else f"{each.__module__}.{each.__qualname__}" for each in PURE}
    wanted = [each for each in wanted if each not in known]
    if not path.stat().st_size:
        return f"needs to be a file of weights, got an empty one; write {_SAVE}"
    if not wanted and path.read_bytes()[:2] == b"PK" and not zipfile.is_zipfile(path):
        return "needs to be a file of weights, got an archive that is cut short; copy it once more"
    if not wanted:
        return f"needs to be a file of weights, got {reason(error).partition('. This file can')[0]}; write {_SAVE}"
    listed = ", ".join(told(each) for each in wanted[:4]) + (" and others" if len(wanted) > 4 else "")
    return f"holds more than weights: reading it would import {listed}; where it was trained, {_SAVE}"


def _imported(path: Path) -> list[str]:
    """Return what a bare pickle would import, read from its instructions, none of which is carried out."""
    found, words = set[str](), list[str]()
    with path.open("rb") as file, contextlib.suppress(Exception):  # whatever ends the instructions: those before it count
        for instruction, argument, _ in pickletools.genops(file.read(1 << 20)):
            if instruction.name == "GLOBAL":
                found.add(str(argument).replace(" ", "."))
            elif instruction.name == "STACK_GLOBAL":
                found.add(".".join(words[-2:]))
            elif isinstance(argument, str):
                words.append(argument)
    return sorted(found)


def _require_room(name: str, path: Path) -> None:
    """Refuse an archive that would unpack to many times its size, or that names a record twice."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError) as error:
        raise DataError(f"{name}: needs to be a file of weights, got {reason(error)}; write {_SAVE}") from error
    if len({each.filename for each in members}) < len(members):
        raise DataError(f"{name}: every record needs a name of its own, got one twice; write {_SAVE}")
    large = next((each for each in members if each.file_size > SMALL and each.file_size > TIGHTEST * max(1, each.compress_size)), None)
    if large is not None:
        raise DataError(f"{name}: would unpack from {large.compress_size} to {large.file_size} bytes; write {_SAVE}")


def _safetensors(name: str, path: Path) -> Weights:
    try:
        return safetensors.torch.load_file(path)
    except Exception as error:  # its own errors are of its own kind
        raise DataError(
            f"{name}: needs to be a .safetensors file, got {reason(error)}; write it with safetensors.torch.save_file"
        ) from error


def _groups(content: Any, where: str, depth: int = 0) -> Iterator[tuple[str, Weights]]:
    """Yield dictionaries that hold tensors by name, wherever they stand; what else is in them is no weight."""
    if not isinstance(content, Mapping) or depth > _DEEPEST:
        return
    tensors = {str(key): value for key, value in content.items() if isinstance(value, torch.Tensor)}
    if tensors:
        yield where, tensors
    for key, value in content.items():
        yield from _groups(value, f"{where}.{told(str(key), 30)}" if where else told(str(key), 30), depth + 1)


def _require_whole(name: str, key: str, tensor: torch.Tensor) -> None:
    """Refuse a tensor that is larger than its storage, of another layout than rows, or that is no number."""
    called = told(key)
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        raise DataError(f"{name}: {called!r} needs a dense tensor, got {tensor.layout}, {tensor.dtype} on {tensor.device}; write {_SAVE}")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise DataError(
            f"{name}: {called!r} promises {tensor.numel()} values in a storage of {tensor.untyped_storage().nbytes()} bytes; write {_SAVE}"
        )
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise DataError(f"{name}: {called!r} needs finite weights, got NaN or infinity; the network did not train")
