"""`mia-audit report`: draw records."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    records: Annotated[list[Path], typer.Argument(help="Record folders, as `run` wrote them; several go on one page.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="HTML file to write.")] = Path("report.html"),
) -> None:
    """Draw one record, or compare several on one page."""
    from mia_audit.record import load  # noqa: PLC0415  help must not pay for it
    from mia_audit.report import write  # noqa: PLC0415

    loaded = [load(folder) for folder in records]
    if len(loaded) == 1:
        write(loaded, out)
    else:
        from mia_audit.audit.comparing import compare  # noqa: PLC0415

        write(loaded, out, compare(loaded))
    typer.echo(out)
