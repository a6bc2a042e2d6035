"""How a run is ended from outside: SIGTERM is answered like Ctrl-C, and neither waits for long."""

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

PATIENCE = 3.0
"""Seconds that Python gets to unwind; a fit in C does not hear signals before it ends."""

PLAIN = "Interrupted.\n"
STORED = "Interrupted. Finished cohorts are in the store; the same command goes on from there.\n"


class Ending:
    """Which signal asked for the end, SIGINT until another one did, and what is said of it."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.number = int(signal.SIGINT)

    @property
    def exit_code(self) -> int:
        """The exit code that a shell gives a process that this signal ended."""
        return 128 + self.number

    def leave(self) -> None:
        """Say that it was interrupted, and leave now: worker processes in the middle of a step are not waited for."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(self.said)
            sys.stderr.flush()
        os._exit(self.exit_code)


@contextlib.contextmanager
def answered(said: str) -> Iterator[Ending]:
    """Raise KeyboardInterrupt in the block on SIGTERM too; a signal that is not heard in time, or comes twice, ends the process."""
    ending = Ending(said)
    if threading.current_thread() is not threading.main_thread():  # only the main one may set signals
        yield ending
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    heed = {number for number, handler in before.items() if handler is not signal.SIG_IGN}  # `nohup make test` ignores SIGINT

    def answer(number: int, _: FrameType | None) -> None:
        ending.number = number
        raise KeyboardInterrupt

    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    previous = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_overhear, args=(reading, heed, ending), daemon=True).start()
    for number in heed:
        signal.signal(number, answer)
    try:
        yield ending
    finally:
        for number in heed:
            signal.signal(number, before[number])
        signal.set_wakeup_fd(previous)
        os.close(writing)


def _overhear(reading: int, heed: set[int], ending: Ending) -> None:
    """Wait for a signal; where the process is still there some seconds after it, or when a second one comes, end it."""
    first = _next(reading, heed, None)
    if first is not None:
        ending.number = first
        if _next(reading, heed, PATIENCE) is not None or not _closed(reading):
            ending.leave()
    os.close(reading)


def _next(reading: int, heed: set[int], seconds: float | None) -> int | None:
    """Return the next signal's number; None when the seconds have passed, or nobody listens any more."""
    until = None if seconds is None else time.monotonic() + seconds
    while select.select([reading], [], [], until and max(0.0, until - time.monotonic()))[0]:
        heard = os.read(reading, 1)
        if not heard or heard[0] in heed:
            return heard[0] if heard else None
    return None


def _closed(reading: int) -> bool:
    """Whether the other end has been closed: the run is over."""
    return bool(select.select([reading], [], [], 0)[0]) and not os.read(reading, 1)
