"""What a worker process owes its parent: it leaves Ctrl-C to it, and ends with it, however that ended.

A killed parent cannot tell its workers, and a worker that waits for work never asks. So a thread of the worker looks whose child it
is: on Linux and macOS alike, an orphan gets another parent.
"""

import contextlib
import os
import shutil
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

LOOK_SECONDS = 0.5


def begin(parent: int) -> None:
    """Make this process a worker of `parent`, before its first piece of work."""
    quiet()
    threading.Thread(target=lambda: outlive(parent), daemon=True).start()


def quiet() -> None:
    """Say nothing of libraries' warnings, which nobody reads in a worker, and leave Ctrl-C to the parent."""
    warnings.simplefilter("ignore")
    with contextlib.suppress(ValueError):  # a thread other than the main one may not set signals
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def outlive(parent: int, *, asked: Callable[[], int] = os.getppid, leave: Callable[[int], None] = os._exit) -> None:
    """Wait until this process has another parent, tidy up in that one's place, and leave without waiting for anything."""
    while asked() == parent:
        time.sleep(LOOK_SECONDS)
    for folder in Path(tempfile.gettempdir()).glob(f"{scratch_prefix(parent)}*"):
        shutil.rmtree(folder, ignore_errors=True)
    leave(1)


def scratch_prefix(parent: int) -> str:
    """Return how the names of a process's temporary folders begin."""
    return f"mia-audit-{parent}-"
