"""Layers keep the shapes that their annotations name: a process that checks every call trains and asks every kind of network."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_layers_keep_their_axes() -> None:
    """Forward and back, in both precisions, of all targets that fit any data, with every encoding, norm, readout, and private steps."""
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests/shaped.py"]
    done = subprocess.run(run, cwd=ROOT, env={**os.environ, "MIA_AUDIT_SHAPES": "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-1_000:]
