"""Reading and writing chunks: float32 as it is, bfloat16 as its bits."""

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

CHUNK = 1024


def read(into: Any, source: Any) -> None:
    """Copy float32 or bfloat16 values into the front of a float32 buffer."""


@overload(read, inline="always")
def _read_typed(into: Any, source: Any) -> Any:  # noqa: ARG001  numba reads the names
    if source.dtype == types.uint16:

        def from_bits(into: Any, source: Any) -> None:
            bits = into.view(np.uint32)
            for j in range(source.size):
                bits[j] = np.uint32(source[j]) << np.uint32(16)

        return from_bits

    def copy(into: Any, source: Any) -> None:
        for j in range(source.size):
            into[j] = source[j]

    return copy


def write(target: Any, source: Any) -> None:
    """Copy the front of a float32 buffer out as float32, or rounded to the nearest bfloat16 (ties to even)."""


@overload(write, inline="always")
def _write_typed(target: Any, source: Any) -> Any:  # noqa: ARG001
    if target.dtype == types.uint16:

        def to_bits(target: Any, source: Any) -> None:
            bits = source.view(np.uint32)
            for j in range(target.size):
                half = np.uint32(0x7FFF) + ((bits[j] >> np.uint32(16)) & np.uint32(1))
                target[j] = np.uint16((bits[j] + half) >> np.uint32(16))

        return to_bits

    def copy(target: Any, source: Any) -> None:
        for j in range(target.size):
            target[j] = source[j]

    return copy
