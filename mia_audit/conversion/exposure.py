"""Which balancing images a threshold gives away: those without which it would be another one.

Whoever knows the teacher and all images but one can measure thresholds with and without it. A maximum is set by one image; without any
other it is the same, so that it says everything about one image and nothing about the others. A percentile moves a little without any of
them. Both are told as what they are, a number of images, and by how much the threshold moves: an average over images would say that
next to nothing leaks.
"""

import math
from dataclasses import dataclass

import numpy as np

from mia_audit.types import Bools, Floats


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """One layer's threshold with all images, and without each of them [N]."""

    whole: float
    without: Floats

    def moves(self, by: float = 1e-6) -> Bools:
        """Return which images [N] move the threshold by more than this share of it."""
        moved: Bools = np.abs(self.without / self.whole - 1) > by
        return moved


def exposure(currents: Floats, percentile: float) -> Exposure:
    """Return the exposure of images by their currents in one layer, [N, values], over places and steps."""
    images, values = currents.shape
    count = _rank(images * values, percentile)
    kept = min(values, count)
    tails = np.partition(currents, values - kept, axis=1)[:, values - kept :]
    order = np.argsort(tails, axis=None)[::-1]
    ordered, owners = tails.ravel()[order], np.repeat(np.arange(images), kept)[order]
    fewer = _rank((images - 1) * values, percentile)
    without = [ordered[owners != image][fewer - 1] for image in range(images)]
    return Exposure(whole=float(ordered[count - 1]), without=np.array(without))


def _rank(values: int, percentile: float) -> int:
    """Return how many values lie at or above the percentile of so many, the percentile itself included, as `balancing.Largest` counts."""
    return 1 + math.floor(values * (100 - percentile) / 100 + 1e-6)
