"""The catalogue: recipes of targets, cards of data sets, and cards and suites of attacks, as TOML files that ship with the code.

A wheel holds them in `mia_audit/_catalogue/<section>`; a checkout in `<checkout>/<section>`. Users copy and edit them.
"""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from mia_audit.errors import CatalogueError, RecipeError, nearest
from mia_audit.paths import Place, expanded, is_path
from mia_audit.recipe import Recipe

Section = Literal["attacks", "datasets", "targets"]
SUITES = "suites.toml"
Schema = TypeVar("Schema", bound=BaseModel)


def folder(section: Section) -> Path:
    """Return the folder of one section: the shipped one when it exists, else the checkout's."""
    package = Path(__file__).resolve().parent
    shipped = package / "_catalogue" / section
    return shipped if shipped.is_dir() else package.parent / section


def target_names() -> tuple[str, ...]:
    """Return the names of the zoo's recipes, sorted."""
    return tuple(sorted(path.stem for path in folder("targets").glob("*.toml")))


def dataset_names() -> tuple[str, ...]:
    """Return the names of the cards of data sets, sorted."""
    return tuple(sorted(path.stem for path in folder("datasets").glob("*.toml")))


def card_names() -> tuple[str, ...]:
    """Return the names of the cards of attacks, sorted."""
    return tuple(sorted(path.stem for path in folder("attacks").glob("*.toml") if path.name != SUITES))


def suite_names() -> tuple[str, ...]:
    """Return the names of the suites of attacks, in their file's order."""
    return tuple(read_toml(folder("attacks") / SUITES))


def families() -> dict[str, tuple[str, ...]]:
    """Return the attacks whose names begin with the same word, by that word: "lira" names lira-online, lira-offline and so on.

    A word that names a suite or an attack itself is no family.
    """
    cards = card_names()
    words: dict[str, tuple[str, ...]] = {}
    for name in cards:
        word = name.split("-")[0]
        words[word] = (*words.get(word, ()), name)
    taken = {*cards, *suite_names()}
    return {word: names for word, names in words.items() if len(names) > 1 and word not in taken}


def load_recipe(target: Place) -> Recipe:
    """Read a recipe by its name in the zoo or by its path (a `Path`, or a name with a slash or ending in .toml)."""
    if not isinstance(target, str) or is_path(target):
        return parse_recipe(expanded(target, "--target"))
    path = folder("targets") / f"{target}.toml"
    if not path.is_file():
        raise CatalogueError(f"unknown target {target!r}{nearest(target, target_names())}")
    return parse_recipe(path)


def parse_recipe(path: Path) -> Recipe:
    """Read one recipe file."""
    return checked(Recipe, read_toml(path), path.name)


def override(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """Return the recipe with fields replaced, by dotted paths, {"training.epochs": 5}, or tables, {"training": {"epochs": 5}}: merged."""
    content = recipe.model_dump(mode="json")
    for path, value in changes.items():
        *tables, key = path.split(".")
        place = content
        for table in tables:
            if table == "neuron" and place.get(table, path) is None:
                raise RecipeError(f"--set {path}: {recipe.name} has no [{table}]; leave it out, or use a target that has one, such as snn")
            if table == "privacy" and place.get(table) is None:
                place[table] = {}
            if not isinstance(place.get(table), dict):
                raise RecipeError(f"--set {path}: [{table}] is no table of this recipe{nearest(table, _tables(place))}")
            place = place[table]
        place[key] = _merged(place.get(key), value)
    _settle(content, changes)
    return checked(Recipe, content, recipe.name)


def _settle(content: dict[str, Any], changes: dict[str, Any]) -> None:
    """Where only one of the two ways to say how much noise there is was asked for, take the recipe's own away."""
    ways = ("noise_multiplier", "target_epsilon")
    table = changes.get("privacy")
    asked = [way for way in ways if f"privacy.{way}" in changes or (isinstance(table, dict) and way in table)]
    if len(asked) == 1 and isinstance(content.get("privacy"), dict):
        content["privacy"].pop(next(way for way in ways if way not in asked), None)


def _merged(old: Any, new: Any) -> Any:
    """Return a table with the new one's keys in place of its own, at every depth; anything else is replaced."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}


def parse_setting(text: str) -> tuple[str, Any]:
    """Split `key.path=value`; the value is read as TOML, and as a plain word where that fails."""
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise RecipeError(f"--set needs key.path=value, got {text!r}; for example --set training.epochs=5")
    try:
        return path.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return path.strip(), value.strip()
    except RecursionError as error:
        raise RecipeError(f"--set {path.strip()} needs a value of a few levels, got one nested too deep to read; flatten it") from error


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Read `key.path=value` texts, the later ones over the earlier; tables of one name are merged."""
    found: dict[str, Any] = {}
    for text in texts:
        path, value = parse_setting(text)
        found[path] = _merged(found.get(path), value)
    return found


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; RecipeError says what is wrong with it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: no such file; `mia-audit list targets` names the zoo's recipes") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: needs a readable text file, got {type(error).__name__}; save it as UTF-8, readable by you") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: needs valid TOML: {error}") from error
    except RecursionError as error:
        raise RecipeError(f"{path}: needs TOML of a few levels, got tables or lists nested too deep to read; flatten it") from error


def checked(schema: type[Schema], content: dict[str, Any], source: str) -> Schema:
    """Return the content as a schema's object; RecipeError names the first key that breaks it, and the nearest one."""
    try:
        return schema.model_validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        raise RecipeError(f"{source}: {_first_problem(schema, error)}") from error
    except RecursionError as error:
        raise RecipeError(f"{source}: needs a few levels of tables and lists, got them nested too deep to read; flatten it") from error


def _first_problem(schema: type[BaseModel], error: ValidationError) -> str:
    problem = error.errors()[0]
    if problem["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return _wrong_kind(problem)
    steps = [str(step) for step in problem["loc"]]
    where = "".join(f"[{step}]: " for step in steps[:-1])
    if problem["type"] == "extra_forbidden":
        return f"{where}unknown key {steps[-1]!r}{nearest(steps[-1], _keys(schema, steps[:-1]))}"
    if problem["type"] == "missing":
        return f"{where}key {steps[-1]!r} is missing; add it"
    return f"{where}{steps[-1]!r}: {problem['msg'].lower()}, got {problem['input']!r}"


def _wrong_kind(problem: Any) -> str:
    """Say which kinds of table there are; pydantic quotes their names."""
    where = "".join(f"[{step}]: " for step in problem["loc"])
    if problem["type"] == "union_tag_not_found":
        return f"{where}key 'kind' is missing; add it"
    kinds = [kind.strip(" '") for kind in problem["ctx"]["expected_tags"].split(",")]
    kind = str(problem["ctx"]["tag"])
    return f"{where}unknown kind {kind!r}{nearest(kind, kinds)}"


def _keys(schema: type[BaseModel], tables: list[str]) -> list[str]:
    """Return the keys of the table at a path; a step into a list is its position, and then the kind of table that stands there."""
    options = [schema]
    for table in tables:
        if table.isdigit():
            continue
        kinds = [option for option in options if _kind(option) == table]
        inner = [each for option in options if table in option.model_fields for each in _models_in(option.model_fields[table].annotation)]
        options = kinds or inner
    return list(options[0].model_fields) if len(options) == 1 else []


def _kind(schema: type[BaseModel]) -> str | None:
    field = schema.model_fields.get("kind")
    return None if field is None else field.default


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return every schema inside an annotation, through lists and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for option in getattr(annotation, "__args__", ()) for found in _models_in(option)]


def _tables(content: dict[str, Any]) -> list[str]:
    return [key for key, value in content.items() if isinstance(value, dict)]
