"""Run every benchmark and write RESULTS.md: all rows, how to repeat them, and the machine they were measured on.

    python benchmarks/run_all.py [script ...] [--out benchmarks/RESULTS.md]

Run it on a quiet machine. Each script leaves its rows in results/, with commit, machine and load, so that one may be run again
alone. A script that fails or that fell short is told in shortfalls.md, which goes below the table.
"""

import argparse
import ast
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.processes import environment
from benchmarks.table import HEADER, say

HERE = Path(__file__).resolve().parent
KEPT = HERE / "results"
GIT = ("git", "-C", str(HERE.parent))
WRITTEN = (":!benchmarks/results", ":!benchmarks/RESULTS.md")  # by this script, while it runs
SCRIPTS: dict[str, tuple[str, ...]] = {
    "training": ("training", "--accuracy"),
    "limit": ("limit",),
    "precision": ("precision",),
    "zoo": ("zoo", "--rounds", "9"),
    "peers": ("peers", "digits"),
    "peers-fashion": ("peers", "fashion-mnist"),
    "overheads": ("overheads", "outside", "scaling", "help"),
    "memory": ("overheads", "memory"),
    "workers": ("overheads", "workers"),
    "counts": ("counts",),
    "statistics_speed": ("statistics_speed",),
    "score_rows": ("score_rows",),
    "private": ("private",),
    "gpu": ("gpu",),
    "attacks": ("attacks",),
    "vgg9": ("vgg9", "ann-vgg9"),
}
"""Sections by name: a script and its arguments."""


def machine() -> str:
    """Return the machine in words."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    fast = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    libraries = ", ".join(f"{name} {version(name)}" for name in ("mia-audit", "torch", "brevitas", "snntorch", "numpy"))
    processor = models[0] if models else platform.processor() or platform.machine()
    cores = f"{len(os.sched_getaffinity(0))} cores ({', '.join(fast)})"
    return f"{processor}, {cores}, {platform.system()}, Python {platform.python_version()}, {libraries}"


def commit() -> str:
    """Return the commit that was measured, with a plus where files differ from it."""
    asked = ([*GIT, "rev-parse", "--short", "HEAD"], [*GIT, "status", "--porcelain", "--untracked-files=no", "--", ".", *WRITTEN])
    head, changed = (subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() for command in asked)
    return f"Commit {head}{'+' if changed else ''}" if head else "No commit"


def section(name: str, *arguments: str) -> str:
    """Run one script and return its section."""
    script = HERE / f"{name}.py"
    say(f"== {script.name} {' '.join(arguments)}")
    measured, began, load = commit(), time.perf_counter(), os.getloadavg()[0]
    ran = subprocess.run([sys.executable, str(script), *arguments], env=environment(), stdout=subprocess.PIPE, text=True, check=False)
    rows = [line for line in ran.stdout.splitlines() if line.startswith("|")]
    summary = (ast.get_docstring(ast.parse(script.read_text())) or "").splitlines()[0]
    command = " ".join(["python", f"benchmarks/{script.name}", *arguments])
    took, day, later = time.perf_counter() - began, time.strftime("%Y-%m-%d"), os.getloadavg()[0]
    when = f"`{command}` ({took:.0f} s, {day}, load {load:.1f} at its start, {later:.1f} at its end)"
    parts = [f"## {summary}", when, f"{measured}; {machine()}."]
    if rows:
        parts.append("\n".join([HEADER, *rows]))
    if ran.returncode or not rows:
        parts.append(f"**Failed, exit code {ran.returncode}.**" if ran.returncode else "Not measured here.")
    return "\n\n".join(parts)


def main() -> None:
    """Run the scripts that the command line names and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scripts", nargs="*", default=list(SCRIPTS))
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page of the sections that are there")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    arguments = parser.parse_args()
    head = [
        "# Results",
        "Written by `python benchmarks/run_all.py`; no figure here is edited by hand.",
        "A section says commit, machine and load that it was measured with; where the load stands alone, it is that machine.",
    ]
    KEPT.mkdir(exist_ok=True)
    for name in () if arguments.page else arguments.scripts:
        (KEPT / f"{name}.md").write_text(section(*SCRIPTS[name]) + "\n")
    body = [path.read_text().strip() for path in (KEPT / f"{name}.md" for name in SCRIPTS) if path.exists()]
    shortfalls = HERE / "shortfalls.md"
    tail = [shortfalls.read_text().strip()] if shortfalls.exists() else []
    arguments.out.write_text("\n\n".join([*head, *body, *tail]) + "\n")
    say(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
