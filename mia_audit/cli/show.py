"""`mia-audit show`: one target as it would be audited."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mia_audit.recipe import Recipe


def show(
    target: Annotated[str, typer.Argument(help="Recipe of the zoo (`mia-audit list targets`) or path of a recipe file.")],
    dataset: Annotated[str | None, typer.Option(help="Data set (`mia-audit list datasets`).")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="Any recipe field: key.path=value. Repeatable.")] = None,
) -> None:
    """Print the resolved recipe and a drawing of the network (mia_audit.audit.options.describe)."""
    from mia_audit.audit.options import Options, describe  # noqa: PLC0415  help must not pay for it
    from mia_audit.catalogue import parse_setting  # noqa: PLC0415
    from mia_audit.recipe.writing import toml  # noqa: PLC0415

    recipe = describe(target, Options(dataset=dataset, settings=dict(parse_setting(text) for text in settings or [])))
    typer.echo("\n".join([toml(recipe), *drawing(recipe)]))


def drawing(recipe: "Recipe") -> list[str]:
    """Return a network's layers as comment lines: what each is, the shape behind it, its parameters."""
    from mia_audit.data.profiles import profile  # noqa: PLC0415
    from mia_audit.models import architectures, drawing  # noqa: PLC0415

    suits = profile(recipe.data.dataset)
    shape = suits.channels_last
    stack = architectures.layers(recipe.model, suits.classes)
    known = list(drawing.lines(recipe.model, stack, shape))
    rows = [("input", shape, 0), *(("  " * line.depth + line.text, line.shape, line.parameters) for line in known)]
    width = max(len(text) for text, _, _ in rows)
    total = sum(line.parameters for line in known)
    sided = [(text, " x ".join(map(str, sides)), f"{count:,}" if count else "") for text, sides, count in rows]
    drawn = [f"# {text:<{width}}  {sides:<16}  {count:>12}".rstrip() for text, sides, count in sided]
    steps = f", {recipe.model.time_steps} time steps, {recipe.model.encoding} input, {recipe.model.readout}" if recipe.model.spiking else ""
    return [f"# {recipe.model.architecture}: {total:,} parameters{steps}", *drawn]
