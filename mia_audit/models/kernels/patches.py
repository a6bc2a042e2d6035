"""Images to the patches that a convolution multiplies, and the gradient of patches summed back into images.

Indices are unsigned, which numba reads without asking whether they are negative, and so in vectors.
"""

from typing import Any

import numpy as np
from numba import njit

from mia_audit.models.kernels.bits import read, write


@njit(cache=True, error_model="numpy")
def cut(images: Any, kernel_size: int, padding: int, patches: Any) -> None:
    """Cut images [n, H, W C] into patches [n, H', W', kernel_size, kernel_size C]; what lies outside is zero."""
    count, height, width = patches.shape[0], patches.shape[1], patches.shape[2]
    size = patches.shape[4]
    channels = size // kernel_size
    tall, line = images.shape[1], images.shape[2]
    border = padding * channels
    source = np.zeros((tall + 2 * padding, line + 2 * border), images.dtype)
    for r in range(count):
        for v in range(tall):
            for i in range(line):
                source[np.uintp(v + padding), np.uintp(i + border)] = images[r, v, i]
        for y in range(height):
            for dy in range(kernel_size):
                here, out = source[y + dy], patches[r, y, :, dy]
                for x in range(width):
                    start = x * channels
                    for j in range(size):
                        out[x, j] = here[np.uintp(start + j)]


@njit(cache=True, error_model="numpy")
def paste(patches: Any, kernel_size: int, padding: int, images: Any) -> None:
    """Sum gradients of patches [n, H', W', kernel_size, kernel_size C] into images [n, H, W C]."""
    count, height, width = patches.shape[0], patches.shape[1], patches.shape[2]
    size = patches.shape[4]
    channels = size // kernel_size
    tall, line = images.shape[1], images.shape[2]
    border = padding * channels
    total = np.empty((tall + 2 * padding, line + 2 * border), np.float32)
    row = np.empty(width * kernel_size * size, np.float32)
    wide = row.reshape(width, kernel_size, size)
    for r in range(count):
        total[:] = 0
        for y in range(height):
            read(row, patches[r, y].reshape(-1))
            for dy in range(kernel_size):
                into = total[y + dy]
                for x in range(width):
                    start = x * channels
                    for j in range(size):
                        into[np.uintp(start + j)] += wide[x, dy, j]
        for v in range(tall):
            write(images[r, v], total[v + padding, border : border + line])
