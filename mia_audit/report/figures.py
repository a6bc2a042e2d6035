"""Figures of the audit page: ROC curves on linear and on log axes, and the headline attack's scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator, NullLocator

from mia_audit.record import AttackResult, Record
from mia_audit.report import canvas
from mia_audit.report.curves import Curve, audited_membership, resolution_limit, roc, scores
from mia_audit.report.families import MOST_DRAWN, families, leading
from mia_audit.report.numbers import decimal, level, value
from mia_audit.report.theme import DASHES, MARKERS, SERIES, stand_in
from mia_audit.types import Bools, Floats

BINS = 36
PERCENT = FuncFormatter(lambda share, _: level(round(share, 9)))


@dataclass(frozen=True, kw_only=True)
class Series:
    """One attack's curve and how it is drawn; the legend beside the figure repeats it."""

    attack: AttackResult
    curve: Curve
    rank: int
    width: float

    @property
    def colour(self) -> str:
        """The name of the colour."""
        return SERIES[self.rank]

    @property
    def dashes(self) -> tuple[float, ...]:
        """Lengths of dashes and gaps in line widths; none for a line without gaps."""
        return DASHES[self.rank]

    @property
    def sample(self) -> Markup:
        """A short piece of the line with its marker, for the legend."""
        dashes = " ".join(f"{length * self.width:g}" for length in self.dashes)
        colour, shape = f"var(--{self.colour})", MARKERS[self.rank][1]
        line = f'<line x1="0" x2="34" y1="5" y2="5" stroke="{colour}" stroke-width="{self.width}" stroke-dasharray="{dashes}"/>'
        marker = f'<path transform="translate(17 5)" d="{shape}" fill="{colour}"/>' if shape else ""
        return Markup(f'<svg width="34" height="10" aria-hidden="true">{line}{marker}</svg>')  # noqa: S704 - no text from outside


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One family in a small picture: its best attack, the others that are drawn, and how many are left to the table."""

    name: str
    drawing: Markup
    best: AttackResult
    others: tuple[AttackResult, ...]
    left: int


@dataclass(frozen=True, kw_only=True)
class ScoreBins:
    """The headline attack's scores in bins: shares of members and of non-members; the outermost bins hold the tails."""

    edges: Floats
    members: Floats
    nonmembers: Floats


def series(record: Record, attacks: Sequence[AttackResult]) -> list[Series]:
    """Return how each attack is drawn, eight at most: the headline thickest, every other with dashes and a marker of its own."""
    return [
        Series(
            attack=attack,
            curve=curve(record, attack),
            rank=rank,
            width=2.8 if attack.name == record.summary.headline else 1.2,
        )
        for rank, attack in enumerate(leading(attacks))
    ]


def curve(record: Record, attack: AttackResult) -> Curve:
    """Return an attack's ROC curve on the target."""
    return roc(scores(record, attack.name), audited_membership(record))


def panels(record: Record, attacks: Sequence[AttackResult]) -> list[Panel]:
    """Return a small picture of each family; none where one figure holds all attacks."""
    if len(attacks) <= MOST_DRAWN:
        return []
    headline = curve(record, record.summary.strongest)
    found = []
    for number, (name, members) in enumerate(families(attacks).items(), start=1):
        shown = members[:MOST_DRAWN]
        drawn = [curve(record, attack) for attack in shown]
        words = f"ROC curves of the family “{name}”; the best is {shown[0].name}, AUC {value(shown[0].auc)}."
        picture = _small(headline, drawn, f"family-{number}", words)
        found.append(Panel(name=name, drawing=picture, best=shown[0], others=tuple(shown[1:]), left=len(members) - len(shown)))
    return found


def _small(headline: Curve, drawn: Sequence[Curve], name: str, words: str) -> Markup:
    with canvas.style():
        figure, axes = canvas.panel(width=2.5, height=2.34)
        axes.plot([0, 1], [0, 1], color=stand_in("muted"), linewidth=1, linestyle=(0, (1, 2)))
        axes.plot(headline.fpr, headline.tpr, color=stand_in("series-1"), linewidth=1.2, linestyle=(0, (5, 2)))
        for curve in reversed(drawn[1:]):
            axes.plot(curve.fpr, curve.tpr, color=stand_in("muted"), linewidth=0.6)
        axes.plot(drawn[0].fpr, drawn[0].tpr, color=stand_in("series-2"), linewidth=2)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MultipleLocator(0.5))
        _name_rates(axes)
        return canvas.to_svg(figure, name, words)


def roc_linear(drawn: Sequence[Series]) -> Markup:
    """Draw all ROC curves on linear axes."""
    with canvas.style():
        figure, axes = canvas.panel(height=4.06, top=0.28)
        sns.lineplot(x=[0, 1], y=[0, 1], ax=axes, color=stand_in("muted"), linewidth=1, linestyle=(0, (1, 2)))
        for line in reversed(drawn):
            _draw(axes, line, line.curve, np.linspace(0.04, 0.96, 16))
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MultipleLocator(0.2))
        _name_rates(axes)
        return canvas.to_svg(figure, "roc-linear", f"ROC curves on linear axes. {_in_words(drawn)}")


def roc_log(record: Record, drawn: Sequence[Series]) -> Markup:
    """Draw all ROC curves on log axes, where the few confident accusations show, and shade what cannot be resolved."""
    limit, lowest = resolution_limit(record), min(1e-3, 1 / max(1, record.summary.counts.audited_nonmembers))
    with canvas.style():
        figure, axes = canvas.panel(height=4.06, top=0.28)
        axes.set(xscale="log", yscale="log", xlim=(lowest, 1), ylim=(lowest, 1), aspect="equal")
        _shade_unresolved(axes, lowest, limit)
        sns.lineplot(x=[lowest, 1], y=[lowest, 1], ax=axes, color=stand_in("muted"), linewidth=1, linestyle=(0, (1, 2)))
        _shade_band(axes, record, drawn, lowest)
        for line in reversed(drawn):
            _draw(axes, line, line.curve.for_log_axes(lowest), np.geomspace(1.3 * lowest, 0.8, 20))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
        _name_rates(axes)
        words = f"ROC curves on logarithmic axes; below a false positive rate of {level(round(limit, 4))} nothing is resolved."
        return canvas.to_svg(figure, "roc-log", f"{words} {_in_words(drawn)}")


def score_bins(values: Floats, member: Bools) -> ScoreBins:
    """Count scores into bins over their central 99 %, the tails in the outermost bins."""
    finite = values[np.isfinite(values)]
    low, high = np.quantile(finite, (0.005, 0.995)) if finite.size else (0.0, 0.0)
    edges = np.linspace(low, high, BINS + 1) if high > low else np.linspace(low - 0.5, low + 0.5, BINS + 1)
    inside = np.clip(values, edges[0], edges[-1])
    shares = [np.histogram(inside[side], edges)[0] / max(1, int(side.sum())) for side in (member, ~member)]
    return ScoreBins(edges=edges, members=shares[0], nonmembers=shares[1])


def histogram(record: Record, bins: ScoreBins) -> Markup:
    """Draw the headline attack's scores, members against non-members, with the threshold that it accuses above."""
    best = record.summary.strongest
    middles = (bins.edges[1:] + bins.edges[:-1]) / 2
    with canvas.style():
        figure, axes = canvas.panel(width=4.4, height=2.5)
        for shares, colour, hatch in ((bins.nonmembers, "series-1", None), (bins.members, "series-2", "///")):
            look: dict[str, Any] = {"color": stand_in(colour), "alpha": 0.22, "linewidth": 1.6, "hatch": hatch}
            sns.histplot(x=middles, weights=shares, bins=list(bins.edges), element="step", ax=axes, **look)
        if bins.edges[0] <= best.threshold <= bins.edges[-1]:
            axes.axvline(best.threshold, color=stand_in("ink"), linewidth=1, linestyle=(0, (4, 3)))
        axes.set(xlabel="Score (larger: more likely a member)", ylabel="Share of examples", xlim=(bins.edges[0], bins.edges[-1]))
        axes.yaxis.set_major_formatter(PERCENT)
        axes.grid(visible=False, axis="x")
        words = f"Histogram of the scores of {best.name}: members against non-members; the same numbers stand in the table below."
        return canvas.to_svg(figure, "scores", words)


def _draw(axes: Axes, line: Series, curve: Curve, places: Floats) -> None:
    marker = MARKERS[line.rank][0]
    style = (0, line.dashes) if line.dashes else "-"
    axes.plot(curve.fpr, curve.tpr, color=stand_in(line.colour), linewidth=line.width, linestyle=style)
    if marker:
        at = places[line.rank % 4 :: 4]  # neighbours in rank put their markers at different places
        axes.plot(at, np.interp(at, curve.fpr, curve.tpr), color=stand_in(line.colour), marker=marker, markersize=5, linestyle="none")


def _shade_unresolved(axes: Axes, lowest: float, limit: float) -> None:
    axes.axvspan(lowest, limit, color=stand_in("muted"), alpha=0.13, linewidth=0)
    axes.axvline(limit, color=stand_in("muted"), linewidth=1)
    place = axes.get_xaxis_transform()
    axes.text(limit, 1.025, "resolution limit", transform=place, ha="center", va="bottom", fontsize=canvas.POINTS - 1)


def _shade_band(axes: Axes, record: Record, drawn: Sequence[Series], lowest: float) -> None:
    """Shade the headline's band, and draw what a claim permits at most."""
    arrays = record.arrays
    if "band/fpr" not in arrays:
        return
    colour = next(line.colour for line in drawn if line.attack.name == record.summary.headline)
    low = np.maximum(arrays["band/low"], lowest / 10)
    axes.fill_between(arrays["band/fpr"], low, arrays["band/high"], color=stand_in(colour), alpha=0.14, linewidth=0)
    if "band/ceiling" in arrays:
        axes.plot(arrays["band/fpr"], arrays["band/ceiling"], color=stand_in("ink"), linewidth=1.2, linestyle=(0, (6, 2)))


def _name_rates(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PERCENT)
    axes.set(xlabel="False positive rate", ylabel="True positive rate")


def _in_words(drawn: Sequence[Series]) -> str:
    areas = "; ".join(f"{line.attack.name} {value(line.attack.auc)}" for line in drawn)
    return f"Areas under the curves: {areas}. A coin: {decimal(0.5)}."
