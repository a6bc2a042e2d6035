"""`mia-audit export`: one row an example."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    record: Annotated[Path, typer.Argument(help="Record folder, as `run` wrote it.")],
    csv: Annotated[Path | None, typer.Option(help="CSV file to write.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Parquet file to write; needs pyarrow.")] = None,
) -> None:
    """Write every example of the pool as a row: membership, scores, probability, risk.

    Its position counts the data set's training part as stored, from 0, as --slices does.
    """
    from mia_audit.errors import OutputError  # noqa: PLC0415  help must not pay for it
    from mia_audit.record import load  # noqa: PLC0415
    from mia_audit.report.table import write_csv, write_parquet  # noqa: PLC0415

    if csv is None and parquet is None:
        raise OutputError("export needs a file to write, got none; use --csv FILE or --parquet FILE")
    found = load(record)
    if "pool_positions" not in found.arrays:
        typer.echo("This record was written before positions were kept: `position` is the place in the shuffled pool.", err=True)
    for path, write in ((csv, write_csv), (parquet, write_parquet)):
        if path is not None:
            write(found, path)
            typer.echo(path)
