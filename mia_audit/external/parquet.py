"""Columns of a .parquet from outside; pyarrow, an extra, reads it. What its own sizes say is looked at before anything is read."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.errors import DataError
from mia_audit.external.files import reason, told
from mia_audit.extras import extra

Column = npt.NDArray[Any]
Reader = Callable[[Sequence[str]], dict[str, Column]]
SMALL = 2**28
TIGHTEST = 200
"""How many times its size a file may unpack to, above what is small."""


def opened(path: Path) -> tuple[tuple[str, ...], Reader]:
    """Return the names of the columns, and what reads some of them."""
    name = told(path.name)
    job, otherwise = f"{name}: reading .parquet", ", or write a .csv"
    pa, parquet = (extra(module, job, otherwise=otherwise) for module in ("pyarrow", "pyarrow.parquet"))
    faults = (OSError, pa.ArrowException, ValueError, MemoryError)
    try:
        file = parquet.ParquetFile(path)
        names, rows = tuple(file.schema_arrow.names), int(file.metadata.num_rows)
    except faults as error:
        raise DataError(f"{name}: needs to be a parquet file, got {reason(error)}; write it anew") from error
    if len(set(names)) != len(names):
        raise DataError(f"{name}: every column needs a name of its own, got {len(names) - len(set(names))} twice; rename them")
    if not rows:
        raise DataError(f"{name}: needs a row for each example, got none; put the whole table there")

    def read(asked: Sequence[str]) -> dict[str, Column]:
        _require_room(name, rows * 8 * len(asked), path.stat().st_size)
        try:
            table = file.read(columns=list(asked))
        except faults as error:
            raise DataError(f"{name}: needs to be a whole parquet file, got {reason(error)}; write it anew") from error
        return {each: _values(name, each, table.column(each)) for each in asked}

    return names, read


def _require_room(name: str, need: int, size: int) -> None:
    if need > SMALL and need > TIGHTEST * size:
        raise DataError(
            f"{name}: promises {need} bytes in a file of {size}, more than {TIGHTEST} times; write it anew with real predictions"
        )


def _values(name: str, column: str, found: Any) -> Column:
    """Return a column as numbers or words [rows], or lists of one length as [rows, values]."""
    import pyarrow as pa  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    if found.null_count:
        row = int(np.flatnonzero(found.is_null().to_numpy(zero_copy_only=False))[0])
        raise DataError(f"{name}: row {row} (from 0), column {told(column)!r} needs a value, got none; mend the row or leave it out")
    kind = found.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _lists(name, column, found)
    if pa.types.is_dictionary(kind):
        found = found.cast(kind.value_type)
    if pa.types.is_string(found.type) or pa.types.is_large_string(found.type):
        return np.array(found.to_pylist(), dtype=np.str_)
    if pa.types.is_decimal(found.type):
        found = found.cast(pa.float64())
    if not (pa.types.is_boolean(found.type) or pa.types.is_integer(found.type) or pa.types.is_floating(found.type)):
        raise DataError(f"{name}: column {told(column)!r} needs numbers or words, got {told(str(kind))}; leave it out")
    values: Column = found.to_numpy()
    return values


def _lists(name: str, column: str, found: Any) -> Column:
    whole = found.combine_chunks()
    flat: Column = whole.flatten().to_numpy(zero_copy_only=False)
    width, left = divmod(len(flat), len(whole))
    lengths = whole.value_lengths().to_numpy(zero_copy_only=False)
    odd = np.flatnonzero(lengths != width) if not left else np.flatnonzero(lengths != lengths[0])
    if odd.size or flat.dtype.kind not in "iuf":
        got = f"{int(lengths[odd[0]])} in row {int(odd[0])} (from 0)" if odd.size else f"{flat.dtype}"
        raise DataError(f"{name}: column {told(column)!r} needs as many numbers in every row, got {got}; mend the row")
    return flat.reshape(len(whole), width)
