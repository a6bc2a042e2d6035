"""Traces that making leaves in pictures, and no picture's content: for a classifier that never sees the network.

Members and non-members from two sources may show the same things and still have been made otherwise: mirrored, moved by a pixel, darkened,
noisy, compressed again. Sums of pixels hardly see that (they tell contents apart); differences between neighbours, borders, the grid of
values, and how channels are displaced against each other do.
"""

import numpy as np

from mia_audit.types import Floats

LAGS = (1, 2)
_LEVELS = (255.0, 16.0)
"""Into how many steps stored values fall: bytes, and the 17 shades of digits."""
_SMALLEST = 8
_CHANNELS = (1, 3, 4)


def pictures_of(inputs: Floats) -> Floats | None:
    """Return inputs [examples, ...] as pictures with channels first where they are any, grey ones with one channel; else None."""
    if inputs.ndim == 3:
        inputs = inputs[:, None]
    if inputs.ndim != 4:
        return None
    if inputs.shape[1] not in _CHANNELS and inputs.shape[3] in _CHANNELS:
        inputs = np.moveaxis(inputs, 3, 1)
    return inputs if inputs.shape[1] in _CHANNELS and min(inputs.shape[2:]) >= _SMALLEST else None


def traces(pictures: Floats) -> Floats:
    """Return features [pictures, values] of pictures [pictures, channels, height, width], sides of eight or longer."""
    x = pictures.astype(np.float64)
    found = [*_values(x), *_borders(x), *_neighbours(x), *_displaced(x)]
    return np.nan_to_num(np.column_stack([each.reshape(len(x), -1) for each in found]))


def _values(x: Floats) -> list[Floats]:
    """Return level, spread and ends of each channel, how many values stand at the ends, and how far they lie off a grid of steps."""
    flat = x.reshape(*x.shape[:2], -1)
    top, bottom = flat.max(axis=2), flat.min(axis=2)
    ends = [(flat >= top.max() - 1e-9).mean(axis=2), (flat <= bottom.min() + 1e-9).mean(axis=2)]
    grids = [np.abs(flat * steps - np.round(flat * steps)).mean(axis=2) for steps in _LEVELS]
    return [flat.mean(axis=2), flat.std(axis=2), top, bottom, *ends, *grids]


def _borders(x: Floats) -> list[Floats]:
    """Return each border's mean, spread, and step to the line beside it, over the usual step between lines."""
    grey = x.mean(axis=1)
    found = []
    for turned in (grey, grey[:, ::-1], np.swapaxes(grey, 1, 2), np.swapaxes(grey, 1, 2)[:, ::-1]):
        step = np.abs(np.diff(turned, axis=1)).mean(axis=2)
        found += [turned[:, 0].mean(axis=1), turned[:, 0].std(axis=1), np.log((step[:, 0] + 1e-6) / (step.mean(axis=1) + 1e-6))]
        found += [np.log((step[:, 1] + 1e-6) / (step.mean(axis=1) + 1e-6))]
    return found


def _neighbours(x: Floats) -> list[Floats]:
    """Return the energy of first and second differences, their ratio, and the skew of first ones: mirrored, it changes its sign."""
    found = []
    for axis in (2, 3):
        first = np.diff(x, axis=axis)
        second = np.diff(first, axis=axis)
        energy, finer = (np.log((each**2).mean(axis=(1, 2, 3)) + 1e-8) for each in (first, second))
        skew = (first**3).mean(axis=(1, 2, 3)) / ((first**2).mean(axis=(1, 2, 3)) + 1e-8) ** 1.5
        found += [energy, finer, finer - energy, skew]
    grid = np.diff(np.diff(x, axis=2), axis=3)
    return [*found, np.log(np.abs(grid).mean(axis=(1, 2, 3)) + 1e-8)]


def _displaced(x: Floats) -> list[Floats]:
    """Return how channels, and halves of pictures, lean on each other to one side more than to the other: odd under mirroring."""
    found = []
    for axis in (2, 3):
        change = np.diff(x, axis=axis)
        for lag in LAGS:
            ahead, behind = (
                np.take(change, range(*ends), axis=axis) for ends in ((lag, change.shape[axis]), (0, change.shape[axis] - lag))
            )
            for one in range(x.shape[1]):
                for other in range(one + 1, x.shape[1]):
                    apart = (ahead[:, one] * behind[:, other] - behind[:, one] * ahead[:, other]).mean(axis=(1, 2))
                    found.append(apart / ((change**2).mean(axis=(1, 2, 3)) + 1e-8))
    return found
