"""Who is told how an audit goes, and how long its stages take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol


class Watcher(Protocol):
    """Who is told how an audit goes."""

    def stage(self, name: str) -> None:
        """Hear that a stage begins."""
        ...

    def progress(self, share: float) -> None:
        """Hear which share of the stage is done."""
        ...

    def note(self, text: str) -> None:
        """Hear something worth a line."""
        ...


class Silent:
    """A watcher that says nothing."""

    def stage(self, name: str) -> None:
        """Say nothing."""

    def progress(self, share: float) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


@dataclass(kw_only=True)
class Clock:
    """Seconds spent by stage; they go into run.json, never into the record."""

    watcher: Watcher
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage, and tell the watcher that it begins."""
        self.watcher.stage(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)
