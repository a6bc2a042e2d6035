"""`mia-audit list`: what there is to choose from."""

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Column, Table

catalogue = typer.Typer(help="List targets, attacks, data sets or surrogates.")


@catalogue.command()
def targets() -> None:
    """List the zoo: every recipe in the catalogue (mia_audit.catalogue.target_names)."""
    from mia_audit.catalogue import load_recipe, target_names  # noqa: PLC0415  help must not pay for it

    recipes = [load_recipe(name) for name in target_names()]
    _print(("target", "what it is"), [(recipe.name, recipe.summary) for recipe in recipes])


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
    from mia_audit.models.names import SURROGATE_SUMMARIES  # noqa: PLC0415

    _print(("surrogate", "slope"), list(SURROGATE_SUMMARIES.items()))


def _print(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    name, *others = columns
    table = Table(Column(name, no_wrap=True), *others, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
