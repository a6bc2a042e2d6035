"""A record with what needs more than the record itself: its page, its figures, its attacks as a table.

A subclass, since what reads records may not be known to them: imports point down. It adds no field and overrides nothing.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import mia_audit.record
from mia_audit import report
from mia_audit.audit.findings.risk import strict_of
from mia_audit.errors import OutputError, UsageError
from mia_audit.face.tables import tabulated
from mia_audit.paths import Place, expanded
from mia_audit.record import AttackResult, Estimate
from mia_audit.report import table
from mia_audit.report.provenance import Look


@dataclass(frozen=True, kw_only=True, repr=False)
class Record(mia_audit.record.Record):
    """A record, in memory; see `mia_audit.record` for its arrays, and `summary` for every total."""

    @classmethod
    def of(cls, record: mia_audit.record.Record) -> "Record":
        """Return a record with its page, figures and table."""
        return cls(**{each.name: getattr(record, each.name) for each in fields(record)})

    def report(self, path: Place | None = None, *, title: str = "", organisation: str = "", contact: str = "") -> Path:
        """Draw the page, into the record's folder unless another file is named, and return where it lies.

        title, organisation and contact stand at its head: what the page is called, who ran the audit, whom to ask about it.
        """
        if path is None and self.folder is None:
            raise OutputError("report needs a file, got none, and this record lies in no folder; name one, or write the record first")
        place = expanded(path, "report") if path is not None else Path(self.folder or ".") / "report.html"
        strict = strict_of(self) if self.summary.strict is None else None  # older records do not say it, but their arrays do
        report.write([self], place, look=Look(title=title, organisation=organisation, contact=contact, strict=strict))
        return place

    @property
    def attacks(self) -> Any:
        """The attacks as a flat table, a row each, strongest on shadow models first; the headline is marked.

        A pandas.DataFrame where pandas is installed, else a list of dictionaries. A rate that these examples cannot resolve is missing
        (NaN, or None), and its upper limit stands in the column `..._high`.
        """
        ranked = sorted(self.summary.attacks, key=lambda attack: (attack.name != self.summary.headline, -attack.rehearsal_auc, attack.name))
        rows = [_row(attack, headline=attack.name == self.summary.headline) for attack in ranked]
        return tabulated(rows, words=("attack", "headline", "access", "paper"))

    @property
    def examples(self) -> Any:
        """The pool as a flat table, an example a row, as `mia-audit export` writes it (mia_audit.report.table says what the columns are).

        A pandas.DataFrame where pandas is installed, else a list of dictionaries; what an example lacks is missing (None).
        """
        columns = table.columns(self)
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return tabulated(rows, words=tuple(columns))

    def figure(self, name: str = "roc") -> Any:
        """Return a matplotlib Figure for a paper, one column wide: "roc" (log axes), "roc-linear" or "scores"; `savefig` writes it."""
        from mia_audit.report.paper import FIGURES  # noqa: PLC0415  seconds of imports, paid by those who draw

        if name not in FIGURES:
            raise UsageError(f"figure needs one of {', '.join(FIGURES)}, got {name!r}")
        return FIGURES[name](self)


def load(folder: Place) -> Record:
    """Read a record folder."""
    return Record.of(mia_audit.record.load(expanded(folder, "a record")))


def _row(attack: AttackResult, *, headline: bool) -> dict[str, Any]:
    rates = {f"tpr_at_{rate.fpr:g}_fpr": rate.tpr for rate in attack.tpr_at_fpr}
    return {
        "attack": attack.name,
        "headline": headline,
        **_numbers("auc", attack.auc),
        **{key: value for name, rate in rates.items() for key, value in _numbers(name, rate).items()},
        **_numbers("balanced_accuracy", attack.balanced_accuracy),
        **_numbers("advantage", attack.advantage),
        "rehearsal_auc": attack.rehearsal_auc,
        "phantom_auc": attack.phantom_auc.value,
        "phantom_p_holm": attack.phantom_p_holm,
        "access": attack.access,
        "paper": attack.paper,
    }


def _numbers(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
