"""`mia-audit run`: one audit."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from mia_audit.record import Record

Text = str | None


def run(  # noqa: PLR0913, PLR0917  a command line's options are its arguments
    target: Annotated[str, typer.Option(help="Recipe of the zoo (`mia-audit list targets`) or path of a recipe file.")],
    surrogate: Annotated[Text, typer.Option(help="Surrogate gradient of a spiking target (`mia-audit list surrogates`).")] = None,
    surrogate_variant: Annotated[Text, typer.Option(help="textbook, or snntorch for exactly what snnTorch computes.")] = None,
    surrogate_area: Annotated[float | None, typer.Option(help="Scale the surrogate to this area, 1 for all alike.")] = None,
    ptq: Annotated[bool, typer.Option("--ptq", help="Quantize after training, not while.")] = False,
    dataset: Annotated[Text, typer.Option(help="Data set (`mia-audit list datasets`).")] = None,
    data_root: Annotated[Path | None, typer.Option(help="Folder of torchvision data sets.", envvar="MIA_AUDIT_DATA")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never download.")] = False,
    attacks: Annotated[Text, typer.Option(help="Suite or attacks, comma-separated (`mia-audit list attacks`).")] = None,
    shadows: Annotated[int | None, typer.Option(help="Number of shadow models.", min=2)] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.", min=0)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    store: Annotated[
        Path | None, typer.Option(help="Folder of trained cohorts, reused by later audits; in the user's cache by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the record; audits/<target>-<id> by default.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="Any recipe field: key.path=value. Repeatable.")] = None,
    slices: Annotated[Path | None, typer.Option(help="CSV file whose columns part the examples, or a file of positions.")] = None,
    expose: Annotated[
        bool | None, typer.Option("--expose/--no-expose", help="Show the most exposed examples; by default of public data only.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes; one a core by default.", min=1)] = None,
    memory: Annotated[Text, typer.Option(help="Memory for all workers together, such as 8GiB; 60 % of what is free by default.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what the audit would cost, and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print record.json to stdout, all else to stderr.")] = False,
) -> None:
    """Train a target and its shadow models, attack them, and write the record and its report (mia_audit.run)."""
    from mia_audit.audit import Options, audit, make_plan, parse_bytes  # noqa: PLC0415  help must not pay for it
    from mia_audit.catalogue import parse_setting  # noqa: PLC0415
    from mia_audit.cli.progress import Progress  # noqa: PLC0415
    from mia_audit.report import write  # noqa: PLC0415

    options = Options(
        surrogate=surrogate, surrogate_variant=surrogate_variant, surrogate_area=surrogate_area, ptq=ptq, dataset=dataset,
        data_root=data_root, offline=offline,
        attacks=None if attacks is None else _names(attacks), shadows=shadows, seed=seed, device=device, store=store, out=out,
        settings=dict(parse_setting(text) for text in settings or []), slices=slices, expose=expose, workers=workers,
        memory=None if memory is None else parse_bytes(memory),
    )  # fmt: skip
    if plan:
        typer.echo("\n".join(make_plan(target, options).lines()))
        return
    with Progress() as progress:
        record = audit(target, options, watcher=progress, command=shlex.join(["mia-audit", *sys.argv[1:]]))
        progress.stage("draw the report")
        assert record.folder is not None  # noqa: S101  audit writes it
        write([record], record.folder / "report.html")
    show(record, Console(stderr=as_json))
    if as_json:
        sys.stdout.write(record.summary.to_json())


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def show(record: "Record", console: Console) -> None:
    """Print the short table, what it means, and where the record lies."""
    from mia_audit.report.console import summary_table  # noqa: PLC0415

    table, lines = summary_table(record)
    console.print(table)
    for line in lines:
        console.print(line, markup=False, highlight=False)
    console.print(f"Record and report: {record.folder}", markup=False, highlight=False, soft_wrap=True)
