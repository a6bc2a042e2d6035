"""What matplotlib draws, as SVG that stands inside a page: small, without what reaches beyond the figure, ids unique on the page."""

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

SPACE = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
LEFT_OUT = {"metadata", "style"}
"""Elements that a page does not need: one states who drew it, the other would style the whole page."""
_LONG = re.compile(r"(?<=[\s(,])-?\d+\.\d{3,}")
_FONT = re.compile(r"(?:(bold|[1-9]00) )?([\d.]+)px")
_LINK = re.compile(r"url\(#([^)]+)\)")


def inline(drawn: bytes, name: str, description: str) -> str:
    """Return a drawn figure as an element of a page; `name` tells its ids from those of other figures, `description` is read aloud."""
    figure = ET.fromstring(drawn)  # noqa: S314 - matplotlib has just written it
    _prune(figure)
    for element in figure.iter():
        element.tag = element.tag.removeprefix(SPACE)
        element.attrib = {key: value for key, value in _attributes(element) if value}
    _number_ids(figure, name)
    box = figure.attrib["viewBox"]
    figure.attrib = {"class": "drawing", "viewBox": box, "role": "img", "aria-label": description}
    return ET.tostring(figure, encoding="unicode")


def _prune(parent: Element) -> None:
    """Drop elements that a page does not need, groups of definitions that are empty, and spaces between elements."""
    for element in list(parent):
        _prune(element)
        tag = element.tag.removeprefix(SPACE)
        if tag in LEFT_OUT or (tag == "defs" and not len(element)):
            parent.remove(element)
        if not (parent.text or "").strip():
            element.tail = "\n"
    if len(parent) and not (parent.text or "").strip():
        parent.text = "\n"


def _attributes(element: Element) -> Iterator[tuple[str, str]]:
    """Yield an element's attributes without fonts, turns by nothing, and digits that no eye sees."""
    for key, value in element.attrib.items():
        if key == HREF:
            yield "href", value
        elif key == "style":
            yield key, "; ".join(_style(value))
        elif key != "transform" or not re.match(r"rotate\(-?0 ", value):
            yield key, _LONG.sub(_short, f" {' '.join(value.split())}")[1:] if key != "id" else value


def _style(style: str) -> Iterator[str]:
    """Yield declarations; the page's own font stands for the figure's, size and weight stay."""
    for declaration in style.split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font" and (found := _FONT.search(value)):
            yield f"font-size: {found[2]}px"
            yield from [f"font-weight: {found[1]}"] if found[1] else []
        elif key and key not in {"font", "font-family"}:
            yield f"{key}: {_LONG.sub(_short, f' {value}')[1:]}"


def _short(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")


def _number_ids(figure: Element, name: str) -> None:
    """Drop ids that nothing refers to, and number the others under the figure's name, in the order in which they stand."""
    used = {key for element in figure.iter() for value in element.attrib.values() for key in _LINK.findall(value)}
    used |= {element.attrib["href"][1:] for element in figure.iter() if "href" in element.attrib}
    order = dict.fromkeys(key for element in figure.iter() if (key := element.attrib.get("id")) in used)
    short = {key: f"{name}-{number}" for number, key in enumerate(order, start=1)}
    for element in figure.iter():
        attributes = {key: value for key, value in element.attrib.items() if key != "id" or value in short}
        element.attrib = {key: _renamed(key, value, short) for key, value in attributes.items()}


def _renamed(key: str, value: str, short: Mapping[str | None, str]) -> str:
    if key == "id":
        return short[value]
    return f"#{short[value[1:]]}" if key == "href" else _LINK.sub(lambda found: f"url(#{short[found[1]]})", value)
