"""How to repeat an audit: the command, the recipe as TOML, the versions."""

from collections.abc import Mapping
from typing import Any

from mia_audit.recipe import Recipe
from mia_audit.recipe.writing import toml
from mia_audit.record import Record
from mia_audit.report import sharing


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
    return toml(recipe)


def recipe_of(record: Record) -> str:
    """Return a record's recipe as TOML, without the seed where the page may be passed on."""
    if not sharing.is_shared(record):
        return recipe_toml(record.summary.recipe)
    return "# The seed is left out.\n" + toml(record.summary.recipe, without={"training": {"seed"}})


def _plain(told: Any) -> str:
    return f"{told:.4g}" if isinstance(told, float) else str(told)
