"""One row an attack and measure, with its interval: tidy, for a spreadsheet or a data frame.

attack     its name; headline: whether it is the one that decides; family, access: what the attacker sees
measure    auc, tpr, balanced_accuracy, advantage; phantom_auc and rehearsal_auc, which are no finding
fpr        of a tpr; empty for the others
value      empty where the data cannot resolve it: `high` is then an upper limit
low, high  the 95 % interval, and the method it was made by; empty for rehearsal_auc, a mean over rehearsals
"""

import csv
import io
from collections.abc import Iterator
from typing import Any

from mia_audit.errors import OutputError
from mia_audit.paths import Place, expanded
from mia_audit.record import AttackResult, Estimate, Record
from mia_audit.report.families import family
from mia_audit.report.writing import write_whole

COLUMNS: tuple[str, ...] = ("attack", "headline", "family", "access", "measure", "fpr", "value", "low", "high", "method")
Row = dict[str, Any]


def rows(record: Record) -> list[Row]:
    """Return the attacks in the order of the record, every measure of each; what is missing is None."""
    summary = record.summary
    return [
        {"attack": attack.name, "headline": attack.name == summary.headline, "family": family(attack), "access": attack.access, **measured}
        for attack in summary.attacks
        for measured in _measures(attack)
    ]


def write_attacks(record: Record, path: Place) -> None:
    """Write the rows as CSV, empty cells where a number is missing; OutputError says why it cannot."""
    place, text = expanded(path, "--attacks-csv"), io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(record))
    try:
        write_whole(place, text.getvalue())
    except OSError as error:
        raise OutputError(f"{place}: the table needs a file that can be written, got {error.strerror}; give another one") from error


def _measures(attack: AttackResult) -> Iterator[Row]:
    yield _row("auc", attack.auc)
    for rate in attack.tpr_at_fpr:
        yield _row("tpr", rate.tpr, rate.fpr)
    yield _row("balanced_accuracy", attack.balanced_accuracy)
    yield _row("advantage", attack.advantage)
    yield _row("phantom_auc", attack.phantom_auc)
    yield {"measure": "rehearsal_auc", "fpr": None, "value": attack.rehearsal_auc, "low": None, "high": None, "method": None}


def _row(measure: str, found: Estimate, fpr: float | None = None) -> Row:
    return {"measure": measure, "fpr": fpr, "value": found.value, "low": found.low, "high": found.high, "method": found.method}
