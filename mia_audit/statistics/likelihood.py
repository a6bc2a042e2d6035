"""Was a canary in a DP-SGD training? What an observer of every noisy sum can say of it.

A canary's gradient, clipped to the norm R, lies along a direction of its own; z [steps, canaries] are the noisy sums along these
directions, over R, with all else subtracted. In a step that drew it z is N(1, sigma^2), in others N(0, sigma^2). Poisson sampling at
rate q makes a step a mixture, and steps are independent, so the most powerful score is the log likelihood ratio summed over steps

    sum over t of log(1 - q + q exp((2 z_t - 1) / (2 sigma^2)))

The sum of inner products, sum of z_t, is what is left of it where q is 1 or sigma is large.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from mia_audit.errors import EvidenceError
from mia_audit.types import Floats, Ints

_TOGETHER = 2**22


def log_ratio(z: Floats, noise: float, rate: float) -> Floats:
    """Return the score of each canary, [canaries]; larger means more likely a member. z is [steps, canaries], in units of R."""
    if z.ndim != 2:
        raise EvidenceError(f"a likelihood ratio needs projections [steps, canaries], got {z.shape}; add the axis that is missing")
    if not (noise > 0 and 0 < rate <= 1):
        raise EvidenceError(f"a likelihood ratio needs noise above 0 and a rate from 0 to 1, got {noise:g} and {rate:g}")
    total: Floats = np.zeros(z.shape[1])
    rows = max(1, _TOGETHER // max(1, z.shape[1]))
    for start in range(0, len(z), rows):
        exponent = (2 * z[start : start + rows].astype(np.float64) - 1) / (2 * noise**2)
        ratios: Floats = exponent if rate == 1 else np.logaddexp(np.log1p(-rate), np.log(rate) + exponent)
        total += ratios.sum(axis=0)
    return total


def allocation_log_ratio(z: Floats, noise: float, epoch: int) -> Floats:
    """Return the score where a canary is in one random step of every epoch of so many steps: the epochs' mean ratios, multiplied."""
    steps, canaries = z.shape
    if steps % epoch:
        raise EvidenceError(f"a likelihood ratio needs whole epochs of {epoch} steps, got {steps} steps")
    exponent = (2 * z.astype(np.float64) - 1) / (2 * noise**2)
    scored: Floats = (logsumexp(exponent.reshape(-1, epoch, canaries), axis=1) - np.log(epoch)).sum(axis=0)
    return scored


def inner_products(z: Floats) -> Floats:
    """Return the sum of projections of each canary, [canaries]: the score that other audits use."""
    summed: Floats = z.sum(axis=0)
    return summed


@dataclass(frozen=True, kw_only=True)
class Canaries:
    """What canaries are worth: whose gradients are clipped at all, and how far they stand in each other's way.

    dead     places of canaries whose gradient is zero: nothing of them ever enters a sum
    short    places of those with a norm below R that is not zero: clipping leaves them as they are, so they move a sum by less than R
    cosine   the largest |cosine| between two canaries that are not dead; 0 where there are fewer than two
    pair     the places of those two
    """

    dead: Ints
    short: Ints
    cosine: float
    pair: tuple[int, int]

    @property
    def sound(self) -> bool:
        """Whether every canary moves a sum by R, along a direction nearly its own."""
        return not self.dead.size and not self.short.size and self.cosine < 0.5


def examined(gradients: Floats, clip: float) -> Canaries:
    """Look at canaries' gradients before clipping, [canaries, parameters], against the clipping norm R."""
    if gradients.ndim != 2 or not np.isfinite(gradients).all():
        raise EvidenceError(f"canaries need finite gradients [canaries, parameters], got {gradients.shape}")
    norms = np.linalg.norm(gradients.astype(np.float64), axis=1)
    dead = np.flatnonzero(norms <= 1e-12 * clip)
    short = np.flatnonzero((norms > 1e-12 * clip) & (norms < clip * (1 - 1e-6)))
    alive = np.flatnonzero(norms > 1e-12 * clip)
    cosine, pair = _closest(gradients[alive].astype(np.float64) / norms[alive, None])
    return Canaries(dead=dead, short=short, cosine=cosine, pair=(int(alive[pair[0]]), int(alive[pair[1]])) if alive.size > 1 else (0, 0))


def _closest(directions: Floats) -> tuple[float, tuple[int, int]]:
    best, pair = 0.0, (0, 0)
    for first in range(0, len(directions), 512):
        cosines = np.abs(directions[first : first + 512] @ directions.T)
        cosines[np.arange(len(cosines)), first + np.arange(len(cosines))] = 0.0
        place = int(cosines.argmax()) if cosines.size else 0
        if cosines.size and cosines.flat[place] > best:
            best = float(cosines.flat[place])
            pair = (first + place // len(directions), place % len(directions))
    return min(1.0, best), pair


def projected(sums: Floats, gradients: Floats, clip: float) -> Floats:
    """Return z [steps, canaries]: noisy sums [steps, parameters] along each canary's direction, over R; a dead canary has zeros."""
    if sums.ndim != 2 or sums.shape[1] != gradients.shape[-1]:
        raise EvidenceError(f"sums and canaries need as many parameters, got {sums.shape} and {gradients.shape}")
    norms = np.linalg.norm(gradients.astype(np.float64), axis=1, keepdims=True)
    directions = np.divide(gradients, norms, out=np.zeros(gradients.shape), where=norms > 0)
    z: Floats = sums.astype(np.float64) @ directions.T / clip
    return z
