"""Cards and suites: what an attack needs, what it costs, whose it is, and with which parameters it runs.

A card is a TOML file in the catalogue, one for each attack class; users copy one and change its parameters. A suite is a
named list of cards in `suites.toml`.
"""

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mia_audit.attacks import ATTACKS
from mia_audit.attacks.attack import Attack
from mia_audit.catalogue import checked, folder, read_toml
from mia_audit.errors import CatalogueError, RecipeError, nearest

Access = Literal["labels", "probabilities", "logits", "internal states", "gradients"]

_SUITES = "suites.toml"


class Card(BaseModel):
    """One attack in words, and the parameters it runs with.

    class_name  the attack class in mia_audit/attacks
    paper       authors, title and arXiv number with its version
    equation    the score, as a formula
    access      what the attacker sees of the target
    knowledge   what the attacker knows beside
    cost        queries and shadow models
    offline     whether the literature forbids it models trained on the audited example: only the others' answers are used
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    summary: str
    class_name: str
    paper: str
    equation: str
    access: Access
    knowledge: tuple[str, ...]
    cost: str
    offline: bool = False
    parameters: dict[str, Any] = {}


class Suite(BaseModel):
    """A named list of cards."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    summary: str
    attacks: tuple[str, ...] = Field(min_length=1)


def card_names() -> tuple[str, ...]:
    """Return the names of the catalogue's cards, sorted."""
    return tuple(sorted(path.stem for path in folder("attacks").glob("*.toml") if path.name != _SUITES))


def suite_names() -> tuple[str, ...]:
    """Return the names of the catalogue's suites, in its order."""
    return tuple(read_toml(folder("attacks") / _SUITES))


def load_suite(name: str) -> Suite:
    """Read one suite of the catalogue."""
    content = read_toml(folder("attacks") / _SUITES)
    if name not in content:
        raise CatalogueError(f"unknown suite {name!r}{nearest(name, content)}")
    return checked(Suite, content[name], f"{_SUITES}: [{name}]")


def load_card(name: str) -> Card:
    """Read a card by its name in the catalogue or by its path (a name with a slash or ending in .toml)."""
    if "/" in name or name.endswith(".toml"):
        if not Path(name).is_file():
            raise CatalogueError(f"{name}: no such card; `mia-audit list attacks` names the catalogue's cards")
        return checked(Card, read_toml(Path(name)), Path(name).name)
    if name not in card_names():
        raise CatalogueError(f"unknown attack {name!r}{nearest(name, (*card_names(), *suite_names()))}")
    return checked(Card, read_toml(folder("attacks") / f"{name}.toml"), f"{name}.toml")


def load_attacks(names: Sequence[str]) -> tuple[tuple[Card, Attack], ...]:
    """Return cards and their attacks for names of suites, names of cards and paths of cards; in order, each card once."""
    suites = suite_names()
    cards: dict[str, Card] = {}
    for name in names:
        for member in load_suite(name).attacks if name in suites else (name,):
            card = load_card(member)
            if cards.setdefault(card.name, card) != card:
                raise RecipeError(f"{member}: another card of this audit is named {card.name!r} too; give it a name of its own")
    if not cards:
        raise CatalogueError(f"an audit needs an attack or a suite, got none; suites: {', '.join(suites)}")
    return tuple((card, build(card)) for card in cards.values())


def asked_by_name(names: Sequence[str]) -> frozenset[str]:
    """Return the names of the cards that were asked for themselves, not through a suite."""
    suites = suite_names()
    return frozenset(load_card(name).name for name in names if name not in suites)


def build(card: Card) -> Attack:
    """Return the attack of a card with its parameters; RecipeError names the parameter that is unknown or of the wrong kind."""
    by_name = {attack.__name__: attack for attack in ATTACKS}
    if card.class_name not in by_name:
        raise CatalogueError(f"{card.name}: unknown attack class {card.class_name!r}{nearest(card.class_name, by_name)}")
    kind = by_name[card.class_name]
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # every attack is a dataclass; a test demands it
    for key in card.parameters:
        if key not in known:
            hint = nearest(key, known) if known else "; this attack has none"
            raise RecipeError(f"{card.name}: [parameters]: unknown key {key!r}{hint}")
    try:
        return TypeAdapter(kind).validate_json(json.dumps(card.parameters, default=str), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        raise RecipeError(
            f"{card.name}: [parameters]: {problem['loc'][0]!r}: {problem['msg'].lower()}, got {problem['input']!r}"
        ) from error
