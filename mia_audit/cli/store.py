"""`mia-audit store`: where trained models lie, how much room they take, whether they are whole, and what may go."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mia_audit.cli.whole_help import WholeHelp

if TYPE_CHECKING:
    from mia_audit.audit.bank.storing import Entry

app = typer.Typer(
    cls=WholeHelp, help="Say where trained models lie and how large they are; list, check or clear them.", rich_markup_mode=None
)
Folder = Annotated[Path | None, typer.Option("--store", help="Folder of trained cohorts; the user's cache by default.")]


@app.callback(invoke_without_command=True)
def summary(context: typer.Context, folder: Folder = None) -> None:
    """Say where the store is and how large."""
    from mia_audit.audit.bank.storing import entries, total  # noqa: PLC0415  help must not pay for it

    context.obj = folder
    if context.invoked_subcommand is None:
        place = _place(folder)
        found = entries(place)
        typer.echo(f"{place}: {len(found)} files, {_size(total(found))}")
        for kind in dict.fromkeys(entry.kind for entry in found):
            own = [entry for entry in found if entry.kind == kind]
            typer.echo(f"  {kind}: {len(own)} files, {_size(total(own))}")


@app.command("list")
def listed(
    context: typer.Context,
    folder: Folder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the files as JSON.")] = False,
) -> None:
    """List the files of the store, oldest first: day, size, kind, target, data set, models, name."""
    from mia_audit.audit.bank.storing import entries  # noqa: PLC0415

    found = entries(_place(folder or context.obj))
    if as_json:
        typer.echo(json.dumps([{**vars(entry), "path": str(entry.path)} for entry in found], indent=1))
        return
    for entry in found:
        typer.echo(_line(entry))


@app.command()
def check(context: typer.Context, folder: Folder = None) -> None:
    """Read every file, and name those that no audit would use; exit code 1 where there are any."""
    from mia_audit.audit.bank.storing import entries, unsound  # noqa: PLC0415

    found = entries(_place(folder or context.obj))
    bad = unsound(found)
    for entry in bad:
        typer.echo(_line(entry))
    typer.echo(f"{len(found) - len(bad)} of {len(found)} files are whole; an audit sets the others aside and trains their models anew")
    if bad:
        raise typer.Exit(1)


@app.command()
def clear(  # noqa: PLR0913, PLR0917  a command line's options are its arguments
    context: typer.Context,
    folder: Folder = None,
    older_than: Annotated[float | None, typer.Option(help="Files written at least so many days ago.", min=0)] = None,
    recipe: Annotated[str | None, typer.Option(help="Files made for the recipe of this name.")] = None,
    unusable: Annotated[bool, typer.Option("--unusable", help="Files that no audit would use.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every file.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
) -> None:
    """Remove files of the store. Nothing that an audit wrote elsewhere goes; models that are gone are trained again when needed."""
    from mia_audit.audit.bank import storing  # noqa: PLC0415
    from mia_audit.errors import StoreError  # noqa: PLC0415

    if not (everything or unusable or older_than is not None or recipe is not None):
        raise StoreError("store clear needs to know what may go, got nothing; use --older-than DAYS, --recipe NAME, --unusable or --all")
    going = storing.chosen(storing.entries(_place(folder or context.obj)), now=time.time(), older_than=older_than, target=recipe)
    going = storing.unsound(going) if unusable else going
    for entry in going:
        typer.echo(_line(entry))
    if not dry_run:
        storing.clear(going)
    typer.echo(f"{'would remove' if dry_run else 'removed'} {len(going)} files, {_size(storing.total(going))}")


def _place(folder: Path | None) -> Path:
    from mia_audit.audit.request.options import default_store  # noqa: PLC0415
    from mia_audit.paths import expanded  # noqa: PLC0415

    return default_store() if folder is None else expanded(folder)


def _line(entry: "Entry") -> str:
    day = time.strftime("%Y-%m-%d", time.localtime(entry.written))
    told = " ".join(each or "-" for each in (entry.target, entry.dataset, entry.models.replace(" ", "")))
    return f"{day} {_size(entry.size):>10} {entry.kind:<10} {told} {entry.path.name}"


def _size(count: int) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
