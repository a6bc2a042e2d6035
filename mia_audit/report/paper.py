"""Figures for a paper: one column wide, colours resolved, text kept as text, told apart by dashes as well as by colour."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from mia_audit.record import Record
from mia_audit.report import curves
from mia_audit.report.figures import BINS, Series, score_bins, series
from mia_audit.report.numbers import decimal, level
from mia_audit.report.theme import COLOURS, SERIES
from mia_audit.types import Floats

WIDTH, HEIGHT = 3.4, 4.0  # inches: a column of a two-column paper, the legend below the axes
LIGHT = {colour.name: colour.light for colour in COLOURS}
STYLE: Any = {  # matplotlib types the keys one by one, in its newest releases only
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.size": 8, "axes.labelsize": 8, "legend.fontsize": 7, "xtick.labelsize": 7, "ytick.labelsize": 7,
    "axes.linewidth": 0.6, "axes.spines.top": False, "axes.spines.right": False, "figure.constrained_layout.use": True,
    "svg.fonttype": "none", "pdf.fonttype": 42,
}  # fmt: skip


def roc(record: Record) -> Figure:
    """Draw ROC curves on log axes, where the few confident accusations show: the headline with its band, and the next strongest."""
    lowest = min(1e-3, 1 / max(1, record.summary.counts.audited_nonmembers))
    with mpl.rc_context(STYLE):
        figure, axes = _axes()
        axes.set(xscale="log", yscale="log", xlim=(lowest, 1), ylim=(lowest, 1))
        axes.axvspan(lowest, curves.resolution_limit(record), color=LIGHT["muted"], alpha=0.12, linewidth=0, label="too few to resolve")
        if "band/fpr" in record.arrays:  # the headline's, at 95 %
            low = np.maximum(record.arrays["band/low"], lowest / 10)
            axes.fill_between(record.arrays["band/fpr"], low, record.arrays["band/high"], color=LIGHT["series-1"], alpha=0.15, linewidth=0)
        for line in _strongest(record):
            curve = line.curve.for_log_axes(lowest)
            _draw(axes, line, (curve.fpr, curve.tpr))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
        return _named(figure, axes, lowest)


def roc_linear(record: Record) -> Figure:
    """Draw ROC curves on linear axes: the area below them is the AUC."""
    with mpl.rc_context(STYLE):
        figure, axes = _axes()
        axes.set(xlim=(0, 1), ylim=(0, 1))
        for line in _strongest(record):
            _draw(axes, line, (line.curve.fpr, line.curve.tpr))
        return _named(figure, axes, 0.0)


def scores(record: Record) -> Figure:
    """Draw the headline attack's scores, members against non-members, with the threshold that it accuses above."""
    best = record.summary.strongest
    bins = score_bins(curves.scores(record, best.name), curves.audited_membership(record))
    with mpl.rc_context(STYLE):
        figure, axes = _axes()
        for shares, colour, name in ((bins.nonmembers, "series-1", "non-members"), (bins.members, "series-2", "members")):
            axes.stairs(shares, bins.edges, color=LIGHT[colour], linewidth=1.2, label=name, linestyle="-" if name == "members" else "--")
        if bins.edges[0] <= best.threshold <= bins.edges[-1]:
            axes.axvline(best.threshold, color=LIGHT["ink"], linewidth=0.8, linestyle=":", label="threshold")
        axes.set(xlabel=f"Score of {best.name}", ylabel=f"Share of examples ({BINS} bins)")
        figure.legend(frameon=False, loc="outside lower center", ncols=3)
        return figure


class Drawing(Figure):
    """A matplotlib figure that a notebook shows by itself; without pyplot it would print its size."""

    def _repr_png_(self) -> bytes:
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", dpi=144)
        return drawn.getvalue()


FIGURES: Mapping[str, Callable[[Record], Figure]] = {"roc": roc, "roc-linear": roc_linear, "scores": scores}


def _axes() -> tuple[Figure, Axes]:
    figure = Drawing(figsize=(WIDTH, HEIGHT))
    return figure, figure.add_subplot()


def _strongest(record: Record) -> list[Series]:
    """Return as many attacks as there are colours, the headline first, then by what they did on shadow models."""
    headline = record.summary.headline
    ranked = sorted(record.summary.attacks, key=lambda attack: (attack.name != headline, -attack.rehearsal_auc, attack.name))
    return series(record, ranked[: len(SERIES)])


def _draw(axes: Axes, line: Series, points: tuple[Floats, Floats]) -> None:
    auc = line.attack.auc
    words = f"{line.attack.name} ({'' if auc.value is None else decimal(auc.value)})"
    style = (0, line.dashes) if line.dashes else "-"
    axes.plot(*points, color=LIGHT[line.colour], linewidth=line.width * 0.7, linestyle=style, label=words)


def _named(figure: Figure, axes: Axes, lowest: float) -> Figure:
    axes.plot([lowest, 1], [lowest, 1], color=LIGHT["muted"], linewidth=0.7, linestyle=(0, (1, 2)), label="chance")
    axes.set(xlabel="False positive rate", ylabel="True positive rate", aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda share, _: level(round(share, 9))))
    figure.legend(title="Attack (AUC)", frameon=False, loc="outside lower center", ncols=2, title_fontsize=7)
    return figure
