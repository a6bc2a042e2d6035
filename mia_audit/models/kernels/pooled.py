"""Currents to spikes and the maximum over squares of them, and back, in one pass: an example at a time.

Nothing is kept of a pass but its currents: membranes are computed again on the way back, in float32, from what lies in the second cache
level. Where the same current comes at every step, that is a fraction of what spikes and membranes would take.
"""

from typing import Any

import numpy as np
from numba import njit

from mia_audit.models.kernels.bits import read
from mia_audit.models.kernels.slopes import slope


@njit(cache=True, error_model="numpy", inline="always")
def _integrate(before: Any, x: Any, beta: Any, threshold: Any, zero_reset: bool, after: Any) -> None:
    """after = the next membrane: leak, reset where the last one was above the threshold, add the current."""
    zero = np.float32(0.0)
    if zero_reset:
        for j in range(after.size):
            after[j] = (zero if before[j] > threshold else before[j]) * beta + x[j]
    else:
        for j in range(after.size):
            after[j] = before[j] * beta + x[j] - (threshold if before[j] > threshold else zero)


@njit(cache=True, error_model="numpy", inline="always")
def _pool(fired: Any, square: Any, spikes: Any, channels: int) -> None:
    """spikes [h, w C] = the maximum of fired [H, W C] over squares; `square`: their size, and how far one lies from the next."""
    size, every = square[0], square[1]
    height, line = spikes.shape
    for y in range(height):
        out = spikes[y]
        for down in range(size):
            row = fired[y * every + down]
            for x in range(line // channels):
                into = out[x * channels : (x + 1) * channels]
                for right in range(size):
                    start = (x * every + right) * channels
                    here = row[start : start + channels]
                    if down + right == 0:
                        for c in range(channels):
                            into[c] = here[c]
                    else:
                        for c in range(channels):
                            into[c] = max(into[c], here[c])


@njit(cache=True, error_model="numpy")
def fire_and_pool(current: Any, constants: Any, zero_reset: bool, square: Any, channels: int, spikes: Any, one: Any) -> None:
    """Integrate currents [K, T or 1, B, H, W C] float32 and pool what fires: spikes [K, T, B, h, w C].

    constants: beta, threshold, membrane before the first step. `one` is no spike and a spike, in the spikes' type.
    """
    beta, threshold, none, some = constants[0], constants[1], one[0], one[1]
    models, steps, batch = spikes.shape[:3]
    static, (height, line) = current.shape[1] == 1, current.shape[3:]
    u, fired = np.empty(height * line, np.float32), np.empty(height * line, one.dtype)
    for k in range(models):
        for b in range(batch):
            u[:] = constants[2]
            for t in range(steps):
                x = current[k, 0 if static else t, b].reshape(-1)
                _integrate(u, x, beta, threshold, zero_reset, u)
                for j in range(u.size):
                    fired[j] = some if u[j] > threshold else none
                _pool(fired.reshape(height, line), square, spikes[k, t, b], channels)


@njit(cache=True, error_model="numpy", inline="always")
def _to_winners(grad: Any, excess: Any, square: Any, channels: int, taken: Any, out: Any) -> None:
    """Hand gradients [h, w C] to the first that fired in each square [H, W C], or to the first of all where none did."""
    size, every = square[0], square[1]
    zero = np.float32(0.0)
    out[:] = 0
    for y in range(grad.shape[0]):
        for x in range(grad.shape[1] // channels):
            own = grad[y, x * channels : (x + 1) * channels]
            for c in range(channels):
                taken[c] = own[c]
            for down in range(size):
                for right in range(size):
                    start = (x * every + right) * channels
                    above = excess[y * every + down, start : start + channels]
                    into = out[y * every + down, start : start + channels]
                    for c in range(channels):
                        into[c] += taken[c] if above[c] > zero else zero
                        taken[c] = zero if above[c] > zero else taken[c]
            first = out[y * every, x * every * channels : (x * every + 1) * channels]
            for c in range(channels):
                first[c] += taken[c]


@njit(cache=True, error_model="numpy")
def fire_and_pool_backward(
    current: Any, constants: Any, zero_reset: bool, code: int, square: Any, channels: int, spike_grad: Any, current_grad: Any
) -> None:
    """Walk back through time: gradients of pooled spikes [K, T, B, h, w C] to those of currents [K, T or 1, B, H, W C] float32."""
    beta, threshold, zero = constants[0], constants[1], np.float32(0.0)
    models, steps, batch = spike_grad.shape[:3]
    static, (height, line) = current.shape[1] == 1, current.shape[3:]
    places = height * line
    u, taken = np.empty((steps + 1, places), np.float32), np.empty(channels, np.float32)
    g, x = np.empty(places, np.float32), np.empty(places, np.float32)
    sloped, arrived = np.empty(places, np.float32), np.empty(places, np.float32)
    pooled = np.empty(spike_grad.shape[3:], np.float32)
    for k in range(models):
        for b in range(batch):
            u[0] = constants[2]
            for t in range(steps):
                _integrate(u[t], current[k, 0 if static else t, b].reshape(-1), beta, threshold, zero_reset, u[t + 1])
            g[:] = 0
            total = current_grad[k, 0, b].reshape(-1)
            total[:] = 0
            for t in range(steps - 1, -1, -1):
                for j in range(places):
                    x[j] = u[t + 1, j] - threshold
                    g[j] = zero if zero_reset and x[j] > zero else g[j] * beta
                read(pooled.reshape(-1), spike_grad[k, t, b].reshape(-1))
                _to_winners(pooled, x.reshape(height, line), square, channels, taken, arrived.reshape(height, line))
                slope(code, x, sloped, places)
                into = total if static else current_grad[k, t, b].reshape(-1)
                for j in range(places):
                    g[j] = g[j] + arrived[j] * sloped[j]
                    into[j] = into[j] + g[j] if static else g[j]
