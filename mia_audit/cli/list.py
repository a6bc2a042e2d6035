"""`mia-audit list`: what there is to choose from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Column, Table

if TYPE_CHECKING:
    from mia_audit.recipe import Recipe

catalogue = typer.Typer(help="List targets, attacks, data sets or surrogates.")


@catalogue.command()
def targets() -> None:
    """List the zoo: every recipe in the catalogue (mia_audit.catalogue.target_names)."""
    from mia_audit.catalogue import load_recipe, target_names  # noqa: PLC0415  help must not pay for it
    from mia_audit.data.profiles import resolve  # noqa: PLC0415

    plain = [Column(name, no_wrap=True) for name in ("target", "data", "bits", "T", "parameters", "accuracy")]
    _print([*plain, "what it is, and whose paper"], [_target(resolve(load_recipe(name))) for name in target_names()])


def _target(recipe: "Recipe") -> tuple[str, ...]:
    """Return a target's row: bits of weights and activations, parameters on its own data set, and the accuracy that we measured."""
    from mia_audit.data.profiles import profile  # noqa: PLC0415
    from mia_audit.models import architectures, drawing  # noqa: PLC0415

    model, suits = recipe.model, profile(recipe.data.dataset)
    count = drawing.parameters(model, architectures.layers(model, suits.classes), suits.channels_last)
    bits = f"{model.quantization.weight_bits}/{model.quantization.activation_bits}"
    reached = "-" if recipe.expect is None else f"{recipe.expect.test_accuracy[0]:.3f}"
    whose = f" {recipe.paper}." if recipe.paper else ""
    return recipe.name, suits.name, bits, str(model.time_steps), f"{count:,}", reached, recipe.summary + whose


@catalogue.command()
def attacks() -> None:
    """List suites and attacks (mia_audit.attacks.cards)."""
    from mia_audit.attacks.cards import card_names, load_card, load_suite, suite_names  # noqa: PLC0415

    _print(
        ("suite", "what it is", "attacks"), [(n, s.summary, ", ".join(s.attacks)) for n, s in ((n, load_suite(n)) for n in suite_names())]
    )
    cards = [load_card(name) for name in card_names()]
    _print(("attack", "what it does", "sees", "paper"), [(card.name, card.summary, card.access, card.paper) for card in cards])


@catalogue.command()
def datasets() -> None:
    """List data sets (mia_audit.data.profiles.PROFILES)."""
    from mia_audit.data.profiles import PROFILES  # noqa: PLC0415

    rows = [(p.name, p.title, "x".join(map(str, p.shape)), str(p.classes), str(p.pool), p.source) for p in PROFILES]
    _print(("data set", "what it is", "shape", "classes", "pool", "source"), rows)


@catalogue.command()
def surrogates() -> None:
    """List surrogate gradients; x is membrane minus threshold (mia_audit.models.surrogates.SURROGATES)."""
    from mia_audit.models.surrogates import SURROGATES  # noqa: PLC0415

    _print(("surrogate", "slope"), [(each.name, each.summary) for each in SURROGATES])


def _print(columns: Sequence[str | Column], rows: Sequence[tuple[str, ...]]) -> None:
    name, *others = columns
    first = Column(name, no_wrap=True) if isinstance(name, str) else name
    folded = [Column(each, overflow="fold") if isinstance(each, str) else each for each in others]  # an address is cut nowhere
    table = Table(first, *folded, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
