"""Comparing probabilities that are nearly 1: by the logs of what is missing, on a scale that never saturates.

A loss of exp(-300) and one of exp(-310) differ, but not after either was subtracted from a bar near 1/2. So what attacks compare is kept
as the log of a loss, a difference as its sign and the log of its size, and scores stand on a scale where the logs of small differences
keep their digits (`spread`).
"""

import numpy as np

from mia_audit.attacks.gaussians import log_mean
from mia_audit.types import Bools, Floats

SMALL = 0.01
"""Differences below this, of logs or losses, are drawn out."""

_HALF = float(np.log(0.5))
_PLAIN = 1e-3
"""Log ratios beyond this are read off the logs themselves: at most three of their digits cancel."""

_LINEAR = -36.0
"""Below this log, log1p(x) is x to the last digit."""


def spread(sign: Floats, log_size: Floats) -> Floats:
    """Return values of this sign and log size in their own order: as they are, but those below SMALL drawn out.

    SMALL exp(-x) becomes SMALL / (1 + x): finite, and apart also where exp(-x) is 0 or lost beside what it is compared with.
    """
    below = np.log(SMALL) - log_size
    scaled: Floats = sign * np.where(below > 0, SMALL / (1 + np.maximum(below, 0.0)), np.exp(np.maximum(log_size, np.log(SMALL))))
    return scaled


def spread_values(values: Floats) -> Floats:
    """Return values on the same scale."""
    sizes = np.abs(values)
    return spread(np.sign(values), np.log(sizes, out=np.full(sizes.shape, -np.inf), where=sizes > 0))


def unspread(scaled: Floats) -> Floats:
    """Return the values that stand on the scale."""
    sizes = np.abs(scaled)
    with np.errstate(divide="ignore"):
        values: Floats = np.sign(scaled) * np.where(sizes < SMALL, SMALL * np.exp(1 - SMALL / np.minimum(sizes, SMALL)), sizes)
    return values


def log_missing(log_loss: Floats) -> Floats:
    """Return log(1 - p) from log(-log p)."""
    tiny = np.finfo(log_loss.dtype).eps
    certain = log_loss < np.log(tiny)  # there 1 - p is the loss
    inner = np.log(-np.expm1(-np.exp(np.where(certain, 0.0, np.minimum(log_loss, 80.0)))))
    missing: Floats = np.where(certain, log_loss, inner)
    return missing


def log_mean_missing(log_losses: Floats, side: Bools | None = None) -> tuple[Floats, Floats]:
    """Return log P and log(1 - P) of the mean probability P of models [models, examples] (where `side` is True), from log(-log p)."""
    missing = log_mean(log_missing(log_losses), side)
    there = _log_rest(missing)
    unsure = np.flatnonzero(missing > _HALF)
    if unsure.size:
        told = -np.exp(np.minimum(log_losses[:, unsure].astype(np.float64), np.log(1e30)))
        there[unsure] = log_mean(told, None if side is None else side[:, unsure])
    return there, missing


def log_ratio(log_loss: Floats, reference: tuple[Floats, Floats]) -> Floats:
    """Return log p / P on the scale of `spread`, from log(-log p) of the one and (log P, log(1 - P)) of the other.

    Where both are nearly 1, the ratio less 1 is the difference of what is missing, over P.
    """
    there, missing = reference
    plain = -np.exp(np.minimum(log_loss, np.log(1e30))) - there
    own = log_missing(log_loss)
    sign, size = difference(missing, own)
    size = size - there
    with np.errstate(divide="ignore"):
        inner = np.log(np.abs(np.log1p(sign * np.exp(np.minimum(size, _HALF)))))
    fine = spread(sign, np.where(size < _LINEAR, size, inner))
    return np.where((missing < _HALF) & (np.abs(plain) < _PLAIN), fine, spread_values(plain))


def difference(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Return sign and log size of exp(one) - exp(other); equal ones differ by 0, whose log is minus infinity."""
    sign: Floats = np.sign(one - other)
    with np.errstate(divide="ignore"):
        size: Floats = np.maximum(one, other) + np.log(-np.expm1(-np.abs(one - other)))
    return sign, size


_LINEAR = -36.0
"""Below this log, log1p(x) is x to the last digit."""


def _log_rest(logs: Floats) -> Floats:
    """Return log(1 - q) from log q; minus infinity where q is 1."""
    with np.errstate(divide="ignore"):
        rest: Floats = np.log1p(-np.exp(np.minimum(logs, 0.0)))
    return rest
