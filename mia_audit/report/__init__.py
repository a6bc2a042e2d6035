"""The report: one HTML file drawn from records and from nothing else.

One record gives the audit page, several give the comparison page. The file holds all it shows: no network, no script,
no external font. The same records give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mia_audit.errors import OutputError, RecordError
from mia_audit.paths import Place, expanded
from mia_audit.report.printing import write_pdf
from mia_audit.report.writing import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mia_audit.record import Record
    from mia_audit.record.compared import Compared
    from mia_audit.record.scored import ScoredRecord
    from mia_audit.report.provenance import Look


def render(records: Sequence[Record], compared: Compared | None = None, look: Look | None = None) -> str:
    """Return the page as HTML text: an audit of one record, or a comparison of several, with what `mia_audit.audit.comparing` found.

    `look` adds to an audit page who ran it, and what lies beside.
    """
    # The drawing libraries take seconds to import; whoever only asks the command line for help must not wait for them.
    from mia_audit.report import audit_page, comparison_page  # noqa: PLC0415
    from mia_audit.report.provenance import PLAIN  # noqa: PLC0415

    if not records:
        raise RecordError("a report needs at least one record, got none; give the folders that audits wrote")
    different = list({record.id: record for record in records}.values())
    if len(different) == 1:
        return audit_page.page(different[0], look or PLAIN)
    return comparison_page.page(different, compared or comparison_page.NOT_ASKED)


def write(records: Sequence[Record], path: Place, compared: Compared | None = None, look: Look | None = None) -> None:
    """Write the page to a file, whole or not at all, printed where its name ends in .pdf; OutputError says why it cannot."""
    place = _named(path)
    _put(render(records, compared, look), place)


def _named(path: Place) -> Path:
    """Return the file to write; OutputError where its name promises another kind of file."""
    place = expanded(path, "--out")
    device = place.exists() and not place.is_file()  # and may have any name
    if place.suffix.lower() not in {"", ".html", ".htm", ".pdf"} and not device:
        raise OutputError(f"{place}: a report is written as HTML or PDF, got a name that ends in {place.suffix}; give .html or .pdf")
    return place


def _put(text: str, place: Path) -> None:
    try:
        if place.suffix.lower() == ".pdf":
            write_pdf(text, place)
        else:
            write_whole(place, text)
    except OSError as error:
        raise OutputError(
            f"{place}: the report needs a file that can be written, got {error.strerror or type(error).__name__}; give another -o FILE"
        ) from error


def write_scored(record: ScoredRecord, path: Place, title: str = "") -> None:
    """Write the page of scored predictions to a file, as `write` does."""
    from mia_audit.report import scored_page  # noqa: PLC0415  as above

    _put(scored_page.page(record, title), _named(path))
