"""Which attacks of those asked for this audit can run: each says what it needs, and the recipe says what there will be.

A suite means "all that can be tried": what cannot is left out, by name, with a warning in the record. An attack that was asked for
by its own name is not left out in silence: the audit is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mia_audit.attacks import Attack
from mia_audit.attacks.budget import listed
from mia_audit.attacks.cards import Card, asked_by_name, load_attacks
from mia_audit.audit.bank import degrading
from mia_audit.errors import CatalogueError
from mia_audit.probes import names as probes
from mia_audit.recipe import Recipe, filled

WAYS_OUT = {
    "population": "use a --set data.population=... above 0",
    "queries": "use --set audit.queries=8",
    "trajectory": "use --set training.checkpoints=[5,10]",
    "releases": "use --set audit.releases=[8,2]",
    "curvature": f"use a network whose last layer has at most {probes.MOST_PARAMETERS} parameters",
}
"""How to get what is missing; nothing else can be had by another option."""

WHY = {"curvature": f"the last layer has more than {probes.MOST_PARAMETERS} parameters, too many to invert their Hessian"}
"""Why something is missing, where its name does not say it."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The attacks of an audit with their cards, and a sentence for each kind that was left out."""

    cards: tuple[Card, ...]
    attacks: tuple[Attack, ...]
    left_out: tuple[str, ...]


def choose(names: Sequence[str], offers: frozenset[str]) -> Chosen:
    """Return the attacks that find what they need; CatalogueError where one of them was asked for by name and does not."""
    loaded, asked = load_attacks(names), asked_by_name(names)
    runnable = [(card, attack) for card, attack in loaded if attack.needs <= offers]
    missing: dict[str, list[str]] = {}
    for card, attack in loaded:
        lacking = listed(attack.needs - offers)
        if lacking and card.name in asked:
            raise CatalogueError(f"attack {card.name} needs {lacking}, which this target does not offer; {_way_out(attack.needs - offers)}")
        if lacking:
            missing.setdefault(lacking, []).append(card.name)
    if not runnable:
        raise CatalogueError(f"none of the attacks of {', '.join(names)} can run here: they need {listed(missing)}; use suite quick")
    return Chosen(
        cards=tuple(card for card, _ in runnable),
        attacks=tuple(attack for _, attack in runnable),
        left_out=tuple(f"Left out for lack of {lacking}{_why(lacking)}: {', '.join(cards)}." for lacking, cards in missing.items()),
    )


def offers(recipe: Recipe) -> frozenset[str]:
    """Return what the evidence of an audit of this resolved recipe will offer."""
    own = probes.available(recipe)
    probed = own & probes.available(recipe.teacher) if recipe.audit.shadow_stage == "teacher" else own
    found = {"shadows", "features", *probed, *degrading.available(recipe)}
    if filled(recipe.data.population) > 0:
        found.add("population")
    if recipe.audit.queries > 1:
        found.add("queries")
    if recipe.training.checkpoints:
        found.add("trajectory")
    return frozenset(found)


def _why(lacking: str) -> str:
    return f" ({WHY[lacking]})" if lacking in WHY else ""


def _way_out(missing: frozenset[str]) -> str:
    ways = [WAYS_OUT[need] for need in sorted(missing) if need in WAYS_OUT]
    return ", ".join(ways) if ways else "use another attack (`mia-audit list attacks`) or a suite, which leaves it out"
