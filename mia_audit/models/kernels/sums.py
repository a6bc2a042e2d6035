"""Raw sums of a weighted layer to currents and back: max pooling over squares of two, scale, bias."""

from typing import Any

import numpy as np
from numba import njit

from mia_audit.models.kernels.bits import read, write


@njit(cache=True, error_model="numpy")
def scale_and_shift(sums: Any, gain: Any, bias: Any, currents: Any) -> None:
    """currents float32 = sums times gain [K] plus bias [K, C]; both [K, R, C]."""
    models, rows, channels = currents.shape
    for k in range(models):
        own, by = bias[k], gain[k]
        for r in range(rows):
            out = currents[k, r]
            read(out, sums[k, r])
            for c in range(channels):
                out[c] = out[c] * by + own[c]


@njit(cache=True, error_model="numpy")
def scale_and_shift_backward(grad: Any, gain: Any, sums_grad: Any, bias_grad: Any) -> None:
    """Gradients of sums (grad times gain) and of bias (its sum over rows) from the gradient of currents [K, R, C]."""
    models, rows, channels = grad.shape
    out, total = np.empty(channels, np.float32), np.empty(channels, np.float32)
    for k in range(models):
        by = gain[k]
        total[:] = 0
        for r in range(rows):
            here = grad[k, r]
            for c in range(channels):
                total[c] += here[c]
                out[c] = here[c] * by
            write(sums_grad[k, r], out)
        bias_grad[k] = total


@njit(cache=True, error_model="numpy")
def pool_shift(sums: Any, gain: Any, bias: Any, pooled: Any, winner: Any) -> None:
    """Pool sums [K, R, H, W C] over squares of two, then times gain [K] plus bias [K, C]: pooled [K, R, h, w, C] float32.

    winner (uint8, pooled's shape) is the first place of the maximum in its square: 2 * row + column.
    """
    models, rows, height, width, channels = pooled.shape
    line = sums.shape[3]
    upper, lower = np.empty(line, np.float32), np.empty(line, np.float32)
    which = np.empty(line, np.uint8)
    for k in range(models):
        own, by = bias[k], gain[k]
        for r in range(rows):
            for y in range(height):
                read(upper, sums[k, r, 2 * y])
                read(lower, sums[k, r, 2 * y + 1])
                for i in range(line):
                    below = lower[i] > upper[i]
                    upper[i] = lower[i] if below else upper[i]
                    which[i] = np.uint8(2) if below else np.uint8(0)
                out, place = pooled[k, r, y], winner[k, r, y]
                left, left_place = (
                    upper[: width * 2 * channels].reshape(width, 2, channels),
                    which[: width * 2 * channels].reshape(width, 2, channels),
                )
                for x in range(width):
                    for c in range(channels):
                        a, b = left[x, 0, c], left[x, 1, c]
                        p, q = left_place[x, 0, c], left_place[x, 1, c]
                        right = b > a or (b == a and q < p)  # the first place in reading order wins a tie
                        out[x, c] = (b if right else a) * by + own[c]
                        place[x, c] = q + np.uint8(1) if right else p


@njit(cache=True, error_model="numpy")
def pool_shift_backward(grad: Any, winner: Any, gain: Any, sums_grad: Any, bias_grad: Any) -> None:
    """Hand gradients [K, R, h, w, C] float32 back to the winners of each square, sums [K, R, H, W C]; every other sum gets zero."""
    models, rows, height, width, channels = grad.shape
    line, tall = sums_grad.shape[3], sums_grad.shape[2]
    upper, lower = np.zeros(line, np.float32), np.zeros(line, np.float32)
    above = upper[: width * 2 * channels].reshape(width, 2, channels)
    below = lower[: width * 2 * channels].reshape(width, 2, channels)
    total = np.empty(channels, np.float32)
    zero = np.float32(0.0)
    for k in range(models):
        by = gain[k]
        total[:] = 0
        for r in range(rows):
            for y in range(height):
                here, which = grad[k, r, y], winner[k, r, y]
                for x in range(width):
                    for c in range(channels):
                        g, place = here[x, c] * by, which[x, c]
                        total[c] += here[x, c]
                        above[x, 0, c] = g if place == 0 else zero
                        above[x, 1, c] = g if place == 1 else zero
                        below[x, 0, c] = g if place == 2 else zero
                        below[x, 1, c] = g if place == 3 else zero
                write(sums_grad[k, r, 2 * y], upper)
                write(sums_grad[k, r, 2 * y + 1], lower)
            for y in range(2 * height, tall):
                sums_grad[k, r, y] = 0
        bias_grad[k] = total
