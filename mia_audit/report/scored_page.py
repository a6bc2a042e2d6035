"""The page of predictions that were scored: verdict first, what was read for what, the curves, the attacks, and what was not looked at."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter, MultipleLocator, NullLocator

from mia_audit.record import claims
from mia_audit.record.scored import ScoredAttack, ScoredRecord, ScoredSummary
from mia_audit.report import canvas
from mia_audit.report.curves import FALSE_POSITIVES_NEEDED, Curve, roc, thinned
from mia_audit.report.numbers import count, decimal, level, percent, value
from mia_audit.report.page import fill
from mia_audit.report.theme import DASHES, SERIES, stand_in

MOST_DRAWN = 8
_VERTICES = 600
_MANY = 50_000
"""Scores above which a curve is drawn of a few of its points, which are sought instead of chosen among all."""
_PERCENT = FuncFormatter(lambda share, _: level(round(share, 9)))


@dataclass(frozen=True, kw_only=True)
class Line:
    """One attack's curve and how it is drawn."""

    attack: ScoredAttack
    curve: Curve
    rank: int

    @property
    def width(self) -> float:
        """The line's width: the one that decides is thickest."""
        return 1.2 if self.rank else 2.8

    @property
    def sample(self) -> Markup:
        """A short piece of the line, for the legend."""
        dashes = " ".join(f"{length * self.width:g}" for length in DASHES[self.rank])
        line = f'<line x1="0" x2="34" y1="5" y2="5" stroke="var(--{SERIES[self.rank]})" stroke-width="{self.width}" '
        return Markup(f'<svg width="34" height="10" aria-hidden="true">{line}stroke-dasharray="{dashes}"/></svg>')  # noqa: S704  no text from outside


def page(record: ScoredRecord, title: str = "") -> str:
    """Return the page of a record."""
    summary = record.summary
    lines = [Line(attack=each, curve=_curve(record, each), rank=rank) for rank, each in enumerate(summary.attacks[:MOST_DRAWN])]
    return fill(
        "scored.html",
        record=record,
        summary=summary,
        title=title or summary.read.name,
        finding=summary.finding,
        verdict_in_words=claims.verdict(summary.finding),
        warnings=summary.warnings,
        read=_read(record),
        controls=_controls(summary),
        lines=lines,
        linear=_drawn(lines, summary, log=False),
        log=_drawn(lines, summary, log=True),
        command=record.run.get("command", ""),
    )


def _read(record: ScoredRecord) -> list[tuple[str, str]]:
    summary = record.summary
    columns = [(f"Taken as {part}", names) for part, names in summary.read.columns]
    sides = f"{count(summary.members)} members and {count(summary.others)} others, {count(summary.references)} references"
    date = record.run.get("date")
    return [
        ("Read", f"{summary.read.name} (SHA-256 {summary.read.sha256[:16]}...)"),
        ("Judged", sides),
        *columns,
        ("Date", date if isinstance(date, str) else "not told"),
        ("Tool", f"mia-audit {summary.version}"),
    ]


def _controls(summary: ScoredSummary) -> list[tuple[str, str, str]]:
    """Return what was held against a claim: its name, the outcome in a word, and what stands behind it."""
    found = summary.finding
    words = {None: "not run", False: "passed", True: "failed"}
    references = (
        "No references were given." if found.control_p is None else f"Least p = {found.control_p:.2g}, after Holm (fails below 0.01)."
    )
    blind = (
        "No inputs were given."
        if found.blind is None
        else f"By inputs and labels alone AUC {decimal(found.blind.auc)}, p = {found.blind.p:.2g} (fails below 0.01)."
    )
    turned = "Members score below the others." if found.backwards else "No attack ranks members below the others."
    return [
        ("references do not know the target's members", words[found.refuted], references),
        ("blind classifier", words[None if found.blind is None else found.blind.refutes], blind),
        ("direction", words[bool(found.backwards)], turned),
    ]


def _curve(record: ScoredRecord, attack: ScoredAttack) -> Curve:
    """Return an attack's curve, thinned to what an eye can see."""
    scores, member = np.asarray(record.arrays[f"scores/{attack.name}"]), record.arrays["member"]
    wanted = np.concatenate([np.geomspace(1e-7, 1, _VERTICES // 2), np.linspace(0, 1, _VERTICES // 2)])
    if scores.size > _MANY:
        return thinned(scores, member, wanted)
    whole = roc(scores.astype(np.float64), member)
    if whole.fpr.size <= _VERTICES:
        return whole
    places = np.unique(np.searchsorted(whole.fpr, wanted, side="right").clip(1, whole.fpr.size) - 1)
    return Curve(fpr=whole.fpr[places], tpr=whole.tpr[places])


def _drawn(lines: list[Line], summary: ScoredSummary, *, log: bool) -> Markup:
    lowest, limit = min(1e-3, 1 / summary.others), min(1.0, FALSE_POSITIVES_NEEDED / summary.others)
    with canvas.style():
        figure, axes = canvas.panel(height=4.06, top=0.28)
        start = lowest if log else 0.0
        axes.set(xlim=(start, 1), ylim=(start, 1), aspect="equal", **({"xscale": "log", "yscale": "log"} if log else {}))
        axes.plot([start, 1], [start, 1], color=stand_in("muted"), linewidth=1, linestyle=(0, (1, 2)))
        if log:
            axes.axvspan(lowest, limit, color=stand_in("muted"), alpha=0.13, linewidth=0)
        for line in reversed(lines):
            curve = line.curve.for_log_axes(lowest) if log else line.curve
            style: Any = (0, DASHES[line.rank]) if DASHES[line.rank] else "-"
            axes.plot(curve.fpr, curve.tpr, color=stand_in(SERIES[line.rank]), linewidth=line.width, linestyle=style)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(_PERCENT)
            if not log:
                axis.set_major_locator(MultipleLocator(0.2))
        axes.set(xlabel="False positive rate", ylabel="True positive rate")
        areas = "; ".join(f"{line.attack.name} {value(line.attack.auc)}" for line in lines)
        kind = f"logarithmic axes; below a false positive rate of {percent(limit)} nothing is resolved" if log else "linear axes"
        return canvas.to_svg(figure, "roc-log" if log else "roc-linear", f"ROC curves on {kind}. Areas: {areas}. A coin: 0.500.")
