"""How recipes differ: field by field, over all fields there are.

There is one definition. Whoever compares recipes names the fields that do *not* matter for the purpose at hand; every other field
does, those included that are added to the recipe later, until somebody puts them on a list below.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from mia_audit.recipe.section import Section

Fields = dict[str, Any]
"""Values by dotted path: "model.neuron.beta". Lists are values; a table that is absent is None."""

WORDS = ("name", "summary", "paper", "expect", "training.stop_from")
"""What only tells of a recipe."""

LOOKING = (
    "audit.shadows",
    "audit.attacks",
    "audit.turns",
    "audit.shadow_stage",
    "audit.releases",
    "audit.canaries",
    "audit.claimed_epsilon",
    "audit.claimed_delta",
    "audit.claimed_mu",
)
"""How hard an audit looks: no model trains or answers otherwise for it."""

SIZES = ("data.pool", "data.population", "data.test")
"""How many examples are dealt: which ones they are is told by the data's fingerprint."""

CLAIMED = ("privacy.delta",)
"""What is said of a private training; no model trains otherwise for it."""

NOT_STORED = (*WORDS, *LOOKING, *SIZES, *CLAIMED, "data.dataset")
"""What does not determine a trained cohort: the data's fingerprint and the membership rows are part of its key beside the recipe."""

NOT_A_VARIANT = (
    *WORDS,
    *LOOKING,
    *SIZES,
    "training.epochs",
    "training.learning_rate",
    "training.stop_epoch",
    "training.checkpoints",
    "training.seed",
)
"""What makes no other variant: epochs and learning rate are the points of its frontier, the seed its replicates, checkpoints only watch."""

NOT_PLOTTED = (*WORDS, *(path for path in LOOKING if path not in {"audit.shadows", "audit.shadow_stage"}), "training.checkpoints")
"""What leaves a target's place on the privacy-accuracy plot. Shadow models, how many and of which stage, decide what an attack sees."""


def fields(recipe: Section, ignored: Collection[str] = ()) -> Fields:
    """Return a recipe's fields by path, but for the ignored ones: paths, or tables with all that is in them."""
    return {path: value for path, value in _leaves(recipe.model_dump(mode="json"), "") if not _within(path, ignored)}


def differing(recipes: Sequence[Section], ignored: Collection[str] = ()) -> tuple[str, ...]:
    """Return the paths that have not one value in all of these recipes, in the order of the fields."""
    told = [fields(recipe, ignored) for recipe in recipes]
    paths = dict.fromkeys(path for each in told for path in each)
    return tuple(path for path in paths if any(each.get(path) != told[0].get(path) for each in told))


def written(value: Any) -> str:
    """Return a field's value in words."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {written(inner)}" for name, inner in value.items() if inner is not None) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(written, value)) + "]"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _leaves(table: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _within(path: str, places: Collection[str]) -> bool:
    return any(path == place or path.startswith(f"{place}.") for place in places)
