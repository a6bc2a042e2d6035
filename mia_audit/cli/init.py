"""`mia-audit init`: a recipe for a checkpoint that somebody else trained."""

import os
from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """Example:

\b
mia-audit init checkpoint.pth --model net:ClassLeaky --dataset fashion-mnist --members members.txt --nonmembers held_out.txt -o t.toml
mia-audit run --target t.toml --shadows 0
"""


def init(  # noqa: PLR0913, PLR0917  a command line's options are its arguments
    checkpoint: Annotated[str, typer.Argument(help="File of weights: .pt, .pth, .ckpt, .tar, .bin, .safetensors, or an .onnx.")],
    dataset: Annotated[str, typer.Option(help="Data set (`mia-audit list datasets`), or your own file.", metavar="NAME")],
    members: Annotated[str, typer.Option(help='File of positions of members, or "train".', metavar="FILE")],
    nonmembers: Annotated[str, typer.Option(help='File of positions of non-members, or "test" or "rest".', metavar="FILE")],
    model: Annotated[str, typer.Option(help="file:name of what builds the network; it is run. None for .onnx.", metavar="FILE:NAME")] = "",
    output: Annotated[
        str, typer.Option(help="Which part of the answer are the scores, and what: 1.mean(0), 0.logits.", metavar="WORDS")
    ] = "",
    train: Annotated[str, typer.Option(help="file:name of train(indices, seed), for shadow models.", metavar="FILE:NAME")] = "",
    accuracy: Annotated[float | None, typer.Option(help="What its owner measured on examples like the non-members.", min=0, max=1)] = None,
    probe: Annotated[str, typer.Option(help=".npz of 16 inputs x and their logits.", metavar="FILE")] = "",
    key: Annotated[str, typer.Option(help="Which of several models in the file.", metavar="KEY")] = "",
    drop: Annotated[
        list[str] | None, typer.Option(help="Keys of states in the file that are no weights. Repeatable.", metavar="KEY")
    ] = None,
    out: Annotated[str, typer.Option("-o", "--out", help="Recipe to write; paths in it are beside it.", metavar="FILE")] = "target.toml",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the recipe.")] = False,
) -> None:
    """Try a checkpoint on a few examples, and write the recipe that `mia-audit run --target` audits it by."""
    from mia_audit.catalogue import checked  # noqa: PLC0415  help must not pay for it
    from mia_audit.external.recipe import ExternalRecipe, require_model  # noqa: PLC0415
    from mia_audit.face.checkpoints import Wanted, write_recipe  # noqa: PLC0415
    from mia_audit.paths import expanded  # noqa: PLC0415

    place = expanded(out, "--out")
    folder = place.parent.resolve()

    def beside(path: str) -> str:
        found = expanded(path, "init")
        return os.path.relpath(found.resolve(), folder) if found.exists() else path

    def code(text: str) -> str:
        file, colon, name = text.partition(":")
        there = Path(file if file.endswith(".py") else f"{file}.py")
        return f"{beside(str(there)).removesuffix('.py')}{colon}{name}" if there.exists() else text

    external = {
        "checkpoint": beside(checkpoint), "model": code(model), "output": output, "train": code(train), "key": key,
        "drop": tuple(drop or ()), "accuracy": accuracy, "probe": beside(probe) if probe else "",
    }  # fmt: skip
    data = {"dataset": beside(dataset) if "." in dataset else dataset, "members": beside(members), "nonmembers": beside(nonmembers)}
    recipe = checked(ExternalRecipe, {"name": place.stem, "external": external, "data": data}, "init")
    require_model(recipe.external, "init")
    written = write_recipe(Wanted(recipe=recipe, folder=folder, out=place, force=force), typer.echo)
    typer.echo(f"Written: {written}. Next: mia-audit run --target {written}" + ("" if train else " --shadows 0"))
