"""The summary in the terminal."""

import io

from rich.console import Console

from mia_audit.record import Record, verdict
from mia_audit.report.console import summary_table
from mia_audit.report.numbers import interval, value
from tests.support.records import make_record
from tests.support.sketches import SKETCHES, Sketch


def printed(record: Record) -> str:
    """Return what a terminal of 120 columns shows."""
    console = Console(file=io.StringIO(), width=120)
    table, lines = summary_table(record)
    console.print(table)
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_attack_stands_with_its_auc_the_headline_first() -> None:
    """Each row shows the record's AUC and interval."""
    record = make_record()
    lines = printed(record).splitlines()
    rows = [line for line in lines if any(line.strip(" │").startswith(attack.name) for attack in record.summary.attacks)]
    assert record.summary.headline in rows[0]
    for attack in record.summary.attacks:
        row = next(line for line in rows if attack.name in line)
        assert value(attack.auc) in row
        assert interval(attack.auc) in row


def test_verdict_accuracy_and_controls_follow() -> None:
    """The lines below the table, in their order."""
    record = make_record(failed_control=True)
    _, lines = summary_table(record)
    assert lines[0] == verdict(record.summary)
    assert lines[1].startswith("Test accuracy ")
    assert "Control, phantom target: FAILED" in lines[2]
    assert "Control, dose response: not run" in lines[3]


def test_a_rate_that_is_not_resolved_is_an_upper_limit() -> None:
    """Where the record has no value, only "at most" its upper end is shown."""
    assert "at most" in printed(make_record())


def test_brackets_in_a_name_are_not_markup() -> None:
    """A name in rich's markup is printed, not obeyed."""
    name = "[red]x[/red]"
    sketch = Sketch(name=name, summary="s", paper="p", access="labels", knowledge=(), strength=2.0)
    assert name in printed(make_record(name, sketches=(*SKETCHES, sketch)))
