"""The command line: a thin shell over the library. Parse, call, print."""

from mia_audit.cli.main import main

__all__ = ["main"]
