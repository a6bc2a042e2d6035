"""Progress of an audit on the terminal: the stage, a bar, and the time left. On standard error, so that pipes stay clean."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars


class Progress:
    """A watcher (mia_audit.audit.Watcher) that draws one bar a stage."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description:<26}"), BarColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
        console = Console(stderr=True)
        self._bars = Bars(*columns, console=console, disable=not console.is_terminal)  # a file or pipe gets errors alone
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

    def _finish(self) -> None:
        if self._current is not None:
            self._bars.update(self._current, total=1.0, completed=1.0)
