"""Figures as inline SVG: small, the same bytes each time, coloured by the page, with ids that are unique on it."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib as mpl
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mia_audit.report.theme import stand_in, with_variables

POINTS = 10  # text size; a panel of 4 inches on a phone of 360 pixels still shows it at 10 pixels
_ID = re.compile(r'\bid="([^"]+)"')


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
    svg = drawn.getvalue().decode()
    box = re.search(r'viewBox="[^"]+"', svg)
    opening = f'<svg class="drawing" {box[0] if box else ""} role="img" aria-label="{escape(description, quote=True)}">'
    body = svg[svg.index(">", svg.index("<svg")) + 1 :].replace("xlink:href", "href")
    return Markup(with_variables(opening + _compact(_short_ids(body, name))))  # noqa: S704 - matplotlib escapes its texts


def _short_ids(svg: str, name: str) -> str:
    """Drop ids that nothing refers to, and number the others under the figure's name."""
    used = [key for key in _ID.findall(svg) if f"#{key})" in svg or f'"#{key}"' in svg]
    short = {key: f"{name}-{number}" for number, key in enumerate(dict.fromkeys(used), start=1)}
    svg = _ID.sub(lambda found: f'id="{short[found[1]]}"' if found[1] in short else "", svg)
    svg = re.sub(r"url\(#([^)]+)\)", lambda found: f"url(#{short[found[1]]})", svg)
    return re.sub(r'href="#([^"]+)"', lambda found: f'href="#{short[found[1]]}"', svg)


def _compact(svg: str) -> str:
    """Leave out what a page does not need: metadata, styles that would reach beyond the figure, fonts, digits no eye sees."""
    svg = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->|<defs>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: (?:(bold|[1-9]00) )?([\d.]+)px [^;\"]*", _font, svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r' transform="rotate\(-?0 [^"]*"', "", svg)
    svg = re.sub(r"(?<=[\s\"(,])-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), svg)
    svg = re.sub(r'\bd="[^"]+"', lambda found: " ".join(found[0].split()).replace(' "', '"'), svg)
    return re.sub(r"\s*\n\s*", "\n", svg).replace("<g >", "<g>")


def _font(found: re.Match[str]) -> str:
    return f"font-size: {found[2]}px" + (f"; font-weight: {found[1]}" if found[1] else "")
