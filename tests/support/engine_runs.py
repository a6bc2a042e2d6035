"""Small audits for tests, and the command line called as a user calls it."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from mia_audit.audit import asked, audit
from mia_audit.cli import main
from mia_audit.record import Record

Settings = Mapping[str, object]

SMALL: Settings = {"training.epochs": 2}


def small_audit(
    folder: Path,
    target: str = "ann",
    *,
    dataset: str = "iris",
    shadows: int = 12,
    out: str = "record",
    attacks: str | None = None,
    settings: Settings = SMALL,
) -> Record:
    """Audit a target in a second or two, in this process, with the store and the record below a folder."""
    options = asked(
        dataset=dataset,
        shadows=shadows,
        attacks=attacks,
        settings=settings,
        store=folder / "store",
        out=folder / out,
        force=True,
        device="cpu",
        workers=1,
    )
    return audit(target, options)  # `mia_audit.run` draws the page besides


def small_run(folder: Path, *more: str, target: str = "ann") -> list[str]:
    """Return the arguments of the same audit on the command line."""
    places = ["--store", str(folder / "store"), "--out", str(folder / "record"), "--force", "--device", "cpu", "--workers", "1"]
    return ["run", "--target", target, "--dataset", "iris", "--shadows", "12", "--set", "training.epochs=2", *places, *more]


def without_minutes(err: str) -> str:
    """Return standard error without the lines that a slow machine's minutes put there."""
    return "".join(line for line in err.splitlines(keepends=True) if not re.match(r"[\d:]+  \w", line))


def command(arguments: Sequence[str], folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `python -m mia_audit` in a process of its own, in a folder and a home of its own."""
    return subprocess.run(
        [sys.executable, "-m", "mia_audit", *arguments],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in this process, which has imported all already."""
    with pytest.raises(SystemExit) as left:
        main([*arguments])
    said = capsys.readouterr()
    return subprocess.CompletedProcess(arguments, int(left.value.code or 0), said.out, said.err)
