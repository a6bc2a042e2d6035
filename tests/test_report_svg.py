"""Figures inside a page: nothing dangles, nothing reaches beyond the figure, texts stay texts."""

import re
from xml.etree import ElementTree as ET

from mia_audit.report import canvas
from mia_audit.report.svg import inline

DRAWN = b"""<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 20" width="10pt">
 <metadata>who</metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style></defs>
 <g id="axes_1"><defs><path id="mark" d="M 0 1.23456
L 2 3"/></defs>
  <use xlink:href="#mark" x="1.98765" clip-path="url(#box)" style="fill: #0a0b02; font: 700 9px 'Sans'; font-family: Sans"/>
  <text transform="rotate(-0 1 2)" style="font: 9px Sans">a &lt; b $x$</text></g>
 <defs><clipPath id="box"><rect x="0.00499"/></clipPath></defs>
</svg>"""


def test_a_drawing_becomes_an_element_of_a_page() -> None:
    """Only ids that are referred to stay, under the figure's name; digits, fonts and whatever would style the page go."""
    assert inline(DRAWN, "roc", 'a "plot" < b').split("\n") == [
        '<svg class="drawing" viewBox="0 0 10 20" role="img" aria-label="a &quot;plot&quot; &lt; b">',
        "<g>",
        "<defs>",
        '<path id="roc-1" d="M 0 1.23 L 2 3" />',
        "</defs>",
        '<use href="#roc-1" x="1.99" clip-path="url(#roc-2)" style="fill: #0a0b02; font-size: 9px; font-weight: 700" />',
        '<text style="font-size: 9px">a &lt; b $x$</text>',
        "</g>",
        "<defs>",
        '<clipPath id="roc-2">',
        '<rect x="0" />',
        "</clipPath>",
        "</defs>",
        "</svg>",
    ]


def test_references_of_a_real_figure_resolve_and_no_two_figures_share_an_id() -> None:
    """Every link leads to one element of its own figure."""
    seen: set[str] = set()
    for name in ("first", "second"):
        with canvas.style():
            figure, axes = canvas.panel()
            axes.plot([0, 1], [0, 1], marker="o")
            axes.set_title("1 < 2 & $3")
            drawn = canvas.to_svg(figure, name, "a line")
        ids = [element.attrib["id"] for element in ET.fromstring(drawn).iter() if "id" in element.attrib]  # noqa: S314 - our own
        links = set(re.findall(r"url\(#([^)]+)\)", drawn)) | set(re.findall(r'href="#([^"]+)"', drawn))
        assert links == set(ids)
        assert len(ids) == len(set(ids)) > 1
        assert not seen & set(ids)
        seen |= set(ids)
        assert "1 &lt; 2 &amp; $3" in drawn
        assert not re.search(r"\.\d{3}|<style|<metadata|font-family", drawn)
