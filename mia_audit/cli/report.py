"""`mia-audit report`: draw records."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mia_audit.record import Record


def report(
    records: Annotated[list[Path], typer.Argument(help="Record folders, as `run` wrote them; several go on one page.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="HTML file to write.")] = Path("report.html"),
    share: Annotated[bool, typer.Option("--share", help="A page to pass on: no seed, members, positions or examples.")] = False,
) -> None:
    """Draw one record, or compare several on one page."""
    from mia_audit.record import load  # noqa: PLC0415  help must not pay for it
    from mia_audit.report import write  # noqa: PLC0415

    loaded = [load(folder) for folder in records]
    shown = [_shared(record) for record in loaded] if share else loaded
    if len(loaded) == 1:
        write(shown, out)
    else:
        from mia_audit.audit.comparing import compare  # noqa: PLC0415

        write(shown, out, compare(loaded))
    typer.echo(out)


def _shared(record: "Record") -> "Record":
    """Return a record to pass on, with a word on a seed that others can find."""
    from mia_audit.report import sharing  # noqa: PLC0415

    if sharing.guessable(record.summary):
        typer.echo(
            f"{record.name}: its seed can be found by trying, and with it the members: audit with one that nobody guesses before passing "
            f"this page on, such as --seed $(python -c 'import secrets; print(secrets.randbits(96))')",
            err=True,
        )
    return sharing.shared(record)
