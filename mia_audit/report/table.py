"""One row an example: membership, scores, and what the whole population says of it. For a spreadsheet or a data frame."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from mia_audit.errors import OutputError
from mia_audit.record import Record
from mia_audit.report.writing import write_whole

Columns = dict[str, list[Any]]


def columns(record: Record) -> Columns:
    """Return the pool as columns; what an example lacks (not audited, not resolved) is None, never a number."""
    arrays = record.arrays
    pool = arrays["labels"].size
    where = np.full(pool, -1)
    where[arrays["audited"]] = np.arange(arrays["audited"].size)
    found: Columns = {
        "position": list(range(pool)),
        "label": [_class_name(record, int(label)) for label in arrays["labels"]],
        "member": [bool(member) for member in arrays["membership"][0]],
        "audited": [bool(at >= 0) for at in where],
        "models_with": [int(count) for count in arrays["membership"].sum(axis=0)],
    }
    if "vulnerability/resolved" in arrays:
        known = arrays["vulnerability/resolved"]
        for name in ("auc", "p", "q"):
            values = arrays[f"vulnerability/{name}"]
            found[f"in_out_{name}"] = [float(value) if here else None for value, here in zip(values, known, strict=True)]
    for attack in record.summary.attacks:
        scores = arrays[f"scores/{attack.name}"]
        found[f"score_{attack.name}"] = [float(scores[at]) if at >= 0 else None for at in where]
    return found


def write_csv(record: Record, path: Path) -> None:
    """Write the table as CSV, empty cells where a number is missing; OutputError says why it cannot."""
    table, text = columns(record), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    try:
        write_whole(path, text.getvalue())
    except OSError as error:
        raise OutputError(f"{path}: the table needs a file that can be written, got {error.strerror}; give another one") from error


def write_parquet(record: Record, path: Path) -> None:
    """Write the table as Parquet, nulls where a number is missing; needs pyarrow."""
    try:
        import pyarrow as pa  # noqa: PLC0415  # pyright: ignore[reportMissingImports]  # an extra
        from pyarrow import parquet  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise OutputError("--parquet needs the package pyarrow, which is not installed; `pip install pyarrow`, or use --csv") from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(pa.table(columns(record)), path)
    except OSError as error:
        raise OutputError(f"{path}: the table needs a file that can be written, got {error}; give another one") from error


def _class_name(record: Record, label: int) -> str:
    names = record.summary.data.classes
    return names[label] if 0 <= label < len(names) else str(label)
