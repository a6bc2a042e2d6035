"""`mia-audit`: the verbs, and what becomes of an error. Exit codes: 0 done, 2 the user's mistake, 1 ours, 130 interrupted."""

import os
import sys

import typer

from mia_audit.cli.list import catalogue
from mia_audit.cli.report import report
from mia_audit.cli.run import run
from mia_audit.errors import AuditError

app = typer.Typer(
    name="mia-audit",
    help="Can an outsider find out whose data trained this network, and how sure are we?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(run)
app.add_typer(catalogue, name="list")
app.command()(report)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except AuditError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. Finished cohorts are in the store; the same command goes on from there.\n")
        sys.stderr.flush()
        os._exit(130)  # worker processes may be in the middle of a step: do not wait for them
