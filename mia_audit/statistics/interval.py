"""A number and its interval: what every estimate in this room comes back as."""

from dataclasses import dataclass

LEVEL = 0.95
"""Confidence of every two-sided interval in a record."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A number with its 95 % interval. `value` is None where the data cannot resolve it; `high` is then an upper limit."""

    value: float | None
    low: float
    high: float
    method: str
