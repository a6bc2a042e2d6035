"""`mia-audit`: the verbs, and what becomes of an error. Exit codes: 0 done, 2 the user's mistake, 1 ours, 130 interrupted."""

import os
import sys
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from mia_audit.cli.export import export
from mia_audit.cli.list import catalogue
from mia_audit.cli.report import report
from mia_audit.cli.run import run
from mia_audit.cli.show import show
from mia_audit.errors import AuditError

INTERRUPTED = 130

app = typer.Typer(
    name="mia-audit",
    help="Can an outsider find out whose data trained this network, and how sure are we?",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(show)
app.add_typer(catalogue, name="list")
app.command()(report)
app.command()(export)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and leave with its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    os.environ.setdefault(
        "PYTHONWARNINGS", "ignore:resource_tracker"
    )  # joblib's tracker, which outlives an interrupt, tells how it tidies up
    try:
        code = app(given or ["--help"], prog_name="mia-audit", standalone_mode=False)
    except AuditError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(2)
    except TyperException as error:
        sys.stderr.write(f"UsageError: {_one_line(error)}\n")
        sys.exit(2)
    if code == INTERRUPTED:  # what typer makes of KeyboardInterrupt
        sys.stderr.write("Interrupted. Finished cohorts are in the store; the same command goes on from there.\n")
        sys.stderr.flush()
        os._exit(INTERRUPTED)  # worker processes may be in the middle of a step: do not wait for them
    sys.exit(code)


def _one_line(error: TyperException) -> str:
    """Return what is wrong with the arguments, and where the right ones are listed."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "mia-audit"
    return f"{' '.join(error.format_message().split()).rstrip('.')}; `{command} --help` shows what it takes"
