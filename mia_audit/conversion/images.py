"""The images that thresholds are balanced on, each model's own: members by coins apart from training, synthetic ones, or noise."""

from typing import NamedTuple

import numpy as np

from mia_audit.recipe.conversion import Conversion
from mia_audit.streams import stream
from mia_audit.types import Bools, Floats


class Chosen(NamedTuple):
    """Images [K, N, H, W, C] from 0 to 1, and which examples of the pool they are [K, pool]; none where they are not of the pool."""

    images: Floats
    of_pool: Bools


def members(conversion: Conversion, pool: Floats, rows: Bools, indices: tuple[int, ...], seed: int) -> Chosen:
    """Draw images from each model's members [K, pool]; every member is as likely to be drawn."""
    taken = np.zeros_like(rows)
    drawn = []
    for own, row, index in zip(taken, rows, indices, strict=True):
        places = stream(seed, "balancing", index).permutation(np.flatnonzero(row))[: conversion.images]
        own[places] = True
        drawn.append(pool[places])
    fewest = min(map(len, drawn))
    return Chosen(np.stack([each[:fewest] for each in drawn]), taken)


def synthetic(conversion: Conversion, made: Floats, rows: Bools, indices: tuple[int, ...], seed: int) -> Chosen:
    """Draw images from each model's synthetic ones [K, N, H, W, C]."""
    orders = [stream(seed, "balancing", index).permutation(made.shape[1])[: conversion.images] for index in indices]
    return Chosen(np.stack([own[order] for own, order in zip(made, orders, strict=True)]), np.zeros_like(rows))


def noise(conversion: Conversion, shape: tuple[int, ...], rows: Bools, indices: tuple[int, ...], seed: int) -> Chosen:
    """Draw every pixel uniformly from 0 to 1."""
    drawn = [stream(seed, "balancing noise", index).random((conversion.images, *shape), dtype=np.float32) for index in indices]
    return Chosen(np.stack(drawn), np.zeros_like(rows))
