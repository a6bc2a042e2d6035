"""Whole `mia-audit` processes, measured from outside: wall and CPU seconds, and peak memory of the parent and its largest worker."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.setting import data_root

ROOT = Path(__file__).resolve().parent.parent
_POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a process took, its children included; `stages` (seconds) and `predicted_bytes` are in a record's run.json.

    The largest child counts as the worker: 0 where the parent trained by itself. What is predicted is what `--plan` prints.
    """

    wall: float
    cpu: float
    parent_bytes: int
    worker_bytes: int
    stages: dict[str, float] = field(default_factory=dict)
    predicted_bytes: int = 0


def audit(*arguments: str, program: tuple[str, ...] = ("-m", "mia_audit")) -> Ran:
    """Run `mia-audit run` with a store and an output folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        ran = run(
            *program, "run", *arguments, "--offline", "--device", "cpu", "--store", f"{folder}/store", "--out", f"{folder}/record"
        )  # fmt: skip
        facts = json.loads(next(Path(folder).rglob("run.json")).read_text())
    return replace(ran, stages=facts["seconds"], predicted_bytes=facts["predicted_worker_mib"] * 2**20)


def run(*arguments: str) -> Ran:
    """Run Python with arguments; RuntimeError with its standard error when it fails."""
    before, began = os.times(), time.perf_counter()
    parent, worker = 0, 0
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([sys.executable, *arguments], env=environment(), stdout=subprocess.DEVNULL, stderr=errors)
        while process.poll() is None:
            peaks = _peaks(process.pid)
            parent = max(parent, peaks.pop(process.pid, 0))
            worker = max([worker, *peaks.values()])
            time.sleep(_POLL_SECONDS)
        wall, after = time.perf_counter() - began, os.times()
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(errors.read().decode()[-2000:])
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Ran(wall=wall, cpu=cpu, parent_bytes=parent, worker_bytes=worker)


def environment() -> dict[str, str]:
    """Return the environment of a measured process: one thread, the real data sets."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "MIA_AUDIT_DATA": str(data_root())}


def _peaks(root: int) -> dict[int, int]:
    """Return the peak resident bytes so far of a process and each of its descendants, by id; 0 for one that has ended."""
    parents: dict[int, int] = {}
    peaks: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            status = _status(folder)
            parents[int(folder.name)] = int(status.get("PPid", "0"))
            peaks[int(folder.name)] = int(status.get("VmHWM", "0 kB").split()[0]) * 1024
    family = {root}
    while True:
        grown = family | {child for child, parent in parents.items() if parent in family}
        if grown == family:
            return {pid: peaks.get(pid, 0) for pid in family}
        family = grown


def _status(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / "status").read_text().splitlines()
    except OSError:  # it has ended
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
