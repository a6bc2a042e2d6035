"""TorchScript and .pt2: programs, not weights. Reading one may run code and write files, so it is read only with --trust-code."""

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from mia_audit.errors import DataError
from mia_audit.external.files import reason, regular, told

SUFFIX = ".pt2"


def is_program(path: Path) -> bool:
    """Say whether a file is a program by its name, or by what is in its archive: code beside constants, as TorchScript has it."""
    if path.suffix.lower() == SUFFIX:
        return True
    if path.suffix.lower() not in {".pt", ".pth", ".ts", ".torchscript"} or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = [each.partition("/")[2] for each in archive.namelist()]
    except (OSError, ValueError, zipfile.BadZipFile):
        return False
    return "constants.pkl" in names and any(each.startswith("code/") for each in names)


def network(path: Path) -> tuple[Callable[[Any], Any], tuple[str, ...]]:
    """Return what a program answers, and notes; its code is run."""
    name = told(regular(path, "a program").name)
    exported = path.suffix.lower() == SUFFIX
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = torch.export.load(path).module() if exported else torch.jit.load(path, map_location="cpu")
    except Exception as error:  # whatever the program raises
        raise DataError(f"{name}: needs to be a program that torch reads, got {reason(error)}; export it anew") from error
    if not exported:
        module.eval()
    return module, (f"{name}: a program ({'torch.export' if exported else 'TorchScript'}), run because --trust-code was given.",)
