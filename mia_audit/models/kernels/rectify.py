"""Currents to an ANN's activations and back: ReLU, and the unsigned integer quantizer behind it."""

from typing import Any

import numpy as np
from numba import njit

from mia_audit.models.kernels.bits import CHUNK, read, write


@njit(cache=True, error_model="numpy")
def rectify(current: Any, scale: Any, high: Any, activations: Any) -> None:
    """activations = clamp(round(max(0, current) / scale), 0, high) * scale, both [K, M]; scale [K], 0 = ReLU alone."""
    models, width = current.shape
    x = np.empty(CHUNK, np.float32)
    zero = np.float32(0.0)
    for k in range(models):
        for start in range(0, width, CHUNK):
            end = min(start + CHUNK, width)
            read(x, current[k, start:end])
            if scale[k] > 0:
                for j in range(end - start):
                    x[j] = min(np.rint(max(x[j], zero) / scale[k]), high) * scale[k]
            else:
                for j in range(end - start):
                    x[j] = max(x[j], zero)
            write(activations[k, start:end], x)


@njit(cache=True, error_model="numpy")
def rectify_backward(current: Any, scale: Any, high: Any, grad: Any, current_grad: Any, scale_grad: Any) -> None:
    """Gradients of currents [K, M] and scales [K]: zero below zero, and where the quantizer clamped."""
    models, width = current.shape
    g = np.empty(CHUNK, np.float32)
    zero = np.float32(0.0)
    for k in range(models):
        for start in range(0, width, CHUNK):
            end = min(start + CHUNK, width)
            read(g, grad[k, start:end])
            here, out = current[k, start:end], current_grad[k, start:end]
            if scale[k] > 0:
                scale_grad[k] += _through_grid(here, g, scale[k], high, out)
            else:
                for j in range(here.size):
                    out[j] = g[j] if here[j] > zero else zero


@njit(cache=True, error_model="numpy", fastmath={"reassoc"})
def _through_grid(x: Any, grad: Any, scale: Any, high: Any, out: Any) -> Any:
    """Write the gradient of a chunk's currents; return its share of the scale's gradient."""
    total = np.float32(0.0)
    zero = np.float32(0.0)
    for j in range(x.size):
        ratio = max(x[j], zero) / scale
        rounded = np.rint(ratio)
        inside = rounded <= high
        total += grad[j] * ((rounded - ratio) if inside else high)
        out[j] = grad[j] if inside and x[j] > zero else zero
    return total
