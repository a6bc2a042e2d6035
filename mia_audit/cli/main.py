"""`mia-audit`: the verbs, and what becomes of an error.

Exit codes: 0 done, 2 the user's mistake, 1 ours or a lost worker process, or what a script should stop at (`store check` found damage,
`dp-audit` a violated claim), 130 interrupted by Ctrl-C, 143 by SIGTERM, 141 where nobody reads the output.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from mia_audit.cli import init as starting
from mia_audit.cli import run as running
from mia_audit.cli.account import account
from mia_audit.cli.dp_audit import dp_audit
from mia_audit.cli.ending import PLAIN, STORED, answered
from mia_audit.cli.export import export
from mia_audit.cli.export_model import export_model
from mia_audit.cli.list import catalogue
from mia_audit.cli.report import report
from mia_audit.cli.score import EXAMPLES, score
from mia_audit.cli.show import show
from mia_audit.cli.store import app as stored
from mia_audit.cli.whole_help import WholeHelp
from mia_audit.errors import AuditError

INTERRUPTED, NO_READER = 130, 141

app = typer.Typer(
    name="mia-audit",
    cls=WholeHelp,
    help="Can an outsider find out whose data trained this network, and how sure are we?",
    rich_markup_mode=None,  # plain help: no option is cut, and a pipe gets the same text
    pretty_exceptions_enable=False,
)
app.command(epilog=running.EXAMPLES)(running.run)
app.command(epilog="Example:\n\n\b\nmia-audit show snn-q4 --dataset mnist")(show)
app.command(epilog=EXAMPLES)(score)
app.command(epilog=starting.EXAMPLES)(starting.init)
app.add_typer(catalogue, name="list")
app.add_typer(stored, name="store", epilog="Examples:\n\n\b\nmia-audit store list\nmia-audit store clear --older-than 30 --dry-run")
app.command(epilog="Examples:\n\n\b\nmia-audit report audits/snn-q4-1234abcd\nmia-audit report audits/* -o comparison.html")(report)
app.command(epilog="Example:\n\n\b\nmia-audit export audits/snn-q4-1234abcd --csv rows.csv")(export)
app.command("export-model", epilog="Example:\n\n\b\nmia-audit export-model audits/snn-q4-1234abcd --format onnx -o model")(export_model)
app.command(epilog="Example:\n\n\b\nmia-audit account --noise-multiplier 1.0 --batch 250 --examples 60000 --epochs 56 --delta 1e-5")(
    account
)
app.command(
    "dp-audit", epilog="Example:\n\n\b\nmia-audit dp-audit --noise-multiplier 1 --rate 0.05 --steps 200 --delta 1e-5 --observations obs.npz"
)(dp_audit)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415  nobody else needs it

        typer.echo(f"mia-audit {version('mia-audit')}")
        raise typer.Exit


@app.callback(epilog="Start with:\n\n\b\nmia-audit run snn-q4\nmia-audit list targets")
def _top(
    _: Annotated[bool, typer.Option("--version", help="Print the version, and stop.", callback=_version, is_eager=True)] = False,
) -> None:
    """Can an outsider find out whose data trained this network, and how sure are we?"""  # noqa: D400  a question


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and leave with its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    _open_streams()
    os.environ.setdefault(
        "PYTHONWARNINGS", "ignore:resource_tracker"
    )  # joblib's tracker, which outlives an interrupt, tells how it tidies up
    try:
        with answered(STORED if "run" in given[:1] and "--plan" not in given else PLAIN) as ending:
            code = app(given or ["--help"], prog_name="mia-audit", standalone_mode=False)
            sys.stdout.flush()
    except AuditError as error:
        _leave(error.exit_code, f"{type(error).__name__}: {error}")
    except TyperException as error:
        _leave(2, f"UsageError: {_one_line(error)}")
    except SystemExit as end:  # typer's and rich's answer to a reader who has gone: nothing else ends this way here
        sys.exit(NO_READER if end.code == 1 else end.code)
    except OSError as error:
        if error.filename is not None or error.errno not in {errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF, errno.EINVAL}:
            raise
        _leave_unheard(error)
    if code == INTERRUPTED:  # what typer makes of KeyboardInterrupt
        ending.leave()
    sys.exit(code)


def _open_streams() -> None:
    """Give streams that were closed before the start to nobody, lest a file of ours takes their number and their output."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def _leave(code: int, line: str) -> None:
    _say(line)
    sys.exit(code)


def _leave_unheard(error: OSError) -> None:
    """End where standard output takes no more: in silence where its reader has gone, as every filter does, else in one line."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):
        os.dup2(nowhere, sys.stdout.fileno())  # what is still buffered goes there
    if error.errno == errno.EPIPE:
        sys.exit(NO_READER)
    _leave(2, f"OutputError: standard output cannot be written: {error.strerror}; what the command wrote to files stays")


def _say(line: str) -> None:
    """Write a line to standard error, if anybody can hear it."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def _one_line(error: TyperException) -> str:
    """Return what is wrong with the arguments, and where the right ones are listed."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "mia-audit"
    return f"{' '.join(error.format_message().split()).rstrip('.')}; `{command} --help` shows what it takes"
