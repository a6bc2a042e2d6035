"""How long `mia-audit score` takes for a million predictions of ten classes, from the .parquet to the page, and what it takes of memory.

    python -m benchmarks.score_rows [rows]

The bar: 20 seconds and 2 GiB on two cores. The answers are drawn, not a network's: surer of members by 0.3.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.processes import environment
from benchmarks.table import Row, say, show

CLASSES = 10
SECONDS, GIB = 20.0, 2.0
TIMED = (
    "import resource, sys; from mia_audit.cli import main\n"
    "try:\n    main(sys.argv[1:])\n"
    "finally:\n    print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
)


def write(path: Path, rows: int) -> None:
    """Write a table of predictions."""
    rng = np.random.default_rng(0)
    labels, member = rng.integers(0, CLASSES, rows), rng.random(rows) < 0.5
    logits = rng.normal(size=(rows, CLASSES))
    logits[np.arange(rows), labels] += 2 + 0.3 * member
    columns = {f"logit_{name}": logits[:, name] for name in range(CLASSES)}
    parquet.write_table(pa.table({"label": labels, "member": member, **columns}), path)


def measure(rows: int) -> tuple[float, float]:
    """Return seconds and GiB of one run, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.parquet"
        write(path, rows)
        command = [sys.executable, "-c", TIMED, "score", str(path), "--out", f"{folder}/out"]
        start = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
        seconds = time.monotonic() - start
        if not (Path(folder) / "out" / "report.html").exists():
            raise SystemExit(done.stderr)
    return seconds, int(done.stderr.split("PEAK")[1].split()[0]) / 2**20


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    say(f"{count:,} rows x {CLASSES} classes")
    took, peak = measure(count)
    how = "wall clock from the start of the process to the page; peak resident memory"
    show(
        Row(what=f"score {count:,} rows, seconds", ours=f"{took:.1f}", against="-", ratio="-", bar=f"{SECONDS:g}", how=how),
        Row(what=f"score {count:,} rows, GiB", ours=f"{peak:.2f}", against="-", ratio="-", bar=f"{GIB:g}", how=how),
    )
