"""What tests read from a page: its words as a reader sees them, and its tables."""

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._unseen = 0
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._unseen += tag in {"style", "script"}
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in {"style", "script"}
        if tag in {"td", "th"}:
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        self.words.append(data)
        if self._in_cell:
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data}".strip()


def text(page: str) -> str:
    """Return what a reader sees, one space between words; no-break spaces are spaces, too."""
    return " ".join(" ".join(_read(page).words).split())


def rows(page: str) -> list[list[str]]:
    """Return all table rows as lists of cells."""
    return [[" ".join(cell.split()) for cell in row] for row in _read(page).rows]


def tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    """Return all elements with their attributes, as a browser would read them."""
    return _read(page).tags


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader
