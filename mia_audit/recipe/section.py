"""What every table of a recipe has in common."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Value = TypeVar("Value")
Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A table of a recipe: frozen, and strict about its keys and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def filled(value: Value | None) -> Value:
    """Return a field of a resolved recipe, which is never open."""
    assert value is not None, "resolve the recipe first"  # noqa: S101  our own mistake, never the user's
    return value
