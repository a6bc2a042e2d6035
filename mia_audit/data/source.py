"""What a data set gives before it is dealt: every example once, as stored."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mia_audit.types import Ints

Stored = npt.NDArray[np.uint8] | npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Split:
    """Examples as stored, [N, *shape], and their labels, [N]."""

    inputs: Stored
    labels: Ints


@dataclass(frozen=True, kw_only=True)
class Source:
    """A whole data set.

    train  what pool and population are drawn from
    test   the official test split, None where the data set has none
    white  the stored value that a model sees as 1; 1 for tables
    """

    class_names: tuple[str, ...]
    train: Split
    test: Split | None
    white: float
