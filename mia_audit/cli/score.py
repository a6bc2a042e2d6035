"""`mia-audit score`: predictions that somebody has, without the network."""

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from mia_audit.cli import arguments as a

if TYPE_CHECKING:
    from mia_audit.record.scored import ScoredRecord

EXAMPLES = """Examples:

\b
mia-audit score predictions.parquet
mia-audit score predictions.csv --member split --label species --as probabilities
mia-audit score answers.npz --members members.txt --nonmembers held_out.txt --references references.npz
"""

Text = str | None


def score(  # noqa: PLR0913, PLR0917  a command line's options are its arguments
    predictions: Annotated[str, typer.Argument(help="Answers of a network: .parquet, .csv or .npz, a row an example.")],
    references: Annotated[
        Text, typer.Option(help=".npz of other networks' answers to the same rows: logits, member.", metavar="FILE")
    ] = None,
    member: Annotated[str, typer.Option(help="Column that says who is a member (found by name otherwise).", metavar="NAME")] = "",
    label: Annotated[str, typer.Option(help="Column of the right classes.", metavar="NAME")] = "",
    outputs: Annotated[str, typer.Option(help="Columns of the answers, with commas.", metavar="NAMES")] = "",
    kind: Annotated[str, typer.Option("--as", help="What they are: logits, probabilities, losses, labels, outputs.", metavar="KIND")] = "",
    classes: Annotated[str, typer.Option(help="What the classes are called, with commas, in the order of their columns.")] = "",
    members: Annotated[Text, typer.Option(help="File of the rows of members, from 0, instead of a column.", metavar="FILE")] = None,
    nonmembers: Annotated[str, typer.Option(help='File of the rows of non-members, or "rest".', metavar="FILE")] = "",
    attacks: a.Attacks = None,
    seed: Annotated[int, typer.Option(help="Seed of the intervals.", min=0, metavar="NUMBER")] = 0,
    out: Annotated[Text, typer.Option(help="Folder of the record; audits/NAME-ID by default.", metavar="FOLDER")] = None,
    force: a.Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print record.json to stdout, all else to stderr.")] = False,
) -> None:
    """Attack a network by its predictions alone, and write the record and its report."""
    from mia_audit.audit.request.reading import READERS  # noqa: PLC0415  help must not pay for it
    from mia_audit.external.predictions import Sides  # noqa: PLC0415
    from mia_audit.external.roles import Wanted  # noqa: PLC0415
    from mia_audit.face.scored_record import Asked, score_file  # noqa: PLC0415
    from mia_audit.paths import expanded  # noqa: PLC0415

    asked = Asked(
        wanted=Wanted(member=member, label=label, outputs=_listed(outputs), kind=kind),
        sides=None if members is None else Sides(members=expanded(members, "--members"), nonmembers=nonmembers),
        classes=_listed(classes),
        references=None if references is None else expanded(references, "--references"),
        attacks=None if attacks is None else READERS["attacks"]("--attacks", attacks),
        seed=seed,
        out=None if out is None else expanded(out, "--out"),
        force=force,
        command=shlex.join(["mia-audit", *sys.argv[1:]]),
    )
    record = score_file(expanded(predictions, "score"), asked)
    show(record, Console(stderr=as_json))
    if as_json:
        sys.stdout.write(record.summary.to_json())


def show(record: "ScoredRecord", console: Console) -> None:
    """Print which column was taken for what, the verdict, the attacks, and where the record lies."""
    from mia_audit.record import claims  # noqa: PLC0415
    from mia_audit.report.numbers import interval, value  # noqa: PLC0415

    summary = record.summary
    lines = [
        *(f"{part}: {names}" for part, names in summary.read.columns),
        *summary.read.notes,
        claims.verdict(summary.finding),
        *(f"Warning: {each}" for each in summary.warnings),
        *(f"  {each.name:<24} AUC {value(each.auc)} ({interval(each.auc)})" for each in summary.attacks),
        *(f"Left out. {each}" for each in summary.left_out),
        f"Record and report: {record.folder}",
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())
