"""Currents to spikes and back: integer quantizer and leaky integration over all time steps."""

from typing import Any

import numpy as np
from numba import njit

from mia_audit.models.kernels.bits import CHUNK, read, write
from mia_audit.models.kernels.slopes import slope


@njit(cache=True, error_model="numpy", inline="always")
def _quantize(x: Any, scale: Any, low: Any, high: Any, size: int) -> None:
    """x = clamp(round(x / scale), low, high) * scale, ties to even: Brevitas' integer quantizer with zero point 0."""
    for j in range(size):
        x[j] = min(max(np.rint(x[j] / scale), low), high) * scale


@njit(cache=True, error_model="numpy", fastmath={"reassoc"})
def _quantize_backward(grad: Any, x: Any, scale: Any, low: Any, high: Any) -> Any:
    """Zero the gradient where x was clamped, in place; return the gradient of the scale."""
    total = np.float32(0.0)
    zero = np.float32(0.0)
    for j in range(x.size):
        ratio = x[j] / scale
        rounded = np.rint(ratio)
        kept = min(max(rounded, low), high)
        inside = kept == rounded
        total += grad[j] * (kept - (ratio if inside else zero))
        grad[j] = grad[j] if inside else zero
    return total


@njit(cache=True, error_model="numpy")
def fire(current: Any, scale: Any, constants: Any, zero_reset: bool, excess: Any, spikes: Any, one: Any) -> None:
    """Quantize currents [K, T or 1, M] (scale [K]; 0 = leave them) and integrate: spikes [K, T, M], and how far the membrane
    exceeds the threshold, all that the way back needs (rounding to bfloat16 keeps its sign).

    constants: beta, threshold, lowest and highest integer, membrane before the first step. `one` is no spike and a spike, in the
    spikes' type.
    """
    beta, threshold, low, high, before = constants[0], constants[1], constants[2], constants[3], constants[4]
    none, some = one[0], one[1]
    models, steps, width = spikes.shape
    static = current.shape[1] == 1
    x, u, above = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    for k in range(models):
        for start in range(0, width, CHUNK):
            end = min(start + CHUNK, width)
            size = end - start
            u[:] = before
            for t in range(steps):
                if t == 0 or not static:
                    read(x, current[k, t, start:end])
                    if scale[k] > 0:
                        _quantize(x, scale[k], low, high, size)
                _integrate(u, x, beta, threshold, zero_reset, size)
                fired = spikes[k, t, start:end]
                for j in range(fired.size):
                    above[j] = u[j] - threshold
                    fired[j] = some if u[j] > threshold else none
                write(excess[k, t, start:end], above)


@njit(cache=True, error_model="numpy", inline="always")
def _integrate(u: Any, x: Any, beta: Any, threshold: Any, zero_reset: bool, size: int) -> None:
    """u = the next membrane: leak, add the current, reset where the last one was above the threshold."""
    zero = np.float32(0.0)
    if zero_reset:
        for j in range(size):
            u[j] = (zero if u[j] > threshold else u[j]) * beta + x[j]
    else:
        for j in range(size):
            u[j] = u[j] * beta + x[j] - (threshold if u[j] > threshold else zero)


@njit(cache=True, error_model="numpy")
def fire_backward(
    current: Any, scale: Any, constants: Any, zero_reset: bool, code: int, excess: Any, spike_grad: Any, current_grad: Any, scale_grad: Any
) -> None:
    """Walk back through time: spike gradients [K, T, M] to current gradients [K, T or 1, M] float32 and scale gradients [K]."""
    beta, low, high = constants[0], constants[2], constants[3]
    models, steps, width = excess.shape
    static = current.shape[1] == 1
    g, total = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    x, sloped, incoming = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    for k in range(models):
        for start in range(0, width, CHUNK):
            end = min(start + CHUNK, width)
            size = end - start
            g[:] = 0
            total[:] = 0
            for t in range(steps - 1, -1, -1):
                read(x, excess[k, t, start:end])
                _leak_back(g, x, beta, zero_reset)
                slope(code, x, sloped, size)
                read(incoming, spike_grad[k, t, start:end])
                for j in range(size):
                    g[j] = g[j] + incoming[j] * sloped[j]
                    total[j] = total[j] + g[j] if static else g[j]
                if not static or t == 0:
                    if scale[k] > 0:
                        scale_grad[k] += _quantize_backward(total, current[k, t, start:end], scale[k], low, high)
                    write(current_grad[k, t, start:end], total)


@njit(cache=True, error_model="numpy", inline="always")
def _leak_back(g: Any, excess: Any, beta: Any, zero_reset: bool) -> None:
    """g = what the gradient of the next membrane hands back to this one."""
    zero = np.float32(0.0)
    for j in range(g.size):
        g[j] = zero if zero_reset and excess[j] > zero else g[j] * beta
