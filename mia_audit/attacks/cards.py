"""Cards and suites: what an attack needs, what it costs, whose it is, and with which parameters it runs.

A card is a TOML file in the catalogue, one for each attack class; users copy one and change its parameters. A suite is the cards that
name it, in the order of ATTACKS; `suites.toml` says what suites there are.
"""

import json
from collections.abc import Sequence
from dataclasses import MISSING, fields, replace
from typing import Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mia_audit.attacks import ATTACKS
from mia_audit.attacks.attack import Attack
from mia_audit.catalogue import SUITES, card_names, checked, families, folder, read_toml, suite_names
from mia_audit.errors import CatalogueError, RecipeError, nearest
from mia_audit.paths import expanded, is_path

Access = Literal["labels", "probabilities", "logits", "internal states", "gradients"]


class Card(BaseModel):
    """One attack in words, and the parameters it runs with.

    class_name  the attack class in mia_audit/attacks
    paper       authors, title and arXiv number with its version
    equation    the score, as a formula
    access      what the attacker sees of the target
    knowledge   what the attacker knows beside
    cost        queries and shadow models
    suites      the suites that it belongs to, beside the one of all cards
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
    suites: tuple[str, ...] = ()
    offline: bool = False
    parameters: dict[str, Any] = {}


class Suite(BaseModel):
    """A suite in words; `every` has all cards, another those that name it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    summary: str
    every: bool = False
    attacks: tuple[str, ...] = ()


FORMERLY = {"seed": "shokri"}
"""Suites by the name that they had before; it is taken still, with a hint."""


def suites() -> dict[str, Suite]:
    """Read the suites of the catalogue and put their cards together."""
    cards = [load_card(attack.name) for attack in ATTACKS.values()]
    found = {}
    for name, content in read_toml(folder("attacks") / SUITES).items():
        suite = checked(Suite, content, f"{SUITES}: [{name}]")
        members = tuple(card.name for card in cards if suite.every or name in card.suites)
        found[name] = suite.model_copy(update={"attacks": members})
    return found


def load_suite(name: str) -> Suite:
    """Return one suite of the catalogue."""
    found = suites()
    if name not in found:
        raise CatalogueError(f"unknown suite {name!r}{nearest(name, found)}")
    return found[name]


def renamed(names: Sequence[str]) -> tuple[str, ...]:
    """Return a hint for each name that was given up."""
    return tuple(f"the suite {name} is called {FORMERLY[name]} now" for name in names if name in FORMERLY)


def load_card(name: str) -> Card:
    """Read a card by its name in the catalogue or by its path (a name with a slash or ending in .toml)."""
    if is_path(name):
        path = expanded(name, "--attacks")
        if not path.is_file():
            raise CatalogueError(f"{path}: no such card; `mia-audit list attacks` names the catalogue's cards")
        return checked(Card, read_toml(path), path.name)
    if name not in card_names():
        raise CatalogueError(f"unknown attack {name!r}{nearest(name, (*card_names(), *suite_names(), *families()))}")
    return checked(Card, read_toml(folder("attacks") / f"{name}.toml"), f"{name}.toml")


def load_attacks(names: Sequence[str]) -> tuple[tuple[Card, Attack], ...]:
    """Return cards and their attacks for names of suites, families and cards and for paths of cards; in order, each card once."""
    groups = _groups()
    cards: dict[str, Card] = {}
    for name in names:
        for member in groups.get(name, (name,)):
            card = load_card(member)
            if cards.setdefault(card.name, card) != card:
                raise RecipeError(f"{member}: another card of this audit is named {card.name!r} too; give it a name of its own")
    if not cards:
        raise CatalogueError(f"an audit needs an attack or a suite, got none; suites: {', '.join(suite_names())}")
    return tuple((card, build(card)) for card in cards.values())


def asked_by_name(names: Sequence[str]) -> frozenset[str]:
    """Return the names of the cards that were asked for themselves, not through a suite or a family."""
    groups = _groups()
    return frozenset(load_card(name).name for name in names if name not in groups)


def _groups() -> dict[str, tuple[str, ...]]:
    """Return what stands for several attacks, by name, former names too."""
    found = {**families(), **{name: suite.attacks for name, suite in suites().items()}}
    return {**found, **{old: found[new] for old, new in FORMERLY.items()}}


def build(card: Card) -> Attack:
    """Return the attack of a card with its parameters; RecipeError names the parameter that is unknown or of the wrong kind."""
    if card.class_name not in ATTACKS:
        raise CatalogueError(f"{card.name}: unknown attack class {card.class_name!r}{nearest(card.class_name, ATTACKS)}")
    default: Any = ATTACKS[card.class_name]
    known = parameters(default)
    for key in card.parameters:
        if key not in known:
            hint = nearest(key, known) if known else "; this attack has none"
            raise RecipeError(f"{card.name}: [parameters]: unknown key {key!r}{hint}")
    chosen: Attack = replace(default, **{key: _parsed(card.name, key, value, known[key]) for key, value in card.parameters.items()})
    return chosen


def parameters(attack: Any) -> dict[str, Any]:
    """Return the types of an attack's parameters by name, in order: the fields that have a default; those without a row has fixed."""
    hints = get_type_hints(type(attack), include_extras=True)
    return {field.name: hints[field.name] for field in fields(attack) if (field.default, field.default_factory) != (MISSING, MISSING)}


def _parsed(card: str, key: str, value: Any, kind: Any) -> Any:
    try:
        return TypeAdapter(kind).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        raise RecipeError(f"{card}: [parameters]: {key!r}: {problem['msg'].lower()}, got {problem['input']!r}") from error
