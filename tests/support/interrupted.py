"""An audit that interrupts itself when a stage begins: python -m tests.support.interrupted FOLDER STAGE SIGNAL."""

import os
import signal
import sys
import threading
from pathlib import Path

from mia_audit.audit import Options, audit
from mia_audit.audit.running import Silent
from mia_audit.cli.ending import STORED, answered

SETTINGS = {"training.epochs": 3, "model.hidden": [8], "audit.canaries": 3}
ATTACKS = ["loss", "noise-distance", "lira-other-bits"]


class Stopper(Silent):
    """A watcher that sends the signal shortly after the stage begins, in the middle of whatever it does."""

    def __init__(self, stage: str, number: int) -> None:
        self._stage, self._number = stage, number

    def stage(self, name: str) -> None:
        """Hear that a stage begins."""
        if name == self._stage:
            threading.Timer(0.3, lambda: os.kill(os.getpid(), self._number)).start()


def main() -> None:
    """Run the audit; the command's own ending answers the signal."""
    folder, stage, number = Path(sys.argv[1]), sys.argv[2], signal.Signals[sys.argv[3]]
    options = Options(
        dataset="iris", shadows=40, attacks=ATTACKS, settings=SETTINGS, store=folder / "store", out=folder / "out", workers=2, device="cpu"
    )
    with answered(STORED) as ending:
        try:
            audit("ann", options, watcher=Stopper(stage, number))
        except KeyboardInterrupt:
            ending.leave()


if __name__ == "__main__":
    main()
