"""Progress of an audit where it is watched: bars in a terminal, one bar in a notebook, a line a minute in a log. On standard error.

A notebook's bar is plain HTML that IPython replaces in place: it needs no widgets, and a saved notebook keeps its last state.
"""

import html
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

MINUTE = 60.0


class Shown(Protocol):
    """A watcher (mia_audit.audit.Watcher) that is drawn while a block runs."""

    def __enter__(self) -> Self:
        """Start drawing."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop drawing; a stage that failed stays unfinished."""
        ...

    def stage(self, name: str) -> None:
        """Begin a stage."""
        ...

    def progress(self, share: float) -> None:
        """Move the current stage on."""
        ...

    def note(self, text: str) -> None:
        """Say a line."""
        ...


def shown() -> Shown:
    """Return what suits the place: a notebook, a terminal, or a file or pipe."""
    if display := _notebook():
        return Notebook(display)
    return Terminal() if Console(stderr=True).is_terminal else Log()


class Terminal:
    """One bar a stage."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description:<26}"), BarColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
        self._bars = Bars(*columns, console=Console(stderr=True))
        self._current: TaskID | None = None

    def __enter__(self) -> Self:
        """Start drawing."""
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop drawing; a stage that failed keeps its unfinished bar."""
        if kind is None:
            self._finish()
        self._bars.stop()

    def stage(self, name: str) -> None:
        """Begin a stage."""
        self._finish()
        self._current = self._bars.add_task(name, total=None)

    def progress(self, share: float) -> None:
        """Move the current stage's bar."""
        if self._current is not None:
            self._bars.update(self._current, total=1.0, completed=share)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _finish(self) -> None:
        if self._current is not None:
            self._bars.update(self._current, total=1.0, completed=1.0)


class State:
    """The stage that runs, how far it is, and since when."""

    def __init__(self) -> None:
        self.name, self.share = "start", 0.0
        self._began = self._stage_began = time.monotonic()

    def stage(self, name: str) -> None:
        """Begin a stage."""
        self.name, self.share, self._stage_began = name, 0.0, time.monotonic()

    def line(self) -> str:
        """Say how long the audit has run, in which stage it is, its share and the time left where it is known."""
        now = time.monotonic()
        if not self.share:
            return f"{_clock(now - self._began)}  {self.name}"
        left = (now - self._stage_began) * (1 / self.share - 1)
        return f"{_clock(now - self._began)}  {self.name}: {self.share:.0%}, {_clock(left)} left"


class Log:
    """A line a minute, whether or not anything is heard, and notes at once."""

    def __init__(self, seconds: float = MINUTE) -> None:
        self._state, self._seconds, self._ended = State(), seconds, threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> Self:
        """Start the minutes."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop them."""
        self._ended.set()
        self._thread.join()

    def stage(self, name: str) -> None:
        """Begin a stage."""
        self._state.stage(name)

    def progress(self, share: float) -> None:
        """Remember the share."""
        self._state.share = share

    def note(self, text: str) -> None:
        """Write a line at once."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def _tell(self) -> None:
        while not self._ended.wait(self._seconds):
            self.note(self._state.line())


class Notebook:
    """One bar that is replaced in place, and notes below it; `display` shows HTML and returns what replaces it."""

    def __init__(self, display: Callable[[str], Callable[[str], None]]) -> None:
        self._state, self._notes, self._display = State(), list[str](), display
        self._lock, self._drawn = threading.Lock(), ""

    def __enter__(self) -> Self:
        """Show the empty bar."""
        self._replace = self._display(self._html())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Leave the bar where it ended."""
        if kind is None:
            self._state.share = 1.0
        self._draw()

    def stage(self, name: str) -> None:
        """Begin a stage."""
        self._state.stage(name)
        self._draw()

    def progress(self, share: float) -> None:
        """Move the bar."""
        self._state.share = share
        self._draw()

    def note(self, text: str) -> None:
        """Add a line below the bar."""
        self._notes.append(text)
        self._draw()

    def _draw(self) -> None:
        with self._lock:  # shares come from a thread of the scheduler's
            text = self._html()
            if text != self._drawn:
                self._replace(text)
                self._drawn = text

    def _html(self) -> str:
        words = html.escape(self._state.line())
        notes = "".join(f"<br>{html.escape(note)}" for note in self._notes)
        bar = f'<progress max="1" value="{self._state.share:.3f}" aria-label="share of this stage"></progress>'
        return f'<div class="mia-audit-progress">{bar} {words}{notes}</div>'


def _notebook() -> Callable[[str], Callable[[str], None]] | None:
    """Return how to show HTML and replace it in the notebook that this runs in; None elsewhere, an IPython terminal included."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import HTML, display  # noqa: PLC0415  # pyright: ignore[reportMissingImports]  # there already

    def show(text: str) -> Callable[[str], None]:
        handle: Any = display(HTML(text), display_id=True)
        return lambda later: handle.update(HTML(later))

    return show


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
