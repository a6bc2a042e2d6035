"""`mia-audit report`: draw records."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mia_audit.record import Record
    from mia_audit.report.provenance import Look


def report(  # noqa: PLR0913, PLR0917  a command line's options are its arguments
    records: Annotated[list[Path], typer.Argument(help="Record folders, as `run` wrote them; several go on one page.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write: HTML, or PDF where its name ends so.")] = Path("report.html"),
    share: Annotated[bool, typer.Option("--share", help="A page to pass on: no seed, members, positions or examples.")] = False,
    title: Annotated[str, typer.Option(help="Title of the page; target and data by default.")] = "",
    organisation: Annotated[str, typer.Option(help="Who ran the audit.")] = "",
    contact: Annotated[str, typer.Option(help="Whom to ask about it.")] = "",
    beside: Annotated[list[Path] | None, typer.Option(help="Another record: what could be done about a leak. Repeatable.")] = None,
    unfold: Annotated[bool, typer.Option("--unfold", help="Open the appendix, on paper too.")] = False,
) -> None:
    """Draw one record, or compare several on one page."""
    from mia_audit.errors import OutputError  # noqa: PLC0415  help must not pay for it
    from mia_audit.record import load  # noqa: PLC0415
    from mia_audit.report import write  # noqa: PLC0415
    from mia_audit.report.provenance import Look  # noqa: PLC0415

    if _drawn_as_scored(records, out, title, plain=not (share or organisation or contact or beside or unfold)):
        return
    loaded, others = [load(folder) for folder in _that_hold_records(records)], tuple(load(folder) for folder in beside or ())
    shown = [_shared(record) for record in loaded] if share else loaded
    look = Look(title=title, organisation=organisation, contact=contact, beside=others, unfold=unfold)
    if len(loaded) == 1:
        write(shown, out, look=_complete(loaded[0], look))
    elif look != Look():
        raise OutputError(
            f"--title, --organisation, --contact, --beside and --unfold need one record, got {len(loaded)}; leave them out, or draw one"
        )
    else:
        from mia_audit.audit.comparing.variants import compare  # noqa: PLC0415

        write(shown, out, compare(loaded))
    for record in loaded:
        for doubt in record.doubts:
            typer.echo(f"{record.folder}: {doubt}", err=True)
    typer.echo(out)


def _drawn_as_scored(records: list[Path], out: Path, title: str, *, plain: bool) -> bool:
    """Draw the one record named where it holds scored predictions, and say whether it does; OutputError where more was asked for."""
    from mia_audit.errors import OutputError  # noqa: PLC0415
    from mia_audit.record import scored  # noqa: PLC0415
    from mia_audit.record.folder import home  # noqa: PLC0415
    from mia_audit.report import write_scored  # noqa: PLC0415

    folder = home(records[0])
    if len(records) > 1 or not scored.is_scored(folder):
        return False
    if not plain:
        raise OutputError("the page of scored predictions takes --title and -o, got other options; leave them out")
    write_scored(scored.load(folder), out, title)
    typer.echo(out)
    return True


def _complete(record: "Record", look: "Look") -> "Look":
    """Add what a record that was written earlier does not say, but its arrays do."""
    if record.summary.strict is not None:
        return look
    from dataclasses import replace  # noqa: PLC0415

    from mia_audit.audit.findings.risk import strict_of  # noqa: PLC0415  it imports torch

    return replace(look, strict=strict_of(record))


def _that_hold_records(places: list[Path]) -> list[Path]:
    """Return the folders that hold a record, as `audits/*` names others besides; what is named alone, or is not there, is not skipped."""
    from mia_audit.errors import RecordError  # noqa: PLC0415
    from mia_audit.record.folder import home  # noqa: PLC0415
    from mia_audit.record.scored import is_scored  # noqa: PLC0415

    found = [home(place) for place in places]
    reasons = {
        place: "predictions that were scored, which are drawn alone" if is_scored(place) else "no record (it holds no record.json)"
        for place in (found if len(found) > 1 else [])
        if is_scored(place) or (place.exists() and not (place / "record.json").exists())
    }
    for place, reason in reasons.items():
        typer.echo(f"Skipped {place}: {reason}", err=True)
    if len(reasons) == len(set(found)):
        raise RecordError(f"a report needs at least one record, got none among {len(found)} places; give the folders that audits wrote")
    return [place for place in found if place not in reasons]


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
