"""Weights in a file of torch (.pt .pth .ckpt .tar .bin) or .safetensors: tensors alone, and nothing run.

A checkpoint is a pickle. torch's reader for weights builds tensors and plain containers; beside them pure data are let in (argparse's
namespaces, numpy's numbers, paths), everything else is refused by its name. A file may promise sizes it does not hold, in its archive and
in its tensors: both are compared before anything is used.
"""

import argparse
import contextlib
import io
import pathlib
import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
import safetensors.torch
import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from mia_audit.errors import DataError
from mia_audit.external.archive import require_room
from mia_audit.external.files import reason, regular, told

Weights = dict[str, torch.Tensor]
SUFFIXES = (".pt", ".pth", ".ckpt", ".tar", ".bin", ".safetensors")
PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".sav")
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
_LOOKED_AT = 1 << 22
_SAVE = "torch.save(model.state_dict(), 'weights.pth')"


def read(path: Path) -> dict[str, Weights]:
    """Return the groups of tensors in a file, by where they stand in it ("" for the file itself); DataError in one line."""
    name, suffix = told(path.name), path.suffix.lower()
    if suffix in PICKLES:
        refuse_pickle(path)
    if suffix not in SUFFIXES:
        raise DataError(f"{name}: weights need a file that ends in {', '.join(SUFFIXES)}, got {suffix or 'none'}")
    regular(path, "a checkpoint")
    content = _safetensors(name, path) if suffix == ".safetensors" else _pickled(name, path)
    found = dict(_groups(content, ""))
    if not found:
        raise DataError(f"{name}: needs tensors by name, got {type(content).__name__} without any; write {_SAVE}")
    for group in found.values():
        for key, tensor in group.items():
            _require_whole(name, key, tensor)
    return found


def refuse_pickle(path: Path) -> NoReturn:
    """Refuse a pickled model: it is a program. Say what it would import, and the three lines that save it anew where it was trained."""
    name, wanted = told(regular(path, "a model").name), _imported(path)
    listed = ", ".join(told(each) for each in wanted[:4]) + (" and others" if len(wanted) > 4 else "") or "what nobody can tell"
    if any(each.startswith("torch.") for each in wanted):
        lines = f"import torch; model = torch.load({name!r}, weights_only=False); {_SAVE}"
    else:
        lines = f"import joblib, skops.io; model = joblib.load({name!r}); skops.io.dump(model, 'model.skops')"
    raise DataError(f"{name}: is a pickle, reading it would import {listed}; where it was trained, {lines}")


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
    """Return what pickles in a file would import, read from their instructions, none of which is carried out."""
    found = set[str]()
    with contextlib.suppress(Exception):  # whatever ends the instructions: those before it count
        with path.open("rb") as file:
            content = io.BytesIO(file.read(_LOOKED_AT))
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                name = next(each for each in archive.namelist() if each.endswith("data.pkl"))
                content = io.BytesIO(archive.open(name).read(_LOOKED_AT))
        while content.tell() < len(content.getbuffer()):  # torch's older files are several, one behind the other
            _walk(content, found)
    return sorted(each for each in found if not each.startswith("torch._utils"))


def _walk(content: IO[bytes], found: set[str]) -> None:
    """Add what one pickle would import."""
    words, memo = list[str](), dict[int, str]()
    last = ""
    for instruction, argument, _ in pickletools.genops(content):
        if instruction.name == "GLOBAL":
            found.add(str(argument).replace(" ", "."))
        elif instruction.name == "STACK_GLOBAL":
            found.add(".".join(words[-2:]))
        elif instruction.name in {"MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"}:
            memo[len(memo) if argument is None else int(str(argument))] = last
            continue
        elif instruction.name in {"BINGET", "LONG_BINGET", "GET"}:
            argument = memo.get(int(str(argument)), "")  # noqa: PLW2901  what was kept under that number
        last = argument if isinstance(argument, str) else ""
        words += [last] if last else []


def _require_room(name: str, path: Path) -> None:
    """Refuse an archive that would unpack to many times its size, or that names a record twice."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError) as error:
        raise DataError(f"{name}: needs to be a file of weights, got {reason(error)}; write {_SAVE}") from error
    require_room(name, members, f"write {_SAVE}")


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
