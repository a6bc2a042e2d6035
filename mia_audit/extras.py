"""Packages that only some jobs need: extras of this one, imported when the job begins."""

from importlib import import_module
from typing import Any

from mia_audit.errors import AuditError, DataError

EXTRAS = {
    "dp_accounting": "dp",
    "opacus": "dp",
    "PLD_accounting": "dp",
    "pyarrow": "parquet",
    "onnxruntime": "onnx",
    "skops": "skops",
    "nir": "nir",
    "h5py": "nir",
    "onnxscript": "onnx-export",
}
"""By package: the extra that installs it."""


def extra(module: str, job: str, error: type[AuditError] = DataError, otherwise: str = "") -> Any:
    """Import a module of an extra's package; the error says what needs it, how to install it, and perhaps what to do otherwise."""
    package = module.partition(".")[0]
    group = EXTRAS[package]
    try:
        return import_module(module)
    except ImportError as absent:
        raise error(f"{job} needs {package}, which is not installed; pip install 'mia-audit[{group}]'{otherwise}") from absent
