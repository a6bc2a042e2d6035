"""A convolution written out as one matrix, and the gradient of that matrix summed back into kernels."""

from typing import Any

import numpy as np
from numba import njit

from mia_audit.models.kernels.bits import read


@njit(cache=True, error_model="numpy")
def spread(weight: Any, padding: int, dense: Any) -> None:
    """Write kernels [K, out, in, n, n] as the matrix of the whole convolution, dense [K, H, W, in, H', W', out], zeroed before."""
    models, outs, ins, kernel_size, _ = weight.shape
    for k in range(models):
        for y in range(dense.shape[4]):
            for x in range(dense.shape[5]):
                for dy in range(kernel_size):
                    for dx in range(kernel_size):
                        v, u = y + dy - padding, x + dx - padding
                        if 0 <= v < dense.shape[1] and 0 <= u < dense.shape[2]:
                            for i in range(ins):
                                for o in range(outs):
                                    dense[k, v, u, i, y, x, o] = weight[k, o, i, dy, dx]


@njit(cache=True, error_model="numpy")
def gather(dense: Any, padding: int, weight: Any) -> None:
    """Sum a dense gradient [K, H, W, in, H', W', out] back into kernels [K, out, in, n, n] float32."""
    models, outs, ins, kernel_size, _ = weight.shape
    line, total = np.empty(outs, np.float32), np.empty((ins, outs), np.float32)
    for k in range(models):
        for dy in range(kernel_size):
            for dx in range(kernel_size):
                total[:] = 0
                for y in range(dense.shape[4]):
                    for x in range(dense.shape[5]):
                        v, u = y + dy - padding, x + dx - padding
                        if 0 <= v < dense.shape[1] and 0 <= u < dense.shape[2]:
                            for i in range(ins):
                                read(line, dense[k, v, u, i, y, x])
                                for o in range(outs):
                                    total[i, o] += line[o]
                for i in range(ins):
                    for o in range(outs):
                        weight[k, o, i, dy, dx] = total[i, o]
