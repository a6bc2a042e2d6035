"""Means and spreads of shadow models by side, example by example: what the likelihood-ratio attacks are made of."""

from dataclasses import dataclass

import numpy as np

from mia_audit.attacks.observables import on_cores
from mia_audit.types import Bools, Floats, Ints

SMALLEST_SIGMA = 1e-3
"""In nats; reached only where the shadow models agree on every example."""

_CHUNK = 2**18
"""Values looked at at once: temporaries stay small beside the shadow models' answers, and two threads seldom wait for one another."""

_SMALLEST_MEAN = 1e-30
"""A mean of exponentials below this, or above one over it, is done again in order of size."""

_CANCELLED = 1e-3
"""Where less than this share of the squares is left about the mean, float32 has lost three digits of its seven."""

_HALF = -0.5
"""A mean above a half, less 1: from here on what is missing to 1 is the smaller number."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Of one side's shadow models for each example: how many, their mean, and their squared deviations summed; all [examples]."""

    count: Ints
    mean: Floats
    squares: Floats

    @property
    def pooled(self) -> float:
        """Return the unbiased standard deviation that all examples share, 0 where no example has two models."""
        return float(np.sqrt(self.squares.sum() / max(1, (self.count - 1).clip(0).sum())))

    @property
    def sigma(self) -> Floats:
        """Return each example's unbiased standard deviation, 0 where it has one model."""
        each: Floats = np.sqrt(self.squares / (self.count - 1).clip(1))
        return each


def moments(shadow: Floats, side: Bools) -> Moments:
    """Return the moments of shadow [models, examples] over the models where `side` is True; every example needs one."""
    count: Ints = side.sum(axis=0)
    mean, squares = np.empty(count.size), np.empty(count.size)
    step = max(1, _CHUNK // len(side))
    for start in range(0, count.size, step):
        here = slice(start, start + step)
        values, there = shadow[:, here].astype(np.float64, copy=False), side[:, here]
        mean[here] = np.einsum("me,me->e", values, there) / count[here]
        deviation = np.where(there, values - mean[here], 0.0)
        squares[here] = np.einsum("me,me->e", deviation, deviation)
    return Moments(count=count, mean=mean, squares=squares)


def both_moments(shadow: Floats, trained_on: Bools) -> tuple[Moments, Moments]:
    """Return the moments of the models trained with each example and of those without, in one pass; every example needs both."""
    examples = shadow.shape[1]
    count, mean, squares = (np.empty((2, examples), dtype=kind) for kind in (np.int64, np.float64, np.float64))
    step = max(1, _CHUNK // len(shadow))

    def fill(start: int) -> None:
        here = slice(start, start + step)
        there = trained_on[:, here].astype(shadow.dtype)
        centre = _summed(shadow[:, here]) / len(shadow)
        values = shadow[:, here] - centre
        inner = _summed(there).astype(np.int64)
        count[:, here] = inner, len(shadow) - inner
        with np.errstate(over="ignore", invalid="ignore"):
            shifts, left, powers = _about_means(values, there, (inner, len(shadow) - inner))
        if not (left > _CANCELLED * powers).all():  # beyond what float32 can square, or lost between large sums
            shifts, left, _ = _about_means(values.astype(np.float64), there, (inner, len(shadow) - inner))
        mean[:, here] = centre + shifts
        squares[:, here] = np.maximum(left, 0.0)

    on_cores(fill, range(0, examples, step))
    inside, outside = (Moments(count=count[row], mean=mean[row], squares=squares[row]) for row in (0, 1))
    return inside, outside


def _about_means(values: Floats, there: Floats, counts: tuple[Ints, Ints]) -> tuple[Floats, Floats, Floats]:
    """Return each side's means, squared deviations from them, and squares before those means were taken off, all [2, examples]."""
    sums, powers = _sums(values, there)
    count = np.stack(counts)
    shifts = sums / count
    return shifts, powers - count * shifts**2, powers


def _sums(values: Floats, there: Floats) -> tuple[Floats, Floats]:
    """Return sums and sums of squares of the models inside and outside, both [2, examples] in float64."""
    inside = values * there
    pairs = [(_summed(part), np.einsum("me,me->e", part, part)) for part in (inside, values)]
    (sums, powers), (all_sums, all_powers) = [tuple(each.astype(np.float64) for each in pair) for pair in pairs]
    rest = np.subtract(all_powers, powers, out=np.full_like(powers, np.inf), where=np.isfinite(powers))
    return np.stack([sums, all_sums - sums]), np.stack([powers, rest])


def _summed(values: Floats) -> Floats:
    """Return the sum over models, as a product: half the time of NumPy's own sum, and no float64 on the way."""
    return np.ones(len(values), dtype=values.dtype) @ values


def log_mean(logs: Floats, side: Bools | None = None) -> Floats:
    """Return the log of the mean of exp(logs) over all models, or where `side` is True, both [models, examples]; each needs one.

    Exact also where every probability is nearly 1: there the mean is 1 less the mean of what is missing, which keeps its digits.
    """
    found = np.empty(logs.shape[1])
    step = max(1, _CHUNK // len(logs))

    def fill(start: int) -> None:
        here = slice(start, start + step)
        values, there = logs[:, here], None if side is None else side[:, here]
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            surplus = _mean(np.expm1(values), there)
            of_large = np.log1p(surplus)
            found[here] = of_large
            if (surplus > _HALF).all():
                return
            p = _mean(np.exp(values), there)
            found[here] = np.where(surplus > _HALF, of_large, np.log(p))
        unfit = np.flatnonzero(~((surplus > _HALF) | (p > _SMALLEST_MEAN)) | ~(p < 1 / _SMALLEST_MEAN))
        if unfit.size:
            found[start + unfit] = _log_mean_in_order_of_size(values[:, unfit], None if there is None else there[:, unfit])

    on_cores(fill, range(0, found.size, step))
    return found


def _mean(values: Floats, there: Bools | None) -> Floats:
    if there is None:
        return _summed(values).astype(np.float64) / len(values)
    values *= there
    mean: Floats = _summed(values).astype(np.float64) / there.sum(axis=0)
    return mean


def _log_mean_in_order_of_size(logs: Floats, side: Bools | None) -> Floats:
    there = np.ones(logs.shape, dtype=np.bool_) if side is None else side
    values = np.where(there, logs.astype(np.float64), -np.inf)
    top = values.max(axis=0)
    mean: Floats = top + np.log(np.exp(values - top).sum(axis=0) / there.sum(axis=0))
    return mean


def vector_log_ratio(target: Floats, shadow: Floats, trained_on: Bools, ridge: float) -> Floats:
    """Return log N(v; mu_in, S_in) - log N(v; mu_out, S_out) of vectors: target [values, examples], shadow [models, values, examples].

    Means are an example's own, covariances are pooled over examples; `ridge` times the mean variance is added to every variance, so
    that values which say the same count once and constant ones count nothing.
    """
    return _vector_density(target, shadow, trained_on, ridge) - _vector_density(target, shadow, ~trained_on, ridge)


def projected_log_ratio(target: Floats, shadow: Floats, trained_on: Bools, ridge: float) -> Floats:
    """Return the log ratio of one combination of the values, the one that tells shadow models' members best; arguments as above.

    Fisher's discriminant gives the combination: every example's means are taken off, and what is left is pooled over examples. With
    few shadow models it beats the ratio of whole vectors, whose means are an example's own in every value.
    """
    inside, outside = (np.einsum("mve,me->ve", shadow, side) / side.sum(axis=0) for side in (trained_on, ~trained_on))
    pooled = 0.5 * (_covariance(shadow, trained_on, inside) + _covariance(shadow, ~trained_on, outside))
    floor = max(ridge * float(np.trace(pooled)) / len(pooled), SMALLEST_SIGMA**2)
    direction = np.linalg.solve(pooled + floor * np.eye(len(pooled)), (inside - outside).mean(axis=1))
    largest = np.abs(direction).max()
    if largest > 0:
        direction /= largest
    return vector_log_ratio((direction @ target)[None], (direction @ shadow)[:, None], trained_on, 0.0)


def _covariance(shadow: Floats, side: Bools, mu: Floats) -> Floats:
    """Return the covariance [values, values] of one side's deviations from each example's mean."""
    total = np.zeros((len(mu), len(mu)))
    for values, there in zip(shadow, side, strict=True):
        deviation = np.where(there, values - mu, 0.0)
        total += deviation @ deviation.T
    covariance: Floats = total / (side.sum(axis=0) - 1).sum()
    return covariance


def _vector_density(target: Floats, shadow: Floats, side: Bools, ridge: float) -> Floats:
    count = side.sum(axis=0)
    mu = np.einsum("mve,me->ve", shadow, side) / count
    covariance = _covariance(shadow, side, mu)
    floor = max(ridge * float(np.trace(covariance)) / len(covariance), SMALLEST_SIGMA**2)
    lower = np.linalg.cholesky(covariance + floor * np.eye(len(covariance)))
    z = np.linalg.solve(lower, target - mu)
    density: Floats = -0.5 * (z**2).sum(axis=0) - np.log(np.diag(lower)).sum()
    return density
