"""`mia-audit init`: a recipe for a checkpoint that somebody else trained."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

EXAMPLES = """Examples:

\b
mia-audit init checkpoint.pth --model net:ClassLeaky --dataset fashion-mnist --members members.txt --nonmembers held_out.txt -o t.toml
mia-audit run --target t.toml --shadows 0
mia-audit init http://localhost:8000/predict --queries 5000 --dataset digits --members members.txt --nonmembers rest -o served.toml
mia-audit init torchvision:resnet18 --weights model.safetensors --argument num_classes=10 --dataset my.npz --members train --nonmembers test
"""


def init(  # noqa: PLR0913, PLR0917  a command line's options are its arguments
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="File of weights (.pt, .pth, .ckpt, .tar, .bin, .safetensors), of a network (.onnx, .skops, .nir, .pt2, TorchScript), "
            "a folder of transformers, an address (http://...), or a library's network by name (timm:NAME, torchvision:NAME).",
            metavar="TARGET",
        ),
    ],
    dataset: Annotated[str, typer.Option(help="Data set (`mia-audit list datasets`), or your own file.", metavar="NAME")],
    members: Annotated[str, typer.Option(help='File of positions of members, or "train".', metavar="FILE")],
    nonmembers: Annotated[str, typer.Option(help='File of positions of non-members, or "test" or "rest".', metavar="FILE")],
    model: Annotated[str, typer.Option(help="file:name of what builds the network; it is run. None for .onnx.", metavar="FILE:NAME")] = "",
    weights: Annotated[str, typer.Option(help="File of weights, where TARGET is a name.", metavar="FILE")] = "",
    argument: Annotated[
        list[str] | None, typer.Option(help="What --model, or a named network, is built with. Repeatable.", metavar="KEY=VALUE")
    ] = None,
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
    steps: Annotated[int | None, typer.Option(help="Steps of a .nir.", min=1)] = None,
    dt: Annotated[float | None, typer.Option(help="Seconds of a step of a .nir.", min=0)] = None,
    reset: Annotated[str, typer.Option(help="What its neurons do behind a spike: subtract, zero, subtract-next, zero-next.")] = "",
    queries: Annotated[int | None, typer.Option(help="Examples that an address may be asked about in all.", min=1)] = None,
    rate: Annotated[float | None, typer.Option(help="Requests a second that an address is sent at most.", min=0)] = None,
    token: Annotated[str, typer.Option(help="Environment variable with the token of an address.", metavar="NAME")] = "",
    trust_code: Annotated[bool, typer.Option("--trust-code", help="Run a TARGET that is a program (.pt2, TorchScript).")] = False,
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
        **_target(checkpoint, weights, code(model), beside), "arguments": _arguments(argument or ()), "output": output,
        "train": code(train), "key": key, "drop": tuple(drop or ()), "accuracy": accuracy, "probe": beside(probe) if probe else "",
        "steps": steps, "dt": dt, "reset": reset, "queries": queries, "rate": rate, "token": token,
    }  # fmt: skip
    data = {"dataset": beside(dataset) if "." in dataset else dataset, "members": beside(members), "nonmembers": beside(nonmembers)}
    recipe = checked(ExternalRecipe, {"name": place.stem, "external": external, "data": data}, "init")
    require_model(recipe.external, "init")
    written = write_recipe(Wanted(recipe=recipe, folder=folder, out=place, force=force, trusted=trust_code), typer.echo)
    typer.echo(f"Written: {written}. Next: mia-audit run --target {written}" + ("" if train else " --shadows 0"))


def _target(given: str, weights: str, model: str, beside: Callable[[str], str]) -> dict[str, Any]:
    """Return what TARGET is: an address, a library's network by name, a folder of transformers, or a file."""
    from mia_audit.errors import UsageError  # noqa: PLC0415
    from mia_audit.external import named  # noqa: PLC0415

    is_named = named.is_named(given) and not Path(given).is_file()
    if weights and not is_named:
        raise UsageError(f"--weights needs a TARGET that is a name, such as timm:resnet18, got {given!r}; give the file as TARGET")
    if given.startswith(("http://", "https://")):
        return {"endpoint": given, "model": model}
    if is_named:
        return {"checkpoint": beside(weights) if weights else "", "model": given}
    if (Path(given) / "config.json").is_file() and not model:
        return {"checkpoint": beside(given), "model": named.FOLDER}
    return {"checkpoint": beside(given), "model": model}


def _arguments(given: Sequence[str]) -> dict[str, Any]:
    """Return KEY=VALUE pairs, values as TOML writes them, or words."""
    import tomllib  # noqa: PLC0415

    from mia_audit.errors import UsageError  # noqa: PLC0415

    found: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"--argument needs KEY=VALUE, got {each!r}; for example num_classes=10")
        try:
            found[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[key] = value
    return found
