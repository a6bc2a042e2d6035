"""`mia-audit export`: a record's examples and attacks as tables, its figures as files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mia_audit.record import Record


def export(  # noqa: PLR0913, PLR0917  a command line's options are its arguments
    record: Annotated[Path, typer.Argument(help="Record folder, as `run` wrote it.")],
    csv: Annotated[Path | None, typer.Option(help="CSV file of the examples to write.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Parquet file of the examples to write; needs pyarrow.")] = None,
    attacks_csv: Annotated[Path | None, typer.Option(help="CSV file of the attacks to write: every measure with its interval.")] = None,
    figures: Annotated[str | None, typer.Option(help="Formats of figures to write, with commas: svg, png, pdf.", metavar="FORMATS")] = None,
    into: Annotated[Path | None, typer.Option(help="Folder of the figures; RECORD/figures by default.")] = None,
) -> None:
    """Write every example of the pool as a row (membership, scores, probability, risk), the attacks as rows, the figures as files.

    An example's position counts the data set's training part as stored, from 0, as --slices does.
    """
    from mia_audit.errors import OutputError  # noqa: PLC0415  help must not pay for it
    from mia_audit.record import load  # noqa: PLC0415

    if all(each is None for each in (csv, parquet, attacks_csv, figures)):
        raise OutputError("export needs a file to write, got none; use --csv FILE, --parquet FILE, --attacks-csv FILE or --figures svg,png")
    if into is not None and figures is None:
        raise OutputError("--into needs figures to write, got none; add --figures svg,png, or leave it out")
    found = load(record)
    _examples(found, csv, parquet)
    if attacks_csv is not None:
        from mia_audit.report.attack_table import write_attacks  # noqa: PLC0415

        write_attacks(found, attacks_csv)
        typer.echo(attacks_csv)
    if figures is not None:
        from mia_audit.report.figure_files import formats, write_figures  # noqa: PLC0415

        for place in write_figures(found, into or record / "figures", formats(figures)):
            typer.echo(place)


def _examples(record: "Record", csv: Path | None, parquet: Path | None) -> None:
    from mia_audit.report.table import write_csv, write_parquet  # noqa: PLC0415

    if (csv or parquet) is not None and "pool_positions" not in record.arrays:
        typer.echo("This record was written before positions were kept: `position` is the place in the shuffled pool.", err=True)
    for path, write in ((csv, write_csv), (parquet, write_parquet)):
        if path is not None:
            write(record, path)
            typer.echo(path)
