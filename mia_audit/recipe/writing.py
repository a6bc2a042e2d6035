"""A recipe as TOML: saved to a file, it is a target. What is open or does not apply is left out."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mia_audit.recipe.section import Section


def toml(recipe: Section, without: Mapping[str, Any] | None = None) -> str:
    """Return a recipe's content as TOML text that reads back as the same recipe; `without` names fields to leave out, as pydantic does."""
    return "\n".join(_table(recipe.model_dump(mode="json", exclude=dict(without or {})), ())) + "\n"


def _table(content: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    values = {key: value for key, value in content.items() if value is not None}
    yield from (f"{key} = {_value(value)}" for key, value in values.items() if not isinstance(value, Mapping))
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from ("", f"[{'.'.join((*path, key))}]", *_table(value, (*path, key)))


def _value(value: Any) -> str:
    """Return a value in one line, as TOML's inline tables ask; numbers and words are written as in JSON, but for the delete character."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items() if inner is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
