"""Figures as inline SVG: small, the same bytes each time, coloured by the page, with ids that are unique on it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mia_audit.report import svg
from mia_audit.report.theme import stand_in, with_variables

POINTS = 10  # text size; a panel of 4 inches on a phone of 360 pixels still shows it at 10 pixels


@contextmanager
def style() -> Iterator[None]:
    """Draw in the page's colours and sizes while inside."""
    ink, rule, muted = stand_in("ink"), stand_in("rule"), stand_in("muted")
    changes = {
        "text.parse_math": False,  # a dollar sign in a name is a dollar sign
        "svg.fonttype": "none", "svg.hashsalt": "mia-audit", "font.size": POINTS, "text.color": ink,
        "axes.labelcolor": ink, "axes.labelsize": POINTS, "axes.edgecolor": muted, "axes.linewidth": 0.8,
        "axes.grid": True, "axes.axisbelow": True, "grid.color": rule, "grid.linewidth": 0.7, "xtick.color": muted,
        "ytick.color": muted, "xtick.labelsize": POINTS - 1, "ytick.labelsize": POINTS - 1, "xtick.labelcolor": ink,
        "ytick.labelcolor": ink, "xtick.minor.bottom": False, "ytick.minor.left": False,
    }  # fmt: skip
    settings: Any = {**sns.axes_style("ticks"), **changes}  # matplotlib types the keys one by one, in its newest releases only
    with mpl.rc_context(settings):
        yield


def panel(*, width: float = 4.1, height: float = 3.9, top: float = 0.12) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes, outside pyplot's global state; all sizes in inches.

    Margins are fixed: panels side by side line up, and the drawing does not depend on how wide a font runs.
    """
    figure = Figure(figsize=(width, height))
    figure.patch.set_alpha(0)
    axes = figure.add_axes((0.7 / width, 0.5 / height, 1 - 0.86 / width, 1 - (0.5 + top) / height))
    axes.patch.set_alpha(0)
    return figure, axes


def to_svg(figure: Figure, name: str, description: str) -> Markup:
    """Return the figure as inline SVG; `name` tells its ids from those of other figures of the page."""
    sns.despine(fig=figure)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return Markup(with_variables(svg.inline(drawn.getvalue(), name, description)))  # noqa: S704 - the writer of XML escapes its texts
