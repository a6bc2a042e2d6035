"""How to repeat an audit: the command, the recipe as TOML, the versions."""

import json
from collections.abc import Mapping
from typing import Any

from mia_audit.recipe import Recipe
from mia_audit.record import Record


def command(record: Record) -> str:
    """Return the command that made the record, "" when the record does not tell."""
    told = record.run.get("command", "")
    return " ".join(map(str, told)) if isinstance(told, list | tuple) else str(told)


def facts(record: Record, name: str) -> list[tuple[str, str]]:
    """Return one part of run.json ("versions", "machine") as names and values; empty when the record does not tell."""
    part = record.run.get(name, {})
    if not isinstance(part, Mapping):
        return [(name, str(part))] if part else []
    return [(str(key), _plain(told)) for key, told in part.items()]


def recipe_toml(recipe: Recipe) -> str:
    """Return the resolved recipe as TOML: saved to a file, it is a target."""
    return "\n".join(_table((), recipe.model_dump(mode="json", exclude_none=True))).strip() + "\n"


def _table(path: tuple[str, ...], content: Mapping[str, Any]) -> list[str]:
    lines = [f"{key} = {_value(told)}" for key, told in content.items() if not isinstance(told, Mapping)]
    if path and lines:
        lines = ["", f"[{'.'.join(path)}]", *lines]
    for key, told in content.items():
        if isinstance(told, Mapping):
            lines += _table((*path, key), told)
    return lines


def _value(told: Any) -> str:
    if isinstance(told, list):
        return f"[{', '.join(map(_value, told))}]"
    return json.dumps(told, ensure_ascii=False)  # strings, numbers and booleans are written alike in JSON and TOML


def _plain(told: Any) -> str:
    return f"{told:.4g}" if isinstance(told, float) else str(told)
