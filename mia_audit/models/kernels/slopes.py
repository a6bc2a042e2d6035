"""Slopes of the surrogates, by number: the formulas of `surrogates.py`, in place on a chunk."""

import math
from typing import Any

import numpy as np
from numba import njit

from mia_audit.models.surrogates import ATAN, ESCAPE, ESCAPE_SNNTORCH, FAST_SIGMOID, GATE, GAUSSIAN, ONES, SECH2, TRIANGLE


@njit(cache=True, error_model="numpy", inline="always")
def _exp_of_minus(x: Any, scale: Any, out: Any, size: int) -> None:
    """out = scale * exp(-x) for x >= 0, to 2e-7: 2^n by its exponent bits, 2^f by a polynomial."""
    bits = out.view(np.uint32)
    for j in range(size):
        y = np.float32(-1.4426950408889634) * min(x[j], np.float32(87.0))
        n = np.floor(y)
        f = y - n
        p = np.float32(1.5353362e-4)
        p = p * f + np.float32(1.3398874e-3)
        p = p * f + np.float32(9.6184373e-3)
        p = p * f + np.float32(5.5503324e-2)
        p = p * f + np.float32(2.4022648e-1)
        p = p * f + np.float32(6.9314718e-1)
        p = p * f + np.float32(1.0)
        x[j] = p * scale
        bits[j] = np.uint32(np.int32(n) + np.int32(127)) << np.uint32(23)
    for j in range(size):
        out[j] = out[j] * x[j]


@njit(cache=True, error_model="numpy")
def slope(code: int, x: Any, out: Any, size: int) -> None:
    """out = the surrogate's slope at x (x is used up); one formula a code, as in `surrogates.py`."""
    one = np.float32(1.0)
    if code == ATAN:
        for j in range(size):
            y = x[j] * np.float32(math.pi)
            out[j] = one / (y * y + one)
    elif code == FAST_SIGMOID:
        for j in range(size):
            y = abs(x[j]) * np.float32(25.0) + one
            out[j] = one / (y * y)
    elif code == ESCAPE:
        for j in range(size):
            x[j] = abs(x[j])
        _exp_of_minus(x, one, out, size)
    elif code == ESCAPE_SNNTORCH:
        for j in range(size):
            x[j] = abs(x[j] - one)
        _exp_of_minus(x, np.float32(25.0), out, size)
    elif code == ONES:
        for j in range(size):
            out[j] = one
    elif code == TRIANGLE:
        for j in range(size):
            out[j] = max(one - abs(x[j]), np.float32(0.0))
    elif code == GATE:
        for j in range(size):
            out[j] = one if abs(x[j]) < np.float32(0.5) else np.float32(0.0)
    elif code == SECH2:
        for j in range(size):
            x[j] = np.float32(2.0) * abs(x[j])
        _exp_of_minus(x, one, out, size)  # sech^2(x) = 4 e / (1 + e)^2 with e = exp(-2 |x|): nothing overflows
        for j in range(size):
            out[j] = np.float32(4.0) * out[j] / ((one + out[j]) * (one + out[j]))
    elif code == GAUSSIAN:
        for j in range(size):
            x[j] = np.float32(2.0) * x[j] * x[j]
        _exp_of_minus(x, one, out, size)
    else:
        for j in range(size):
            out[j] = one if x[j] < np.float32(0.0) else -one
