"""What can go wrong, as one tree. Every message is one line: thing needs rule, got value; way out.

AuditError
├── UsageError           an option, argument or path that says nothing usable
├── CatalogueError       an unknown target, data set, surrogate, attack or suite
├── RecipeError          a recipe or card that does not say what it must
├── DataError            data that is absent, truncated or too small
├── ShadowBudgetError    too few shadow models with or without an example
├── EvidenceError        signals that an attack cannot use (shapes, NaN, one class)
├── TrainingError        a model that did not train (NaN losses)
├── StoreError           a store entry that is damaged or cannot be written
├── OutputError          a folder that cannot be written
├── ExecutorError        a cluster that is not there, or whose machines do not agree
├── WorkerError          a worker process that the system killed (exit code 1)
└── RecordError          a record that is damaged or of another schema

The command line prints an AuditError in one line and leaves with its exit code, 2 where nothing else is said.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class AuditError(Exception):
    """The user can mend this; the message says how."""

    exit_code: ClassVar[int] = 2


class UsageError(AuditError):
    """An option, an argument or a path that says nothing usable; from Python as on the command line."""


class CatalogueError(AuditError):
    """A name that no catalogue holds."""


class RecipeError(AuditError):
    """A recipe or card breaks its schema."""


class DataError(AuditError):
    """Data is absent, truncated, or does not hold what the recipe asks."""


class ShadowBudgetError(AuditError):
    """An attack needs more shadow models with and without each example."""


class EvidenceError(AuditError):
    """Signals that no attack can use."""


class TrainingError(AuditError):
    """A model of the population did not train."""


class StoreError(AuditError):
    """The store of trained cohorts cannot be read or written."""


class OutputError(AuditError):
    """The output folder cannot be written."""


class ExecutorError(AuditError):
    """A cluster cannot be used: it is not there, or its machines do not agree."""


class WorkerError(AuditError):
    """A worker process was killed from outside, most often for want of memory."""

    exit_code: ClassVar[int] = 1


class RecordError(AuditError):
    """A record is damaged, incomplete or of another schema version."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the closest known name, or "; known: a, b" when none is close."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1) or [known for known in names if name and known.startswith(name)][:1]
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names)}"
