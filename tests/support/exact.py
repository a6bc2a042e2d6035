"""Exact arithmetic: what saturated logits say, worked out in 60 decimal digits, and rounded once at the end.

What is missing to 1 is summed from the other classes, and logs near 0 by their series, so that no digit cancels at any size.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np

from mia_audit.attacks.observables import Observable
from mia_audit.types import Evidence, Floats, Ints, Signal

DIGITS = 60
_SMALL = Decimal("1e-25")
"""Below this, the fourth term of a series is beyond the last digit."""
BY_CLASS = ("membranes", "time-sweep", "trajectory", "other-surrogate", "other-steps", "other-bits", "dropout", "releases")
"""Signals of which every value is a logit vector."""


def probabilities(logits: Floats) -> list[Decimal]:
    """Return the softmax of one logit vector; within a context of enough digits."""
    weights = [Decimal(float(z)).exp() for z in logits]
    total = sum(weights)
    return [w / total for w in weights]


def each(logits: Floats, labels: Ints, of: Callable[[list[Decimal], int], Decimal]) -> list[list[Decimal]]:
    """Return a function of every probability vector of logits [queries, examples, classes] and its label, by query and example."""
    with localcontext() as context:
        context.prec = DIGITS
        return [[of(probabilities(z), int(label)) for z, label in zip(query, labels, strict=True)] for query in logits]


def over_queries(logits: Floats, labels: Ints, of: Callable[[list[Decimal], int], Decimal]) -> list[Decimal]:
    """Return its mean over queries, by example."""
    found = each(logits, labels, of)
    with localcontext() as context:
        context.prec = DIGITS
        return [sum(column, start=Decimal(0)) / len(found) for column in zip(*found, strict=True)]


def rest(p: list[Decimal], one: int) -> Decimal:
    """Return 1 less the probability of one class."""
    return sum((q for i, q in enumerate(p) if i != one), start=Decimal(0))


def log1p(x: Decimal) -> Decimal:
    """Return log(1 + x)."""
    return x - x**2 / 2 + x**3 / 3 if abs(x) < _SMALL else (1 + x).ln()


def expm1(x: Decimal) -> Decimal:
    """Return exp(x) - 1."""
    return x + x**2 / 2 + x**3 / 6 if abs(x) < _SMALL else x.exp() - 1


def log_of(p: list[Decimal], one: int) -> Decimal:
    """Return log p of one class."""
    return -log1p(rest(p, one) / p[one])


def log_without(p: list[Decimal], one: int) -> Decimal:
    """Return log(1 - p) of one class."""
    return log1p(-p[one]) if p[one] < _SMALL else rest(p, one).ln()


def odds(p: list[Decimal], label: int) -> Decimal:
    """Return phi = log(p_y / (1 - p_y))."""
    return (p[label] / rest(p, label)).ln()


def exact_phi(logits: Floats, labels: Ints) -> Floats:
    """Return phi of logits [..., examples, classes], rounded to float64 once."""
    flat = logits.reshape(-1, *logits.shape[-2:])
    return np.array(each(flat, labels, odds), dtype=np.float64).reshape(logits.shape[:-1])


def two_classes(seen: Evidence, phi: Observable = exact_phi) -> Evidence:
    """Return evidence with the same phi everywhere, exact, as logits of two classes: what an attack on phi alone should see."""

    def turned(values: Floats) -> Floats:
        """Return a signal [..., examples, many, classes] with phi as logits of two classes."""
        return np.moveaxis(_as_logits(phi(np.moveaxis(values, -3, -2), seen.labels)), -3, -2)

    pool = seen.population
    assert pool is not None
    signals = {
        name: Signal(target=turned(signal.target), shadows=turned(signal.shadows)) if name in BY_CLASS else signal
        for name, signal in seen.signals.items()
    }
    return replace(
        seen,
        target=_as_logits(phi(seen.target, seen.labels)),
        shadows=_as_logits(phi(seen.shadows, seen.labels)),
        labels=np.zeros_like(seen.labels),
        population=replace(
            pool,
            target=_as_logits(phi(pool.target, pool.labels)),
            shadows=_as_logits(phi(pool.shadows, pool.labels)),
            labels=np.zeros_like(pool.labels),
        ),
        signals=signals,
    )


def _as_logits(values: Floats) -> Floats:
    return np.stack([values / 2, -values / 2], axis=-1)
