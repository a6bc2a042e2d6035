"""The privacy-accuracy plot: test accuracy against what one attack finds, with an interval both ways."""

from dataclasses import dataclass

import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.markers import MarkerStyle

from mia_audit.record import Estimate
from mia_audit.report import canvas
from mia_audit.report.figures import PERCENT
from mia_audit.report.numbers import rate_at, value, value_percent
from mia_audit.report.theme import DASHES, SERIES, stand_in
from mia_audit.report.variants import Group, Line, Target

AT_FPR = 0.01


@dataclass(frozen=True, kw_only=True)
class Point:
    """One target in one panel; `leak` without a value is an upper limit."""

    target: Target
    accuracy: Estimate
    leak: Estimate

    @property
    def place(self) -> tuple[float, float]:
        """Where its marker stands."""
        leak = self.leak.high if self.leak.value is None else self.leak.value
        return self.accuracy.value or 0.0, leak


def colour_of(group: Group, target: Target) -> str:
    """Return the colour of a target: that of the first line through it."""
    rank = next((rank for rank, line in enumerate(group.lines) if target in line.targets), len(SERIES) - 1)
    return SERIES[rank % len(SERIES)]


def auc_panel(group: Group, attack: str, name: str) -> Markup:
    """Draw test accuracy against the AUC of one attack."""
    points = [_point(target, target.attack(attack).auc) for target in group.targets]
    return _panel(group, points, f"AUC of {attack}", name, chance=0.5)


def tpr_panel(group: Group, attack: str, name: str) -> Markup | None:
    """Draw test accuracy against one attack's TPR at 1 % FPR, None when it was not measured on every target."""
    points = []
    for target in group.targets:
        rate = rate_at(target.attack(attack).tpr_at_fpr, AT_FPR)
        if rate is None:
            return None
        points.append(_point(target, rate.tpr))
    return _panel(group, points, f"TPR of {attack} at 1 % FPR", name, chance=AT_FPR)


def _point(target: Target, leak: Estimate) -> Point:
    return Point(target=target, accuracy=target.record.summary.utility.test_accuracy, leak=leak)


def _panel(group: Group, points: list[Point], measure: str, name: str, *, chance: float) -> Markup:
    with canvas.style():
        figure, axes = canvas.panel()
        axes.axhline(chance, color=stand_in("muted"), linewidth=1, linestyle=(0, (1, 2)))
        for rank, line in enumerate(group.lines):
            _connect(axes, line, points, rank)
        for point in points:
            _cross(axes, group, point)
        for point in points:
            _mark(axes, group, point)
        axes.margins(0.09)
        axes.xaxis.set_major_formatter(PERCENT)
        if chance == AT_FPR:
            axes.yaxis.set_major_formatter(PERCENT)
        axes.set(xlabel="Test accuracy", ylabel=measure)
        return canvas.to_svg(figure, name, f"Test accuracy against {measure}. {_in_words(points, percent=chance == AT_FPR)}")


def _connect(axes: Axes, line: Line, points: list[Point], rank: int) -> None:
    places = [point.place for target in line.targets for point in points if point.target == target]
    dashes = DASHES[rank // len(SERIES) % len(DASHES)]
    sns.lineplot(
        x=[x for x, _ in places], y=[y for _, y in places], ax=axes, color=stand_in(SERIES[rank % len(SERIES)]), linewidth=1.3,
        linestyle=(0, dashes) if dashes else "-", estimator=None, sort=False, alpha=0.75,
    )  # fmt: skip


def _cross(axes: Axes, group: Group, point: Point) -> None:
    colour = stand_in(colour_of(group, point.target))
    x, y = point.place
    axes.plot([point.accuracy.low, point.accuracy.high], [y, y], color=colour, linewidth=1.1, alpha=0.55)
    known = point.leak.value is not None
    axes.plot([x, x], [point.leak.low, point.leak.high], color=colour, linewidth=1.1, alpha=0.55, linestyle="-" if known else (0, (1, 2)))


def _mark(axes: Axes, group: Group, point: Point) -> None:
    x, y = point.place
    marker = MarkerStyle("o" if point.target.spiking else "s")
    known, colour = point.leak.value is not None, stand_in(colour_of(group, point.target))
    axes.scatter(
        [x], [y], s=150 if point.target.spiking else 125, marker=marker, color=colour if known else stand_in("paper"),
        edgecolor=stand_in("paper") if known else colour, linewidth=1, zorder=3,
    )  # fmt: skip
    text = stand_in("paper") if known else colour
    axes.text(
        x,
        y,
        str(point.target.number),
        color=text,
        ha="center",
        va="center_baseline",
        fontsize=canvas.POINTS - 1.5,
        fontweight="bold",
        zorder=4,
    )


def _in_words(points: list[Point], *, percent: bool) -> str:
    write = value_percent if percent else value
    told = (f"{point.target.number}: accuracy {value_percent(point.accuracy)}, {write(point.leak)}" for point in points)
    return "; ".join(told) + "."
