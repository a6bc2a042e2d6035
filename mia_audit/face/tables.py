"""Rows as a table that a data scientist expects, where one is to be had."""

from collections.abc import Collection, Sequence
from typing import Any


def tabulated(rows: Sequence[dict[str, Any]], words: Collection[str]) -> Any:
    """Return a pandas.DataFrame, or the rows where pandas is not installed; columns that are no words are floats, NaN where missing."""
    try:
        import pandas as pd  # noqa: PLC0415  not everybody has it
    except ImportError:
        return list(rows)
    table = pd.DataFrame(rows)
    return table.astype({name: float for name in table.columns if name not in words})
