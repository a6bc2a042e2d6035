"""A benchmark's rows: Markdown on standard output, everything else on standard error, so that `run_all.py` can put them together."""

import sys
from dataclasses import dataclass

HEADER = "| what | mia-audit | against | ratio | bar | how |\n|---|---|---|---|---|---|"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measured claim: our value, the other side's, their ratio, the bar that it has to reach, and how it was measured."""

    what: str
    ours: str
    against: str
    ratio: str
    bar: str = "-"
    how: str = ""


def show(*rows: Row) -> None:
    """Print rows as Markdown."""
    for row in rows:
        print(f"| {row.what} | {row.ours} | {row.against} | {row.ratio} | {row.bar} | {row.how} |", flush=True)


def say(text: str) -> None:
    """Tell the person who waits how it goes."""
    print(text, file=sys.stderr, flush=True)
