"""Figures as inline SVG: small, the same bytes each time, coloured by the page, with ids that are unique on it."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import matplotlib as mpl
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from mia_audit.report.theme import stand_in, with_variables

POINTS = 10  # text size; a panel of 4 inches on a phone of 360 pixels still shows it at 10 pixels
_ID = re.compile(r'\bid="([^"]+)"')


@contextmanager
def style() -> Iterator[None]:
    """Draw in the page's colours and sizes while inside."""
    ink, rule, muted = stand_in("ink"), stand_in("rule"), stand_in("muted")
    changes = {
        "svg.fonttype": "none", "svg.hashsalt": "mia-audit", "font.size": POINTS, "text.color": ink,
        "axes.labelcolor": ink, "axes.labelsize": POINTS, "axes.edgecolor": muted, "axes.linewidth": 0.8,
        "axes.grid": True, "axes.axisbelow": True, "grid.color": rule, "grid.linewidth": 0.7, "xtick.color": muted,
        "ytick.color": muted, "xtick.labelsize": POINTS - 1, "ytick.labelsize": POINTS - 1, "xtick.labelcolor": ink,
        "ytick.labelcolor": ink, "xtick.minor.bottom": False, "ytick.minor.left": False,
    }  # fmt: skip
    with mpl.rc_context({**sns.axes_style("ticks"), **changes}):
        yield


def panel(width: float = 4.1, height: float = 3.9) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes, outside pyplot's global state; sizes are inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    return figure, axes


def to_svg(figure: Figure, name: str, description: str) -> Markup:
    """Return the figure as inline SVG; `name` tells its ids from those of other figures of the page."""
    sns.despine(fig=figure)
    drawn = io.BytesIO()
    FigureCanvasSVG(figure).print_svg(drawn, metadata={"Date": None, "Creator": None})
    svg = drawn.getvalue().decode()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = svg.replace("xlink:href", "href")
    box = re.search(r'viewBox="[^"]+"', svg)
    label = escape(description, quote=True)
    opening = f'<svg class="drawing" {box[0] if box else ""} role="img" aria-label="{label}">'
    body = _short_ids(svg[svg.index(">") + 1 :], name)
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    return Markup(with_variables(opening + re.sub(r"\n\s*", "\n", body)))  # noqa: S704 - drawn here; matplotlib escapes its texts


def _short_ids(svg: str, name: str) -> str:
    used = [key for key in _ID.findall(svg) if f"#{key})" in svg or f'"#{key}"' in svg]
    short = {key: f"{name}-{number}" for number, key in enumerate(dict.fromkeys(used), start=1)}
    svg = _ID.sub(lambda found: f'id="{short[found[1]]}"' if found[1] in short else "", svg)
    svg = re.sub(r"url\(#([^)]+)\)", lambda found: f"url(#{short[found[1]]})", svg)
    return re.sub(r'href="#([^"]+)"', lambda found: f'href="#{short[found[1]]}"', svg)
