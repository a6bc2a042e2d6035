"""A table of a user's own as .parquet; pyarrow, an extra, reads it."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.data.own.columns import Column, label_of, tabled
from mia_audit.data.own.given import Asked, Given
from mia_audit.errors import DataError
from mia_audit.extras import extra

_INDEX = re.compile(r"__index_level_\d+__")  # of pandas, and no feature


def read(asked: Asked) -> Given:
    """Return the table; DataError names the row and column of what is no value."""
    job, otherwise = f"{asked.name}: reading .parquet", ", or write a .csv"
    pa, parquet = (extra(module, job, otherwise=otherwise) for module in ("pyarrow", "pyarrow.parquet"))
    try:
        table = parquet.read_table(asked.path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{asked.name}: needs to be a parquet file, got {type(error).__name__}: {' '.join(str(error).split())[:150]}; write it anew"
        ) from error
    names = [name for name in table.column_names if not _INDEX.fullmatch(name)]
    label = label_of(asked, names)
    columns = [
        Column(name, place, _values(asked, name, table.column(name).to_pylist(), place, label=name == label))
        for place, name in enumerate(table.column_names, 1)
        if name in names and name not in asked.card.ignore
    ]
    return tabled(asked, columns, label, _where)


def _values(asked: Asked, name: str, cells: list[Any], place: int, *, label: bool) -> npt.NDArray[Any]:
    """Return numbers or words [N]; refuse what is missing, and anything else."""
    for row, cell in enumerate(cells):
        if not isinstance(cell, bool | int | float | str):
            what = "no value" if cell is None else f"a {type(cell).__name__}"
            raise DataError(
                f"{asked.name}: a {'label' if label else 'value'} needs to be a number or a word, got {what} in {_where(row)}, column "
                f"{place} ({name}); mend the row, or leave the column out"
            )
    return np.array(cells, dtype=np.str_ if any(isinstance(cell, str) for cell in cells) else np.float64)


def _where(row: int) -> str:
    return f"row {row} (from 0)"
