"""`mia-audit list`: what there is to choose from. A terminal gets entries of 80 columns, a pipe one row a line, `--json` a list."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mia_audit.cli.whole_help import WholeHelp

if TYPE_CHECKING:
    from mia_audit.data.cards import Profile
    from mia_audit.recipe import Recipe

catalogue = typer.Typer(cls=WholeHelp, help="List targets, attacks, data sets or surrogates.")

_STUCK = "\N{NO-BREAK SPACE}"  # a name and its value stay in one line
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON list.")]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing to choose: its name, facts in a few words each, and what it is."""

    name: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@catalogue.command()
def targets(as_json: AsJson = False) -> None:
    """List the zoo: every recipe in the catalogue."""
    from mia_audit.catalogue import load_recipe, target_names  # noqa: PLC0415  help must not pay for it
    from mia_audit.data.profiles import resolve  # noqa: PLC0415

    _print([_target(resolve(load_recipe(name))) for name in target_names()], as_json)


def _target(recipe: "Recipe") -> Entry:
    """Return a target's entry: bits of weights and activations, parameters on its own data set, and the accuracy that we measured."""
    from mia_audit.data.profiles import profile  # noqa: PLC0415
    from mia_audit.models import architectures, drawing  # noqa: PLC0415

    model, dataset = recipe.model, profile(recipe.data.dataset)
    facts = {
        "data": dataset.name,
        "bits": f"{model.quantization.weight_bits}/{model.quantization.activation_bits}",
        "T": model.time_steps,
        "parameters": drawing.parameters(model, architectures.layers(model, dataset.classes), dataset.channels_last),
        "accuracy": None if recipe.expect is None else round(recipe.expect.test_accuracy[0], 3),
    }
    return Entry(name=recipe.name, facts=facts, text=recipe.summary + (f" {recipe.paper}." if recipe.paper else ""))


@catalogue.command()
def attacks(as_json: AsJson = False) -> None:
    """List suites, families and attacks: `--attacks` takes them all."""
    from mia_audit.attacks.cards import load_card, suites  # noqa: PLC0415
    from mia_audit.catalogue import card_names, families  # noqa: PLC0415

    cards = [load_card(name) for name in card_names()]
    _print(
        [
            *(
                Entry(name=name, facts={"kind": "suite"}, text=f"{suite.summary} {', '.join(suite.attacks)}")
                for name, suite in suites().items()
            ),
            *(Entry(name=name, facts={"kind": "family"}, text=", ".join(members)) for name, members in families().items()),
            *(Entry(name=card.name, facts={"kind": "attack", "sees": card.access}, text=f"{card.summary} {card.paper}.") for card in cards),
        ],
        as_json,
    )


@catalogue.command()
def datasets(as_json: AsJson = False) -> None:
    """List data sets, and where each comes from."""
    from mia_audit.data.profiles import profiles  # noqa: PLC0415

    _print([_dataset(each) for each in profiles()], as_json)


def _dataset(dataset: "Profile") -> Entry:
    """Return a data set's entry: its shape, how many classes and examples an audit takes of it by default, and whose it is."""
    facts = {"shape": "x".join(map(str, dataset.shape)), "classes": dataset.classes, "pool": dataset.pool, "source": dataset.source}
    return Entry(name=dataset.name, facts=facts, text=f"{dataset.title}. {dataset.card.owner}. {dataset.card.origin}")


@catalogue.command()
def surrogates(as_json: AsJson = False) -> None:
    """List surrogate gradients; x is membrane minus threshold."""
    from mia_audit.models.surrogates import SURROGATES  # noqa: PLC0415

    _print([Entry(name=each.name, text=each.summary) for each in SURROGATES], as_json)


def _print(entries: Iterable[Entry], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([{"name": each.name, **each.facts, "summary": each.text} for each in entries], indent=1, ensure_ascii=False))
    elif sys.stdout.isatty():
        width = min(100, shutil.get_terminal_size().columns)
        typer.echo("\n".join(line for each in entries for line in lines(each, width)))
    else:
        typer.echo("\n".join("\t".join((each.name, *map(_word, each.facts.values()), each.text)) for each in entries))


def lines(entry: Entry, width: int) -> Iterable[str]:
    """Return an entry for a terminal: its name in bold and its facts, what it is below; no line wider than the terminal."""
    facts = "  ".join(f"{name}{_STUCK}{_word(value, grouped=True)}" for name, value in entry.facts.items())
    head = f"{entry.name:<22}  {facts}".rstrip()
    first, *more = textwrap.wrap(head, width, subsequent_indent="    ", break_on_hyphens=False) if facts else [head]
    yield typer.style(entry.name, bold=True) + first[len(entry.name) :].replace(_STUCK, " ")
    yield from (line.replace(_STUCK, " ") for line in more)
    yield from textwrap.wrap(entry.text, width, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


def _word(value: Any, *, grouped: bool = False) -> str:
    """Return a fact as a text; a dash where it is not known. Thousands are grouped for people, not for programs."""
    if value is None:
        return "-"
    return f"{value:,}" if grouped and isinstance(value, int) else str(value)
