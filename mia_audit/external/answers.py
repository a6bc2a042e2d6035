"""Answers that were paid for, kept on disk as they come: whoever is interrupted asks nothing twice."""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mia_audit.errors import DataError, OutputError
from mia_audit.external.files import reason, told
from mia_audit.types import Floats

_TABLES = (
    "CREATE TABLE IF NOT EXISTS answers (example BLOB, turn INTEGER, scores BLOB, at REAL, PRIMARY KEY (example, turn))",
    "CREATE TABLE IF NOT EXISTS sent (examples INTEGER)",
)
_SOME = 500


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A file of answers by an example's content, and by the turn in which it was asked: a repeated question is one of its own."""

    path: Path

    def known(self, examples: Sequence[bytes], turn: int) -> dict[bytes, Floats]:
        """Return the answers that are there."""
        found: dict[bytes, Floats] = {}
        with closing(self._opened()) as base:
            for start in range(0, len(examples), _SOME):
                some = examples[start : start + _SOME]
                marks = ",".join("?" * len(some))
                rows = base.execute(f"SELECT example, scores FROM answers WHERE turn = ? AND example IN ({marks})", (turn, *some))  # noqa: S608
                found |= {example: np.frombuffer(scores, dtype=np.float64) for example, scores in rows}
        return found

    def keep(self, answers: Iterable[tuple[bytes, Floats]], turn: int) -> None:
        """Add answers."""
        now = time.time()
        rows = [(example, turn, np.asarray(scores, dtype=np.float64).tobytes(), now) for example, scores in answers]
        with closing(self._opened()) as base, base:
            base.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", rows)

    def count(self, more: int = 0) -> int:
        """Count more examples as sent, and return how many were in all."""
        with closing(self._opened()) as base, base:
            if more:
                base.execute("INSERT INTO sent VALUES (?)", (more,))
            return int(base.execute("SELECT COALESCE(SUM(examples), 0) FROM sent").fetchone()[0])

    def since(self) -> str:
        """Return when the oldest answer came, "" where there is none."""
        with closing(self._opened()) as base:
            first = base.execute("SELECT MIN(at) FROM answers").fetchone()[0]
        return time.strftime("%Y-%m-%d", time.gmtime(first)) if first else ""

    def _opened(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            base = sqlite3.connect(self.path)
            for table in _TABLES:
                base.execute(table)
        except OSError as error:
            raise OutputError(f"{self.path}: answers cannot be kept, got {error.strerror}; make room, or set XDG_CACHE_HOME") from error
        except sqlite3.Error as error:
            raise DataError(f"{told(str(self.path), 200)}: kept answers cannot be read, got {reason(error)}; delete that file") from error
        return base
