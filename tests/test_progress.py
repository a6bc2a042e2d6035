"""Progress where it is watched: bars, one bar in a notebook, a line a minute in a log."""

import contextlib
import re
import time
from collections.abc import Callable

import pytest

from mia_audit.progress import Log, Notebook, State, Terminal, shown


def test_a_log_gets_a_line_an_interval_and_notes_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    """The stage, its share and the time left, whether or not the stage says anything; nothing more after the end."""
    with Log(seconds=0.05) as log:
        log.note("3 of 4 cohorts came from the store")
        log.stage("train and query")
        log.progress(0.25)
        time.sleep(0.3)
        log.stage("attack and measure")
        time.sleep(0.2)
    first, *lines = capfd.readouterr().err.splitlines()
    assert first == "3 of 4 cohorts came from the store"
    assert 3 <= len(lines) <= 11
    assert re.fullmatch(r"0:00:00  train and query: 25%, 0:00:0\d left", lines[0])
    assert re.fullmatch(r"0:00:0\d  attack and measure", lines[-1])
    time.sleep(0.12)
    assert capfd.readouterr().err == ""


def test_an_audit_of_less_than_a_minute_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Where standard error is no terminal, and nothing is worth a note."""
    with shown() as watcher:
        assert isinstance(watcher, Log)
        watcher.stage("prepare")
        watcher.progress(0.5)
    assert capfd.readouterr() == ("", "")


def test_the_time_left_is_that_of_the_stage() -> None:
    """A stage that is a third done after so long takes twice as long again."""
    state = State()
    state._began -= 100
    state.stage("train and query")
    state._stage_began -= 30
    assert state.line() == "0:01:40  train and query"
    state.share = 1 / 3
    assert state.line() == "0:01:40  train and query: 33%, 0:01:00 left"


def test_a_notebook_has_one_bar_that_is_replaced() -> None:
    """Drawn once, replaced when something changed, the notes below it, names as text; finished at the end."""
    drawn = list[str]()

    def display(text: str) -> Callable[[str], None]:
        drawn.append(text)
        return drawn.append

    with Notebook(display) as watcher:
        watcher.stage("<train>")
        watcher.progress(0.5)
        watcher.progress(0.5)
        watcher.note("1 of 1 cohorts came from the store")
    assert all(text.count("<progress") == 1 for text in drawn)
    assert 'value="0.500"' in drawn[2]
    assert "&lt;train&gt;: 50%" in drawn[2]
    assert "<br>1 of 1 cohorts" in drawn[-1]
    assert 'value="1.000"' in drawn[-1]


def test_a_notebook_that_fails_keeps_its_unfinished_bar() -> None:
    """Whoever looks sees how far it came."""
    drawn = list[str]()
    with contextlib.suppress(ValueError), Notebook(lambda _: drawn.append) as watcher:
        watcher.stage("train")
        watcher.progress(0.25)
        raise ValueError
    assert 'value="0.250"' in drawn[-1]


def test_a_terminal_has_a_bar_a_stage() -> None:
    """A stage that ends is full."""
    with Terminal() as watcher:
        watcher.stage("one")
        watcher.progress(0.5)
        watcher.stage("two")
        tasks = watcher._bars.tasks
    assert [(task.description, task.completed) for task in tasks] == [("one", 1.0), ("two", 1.0)]
