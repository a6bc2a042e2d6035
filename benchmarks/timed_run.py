"""`mia-audit run` with its two pure parts timed: training and querying. Writes their CPU seconds to a file as JSON.

Used by overheads.py with --workers 1, where cohorts train in this process.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mia_audit.cli import main
from mia_audit.training import worker

SECONDS: dict[str, float] = {}


def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """Return the call, its CPU seconds added up under a name."""

    def wrapped(*arguments: Any, **named: Any) -> Any:
        start = time.process_time()
        result = call(*arguments, **named)
        SECONDS[name] = SECONDS.get(name, 0.0) + time.process_time() - start
        return result

    return wrapped


if __name__ == "__main__":
    out = Path(sys.argv.pop(1))
    for name in ("train", "query"):
        setattr(worker, name, timed(name, getattr(worker, name)))
    try:
        main()
    finally:
        out.write_text(json.dumps(SECONDS))
