"""Colours, said once: custom properties of the page, and the stand-ins by which figures name them.

A figure is drawn in stand-in colours that stand for names; in the SVG each becomes `var(--name)`, so that a
figure follows the page from light to dark and to paper. The series are Okabe and Ito's colours, which colour-blind readers
tell apart, darkened or lightened until they stand out from the paper; lines differ in dashes and in markers too.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Colour:
    """A named colour on light and on dark paper."""

    name: str
    light: str
    dark: str


COLOURS: tuple[Colour, ...] = (
    Colour(name="paper", light="#ffffff", dark="#12161c"),
    Colour(name="panel", light="#f5f6f8", dark="#1a2029"),
    Colour(name="ink", light="#1b222c", dark="#e4e8ee"),
    Colour(name="muted", light="#566070", dark="#a3adbb"),
    Colour(name="rule", light="#d9dee5", dark="#2f3844"),
    Colour(name="link", light="#0b5a9c", dark="#7cc0f5"),
    Colour(name="leak", light="#b0440a", dark="#f79a5b"),
    Colour(name="calm", light="#1f5f8b", dark="#79b8e6"),
    Colour(name="failed", light="#a31527", dark="#ff8b93"),
    Colour(name="series-1", light="#0072b2", dark="#56b4e9"),
    Colour(name="series-2", light="#d55e00", dark="#ff9350"),
    Colour(name="series-3", light="#00805d", dark="#2fcba0"),
    Colour(name="series-4", light="#a3478a", dark="#e59ccb"),
    Colour(name="series-5", light="#946500", dark="#f0bc42"),
    Colour(name="series-6", light="#8c2d04", dark="#d9a07c"),
    Colour(name="series-7", light="#3f3fa8", dark="#a9a9ff"),
    Colour(name="series-8", light="#4b5563", dark="#c0c8d3"),
)
SERIES = tuple(colour.name for colour in COLOURS if colour.name.startswith("series-"))
DASHES: tuple[tuple[float, ...], ...] = ((), (5, 2), (1.5, 1.5), (7, 2, 1.5, 2), (3, 1.5), (9, 3), (7, 2, 1.5, 2, 1.5, 2), (2, 4))
MARKERS: tuple[tuple[str, str], ...] = (
    ("", ""),
    ("o", "M-3.2 0a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0 -6.4 0z"),
    ("s", "M-2.9 -2.9h5.8v5.8h-5.8z"),
    ("^", "M0 -3.6l3.6 6.6h-7.2z"),
    ("D", "M0 -3.9l3.9 3.9l-3.9 3.9l-3.9 -3.9z"),
    ("v", "M0 3.6l3.6 -6.6h-7.2z"),
    ("P", "M-1.2 -3.6h2.4v2.4h2.4v2.4h-2.4v2.4h-2.4v-2.4h-2.4v-2.4h2.4z"),
    ("*", "M0 -4.2l1 3h3.2l-2.6 1.9l1 3.1l-2.6 -1.9l-2.6 1.9l1 -3.1l-2.6 -1.9h3.2z"),
)
"""A line's marker, for matplotlib and as an SVG path about the origin; the headline has none, it is the thick one."""

_STAND_IN = "#0a0b{:02x}"


def stand_in(name: str) -> str:
    """Return the colour that stands for a name while a figure is drawn."""
    return _STAND_IN.format([colour.name for colour in COLOURS].index(name))


def with_variables(svg: str) -> str:
    """Replace every stand-in of a drawn figure by its custom property."""
    return re.sub(r"#0a0b([0-9a-f]{2})", lambda found: f"var(--{COLOURS[int(found[1], 16)].name})", svg)


def properties(*, dark: bool) -> str:
    """Return the custom properties as CSS declarations."""
    return " ".join(f"--{colour.name}: {colour.dark if dark else colour.light};" for colour in COLOURS)
