"""`mia-audit show`: one target as it would be audited."""

from typing import TYPE_CHECKING, Annotated

import typer

from mia_audit.cli import arguments as a

if TYPE_CHECKING:
    from mia_audit.recipe import Recipe

AsJson = Annotated[bool, typer.Option("--json", help="Print the recipe as JSON.")]


def show(  # noqa: PLR0913, PLR0917  all that `run` takes, so that one word of a command is all there is to change
    target: a.Target = None,
    target_option: a.TargetOption = None,
    surrogate: a.Surrogate = None,
    surrogate_variant: a.SurrogateVariant = None,
    surrogate_area: a.SurrogateArea = None,
    ptq: a.PTQ = False,
    secure_noise: a.SecureNoise = False,
    dataset: a.Dataset = None,
    data_root: a.DataRoot = None,
    offline: a.Offline = False,
    attacks: a.Attacks = None,
    shadows: a.Shadows = None,
    seed: a.Seed = None,
    device: a.Device = "auto",
    store: a.Store = None,
    out: a.Out = None,
    force: a.Force = False,
    settings: a.Settings = None,
    slices: a.Slices = None,
    expose: a.Expose = None,
    workers: a.Workers = None,
    memory: a.Memory = None,
    executor: a.Executor = None,
    scheduler: a.Scheduler = None,
    address: a.Address = None,
    as_json: AsJson = False,
) -> None:
    """Print the resolved recipe of an audit and a drawing of its network; takes what `run` takes."""
    named = a.one_target(target, target_option)
    options = a.asked(
        surrogate=surrogate, surrogate_variant=surrogate_variant, surrogate_area=surrogate_area, ptq=ptq,
        secure_noise=secure_noise, dataset=dataset, data_root=data_root, offline=offline, attacks=attacks, shadows=shadows, seed=seed,
        device=device, store=store, out=out, force=force, settings=settings, slices=slices, expose=expose, workers=workers, memory=memory,
        executor=executor, scheduler=scheduler, address=address,
    )  # fmt: skip
    from mia_audit.audit.request.options import describe  # noqa: PLC0415  help must not pay for it
    from mia_audit.recipe.writing import toml  # noqa: PLC0415

    recipe = describe(named, options)
    typer.echo(recipe.model_dump_json(indent=1) if as_json else "\n".join([toml(recipe), *drawing(recipe)]))


def drawing(recipe: "Recipe") -> list[str]:
    """Return a network's layers as comment lines: what each is, the shape behind it, its parameters."""
    from mia_audit.data.profiles import profile  # noqa: PLC0415
    from mia_audit.models import architectures, drawing  # noqa: PLC0415

    dataset = profile(recipe.data.dataset)
    shape = dataset.channels_last
    stack = architectures.layers(recipe.model, dataset.classes)
    known = list(drawing.lines(recipe.model, stack, shape))
    rows = [("input", shape, 0), *(("  " * line.depth + line.text, line.shape, line.parameters) for line in known)]
    width = max(len(text) for text, _, _ in rows)
    total = sum(line.parameters for line in known)
    sided = [(text, " x ".join(map(str, sides)), f"{count:,}" if count else "") for text, sides, count in rows]
    drawn = [f"# {text:<{width}}  {sides:<16}  {count:>12}".rstrip() for text, sides, count in sided]
    steps = f", {recipe.model.time_steps} time steps, {recipe.model.encoding} input, {recipe.model.readout}" if recipe.model.spiking else ""
    return [f"# {recipe.model.architecture}: {total:,} parameters{steps}", *drawn]
