"""Ranges of an attack's parameters, declared with the field: `ridge: Annotated[float, Range(least=0)] = 0.001`."""

from dataclasses import dataclass, fields
from math import inf
from typing import Annotated, Any, TypeAlias, get_type_hints

from mia_audit.errors import RecipeError


@dataclass(frozen=True, kw_only=True)
class Range:
    """What a number may be: from `least` on, or above `above`; up to `most`, or below `below`."""

    least: float | None = None
    above: float = -inf
    most: float | None = None
    below: float = inf

    def holds(self, value: float) -> bool:
        """Say whether the number lies in the range; NaN lies in none."""
        low = value > self.above if self.least is None else value >= self.least
        return bool(low and (value < self.below if self.most is None else value <= self.most))

    def __str__(self) -> str:
        """Return the range in words."""
        if self.least is not None:
            return f"{self.least:g} or more" if self.most is None else f"{self.least:g} to {self.most:g}"
        if self.most is not None:
            return f"a share above {self.above:g} and up to {self.most:g}"
        return f"a number above {self.above:g}" if self.below == inf else f"a share between {self.above:g} and {self.below:g}"


Ridge: TypeAlias = Annotated[float, Range(least=0)]
"""Share of the mean variance that is added to every value's variance."""

Share: TypeAlias = Annotated[float, Range(least=0, most=1)]

Rows: TypeAlias = Annotated[int, Range(least=2)]
"""Most rows (shadow model, example) that a classifier is fitted on, drawn at random."""

Count: TypeAlias = Annotated[int, Range(least=1)]

Cost: TypeAlias = Annotated[float, Range(least=1e-6)]
"""Inverse of a penalty."""


def require_ranges(chosen: Any, name: str) -> None:
    """Raise RecipeError where a parameter of a dataclass lies outside its field's range: which one, its range, and the default."""
    hints = get_type_hints(type(chosen), include_extras=True)
    for field in fields(chosen):
        value = getattr(chosen, field.name)
        for allowed in getattr(hints[field.name], "__metadata__", ()):
            if isinstance(allowed, Range) and not allowed.holds(value):
                raise RecipeError(f"{name}: {field.name} needs {allowed}, got {value}; leave it out for the default, {field.default:g}")
