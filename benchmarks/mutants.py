"""Break the code on purpose; every mutant must fail a test.

Run: python -m benchmarks.mutants [word ...]      (only mutants whose file or text holds a word)
Each mutant is one replacement in a copy of the package; the tests that watch its file run against that copy, one by one until one
fails. It prints one line a mutant, writes the counts of every file whose mutants all ran to benchmarks/results/mutants.md, and leaves
with 1 if one survived. Libraries are imported once; every run is a fork of that process.
"""

import fcntl
import importlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from benchmarks.mutations import MUTANTS
from benchmarks.mutations.mutant import Mutant
from benchmarks.mutations.watched import tests_of

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "mutants.md"
LIBRARIES = (
    "torch", "numba", "brevitas.nn", "snntorch", "sklearn.linear_model", "sklearn.svm", "sklearn.ensemble", "sklearn.datasets", "jinja2",
    "scipy.stats", "scipy.optimize", "matplotlib.pyplot", "seaborn", "pydantic", "typer", "rich.progress", "joblib", "safetensors.numpy",
    "hypothesis.strategies",
)  # fmt: skip
"""What most tests import; none of it is ours."""

PATIENCE = 1200
"""Seconds after which a mutant that ends no test counts as seen."""

QUICK = """
from hypothesis import Phase, settings
settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None, deadline=None, derandomize=True)
settings.load_profile("mutants")
"""
"""A pytest plugin: a failure is enough, the smallest failing case takes minutes to find."""

HEAD = """# Mutants

Made by `python -m benchmarks.mutants`: every line of the tables in benchmarks/mutations/ breaks one place of mia_audit/, and the tests
that watch the file must fail. Equivalent ones are not run; each is named below with its reason.

| file | mutants | killed | commit |
|---|---:|---:|---|
"""


def main() -> int:
    """Run the mutants that hold one of the words, or all, and say which survived."""
    words = sys.argv[1:] or [""]
    chosen = [mutant for word in words for mutant in MUTANTS if not mutant.equivalent and word in mutant.file + mutant.old + mutant.new]
    for name in LIBRARIES:
        importlib.import_module(name)
    seen: dict[Mutant, bool] = {}
    with tempfile.TemporaryDirectory() as place:
        copy = copied(Path(place))
        sound: dict[str, bool] = {}
        for file, own in itertools.groupby(dict.fromkeys(chosen), key=lambda mutant: mutant.file):
            for mutant in own:
                seen[mutant] = killed(mutant, copy, sound)
                print(f"{'killed  ' if seen[mutant] else 'SURVIVED'}  {file:34} {mutant.old!r} -> {mutant.new!r}", flush=True)
            noted(seen, file)
    print(f"{sum(seen.values())} of {len(seen)} mutants killed")
    return 0 if all(seen.values()) else 1


def copied(place: Path) -> Path:
    """Return a copy of what tests read. Kernels keep their compiled code, which is as old as their source."""
    for folder in ("mia_audit", "attacks", "datasets", "targets", "tests", "benchmarks", "docs", ".ci"):
        if (ROOT / folder).exists():
            shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("*.pyc"))
    for file in (*ROOT.glob("*.toml"), *ROOT.glob("*.md"), *ROOT.glob("*.txt"), ROOT / "Makefile", ROOT / "LICENSE"):
        shutil.copy2(file, place)
    (place / "quick_profile.py").write_text(QUICK, encoding="utf-8")
    return place


def killed(mutant: Mutant, copy: Path, sound: dict[str, bool]) -> bool:
    """Say whether a test fails with the mutant in the copy; each file of tests is seen to pass without it first."""
    path = copy / "mia_audit" / mutant.file
    text, stamp = path.read_text(encoding="utf-8"), path.stat()
    broken = mutant.inside(text)
    for tests in tests_of(mutant.file, copy):
        if tests not in sound:
            sound[tests] = passes(copy, tests)
        if not sound[tests]:
            raise SystemExit(f"{tests} fails on an unchanged copy; mend it first")
        path.write_text(broken, encoding="utf-8")
        try:
            if not passes(copy, tests):
                return True
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    return False


def passes(copy: Path, tests: str) -> bool:
    """Say whether a file of tests passes in the copy, which goes before the installed package."""
    child = os.fork()
    if child == 0:
        _run(copy, tests)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in {0, 1, -signal.SIGALRM}:
        raise SystemExit(f"pytest did not run {tests}: {(copy / 'output').read_text(encoding='utf-8')[-3000:]}")
    return code == 0


def _run(copy: Path, tests: str) -> None:
    """Run the tests in this process, and leave with pytest's exit code."""
    code = 3
    try:
        signal.alarm(PATIENCE)
        output = os.open(copy / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(copy)
        os.environ |= {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(copy))
        for name in [name for name in sys.modules if name.partition(".")[0] in {"benchmarks", "mia_audit", "tests"}]:
            del sys.modules[name]
        quick = ["-x", "-q", "-p", "no:cacheprovider", "-p", "quick_profile", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
        code = int(pytest.main([*quick, "-m", "not browser", tests]))
    finally:
        sys.stdout.flush()
        os._exit(code)


def noted(seen: dict[Mutant, bool], file: str) -> None:
    """Write the counts of a file whose mutants all ran; other files keep their lines."""
    own = [mutant for mutant in MUTANTS if mutant.file == file and not mutant.equivalent]
    if not all(mutant in seen for mutant in own):
        return
    RESULTS.parent.mkdir(exist_ok=True)
    with (Path(tempfile.gettempdir()) / "mia-audit-mutants.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
        rows = {match[1]: line for line in before if (match := re.match(r"\| (\S+\.py) \|", line))}
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        rows[file] = f"| {file} | {len(own)} | {sum(seen[mutant] for mutant in own)} | {commit} |"
        RESULTS.write_text(HEAD + "\n".join([*_listed(rows), "", *_left(rows), *_equivalent(MUTANTS), ""]), encoding="utf-8")


def _left(rows: dict[str, str]) -> list[str]:
    """Say which files' mutants have not all been run."""
    left = Counter(mutant.file for mutant in MUTANTS if mutant.file not in rows and not mutant.equivalent)
    return (
        [f"Not run yet: {left.total()} mutants of {', '.join(f'{file} ({count})' for file, count in sorted(left.items()))}.", ""]
        if left
        else []
    )


def _listed(rows: dict[str, str]) -> Iterable[str]:
    known = {mutant.file for mutant in MUTANTS}
    kept = {file: line for file, line in sorted(rows.items()) if file in known}
    counts = [[int(cell) for cell in line.split("|")[2:4]] for line in kept.values()]
    total, dead = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    return [*kept.values(), f"| **{len(kept)} files** | **{total}** | **{dead}** | |"]


def _equivalent(mutants: Sequence[Mutant]) -> list[str]:
    return [
        f"- Equivalent, {mutant.file}: `{mutant.old}` -> `{mutant.new}`: {mutant.equivalent}" for mutant in mutants if mutant.equivalent
    ]


if __name__ == "__main__":
    raise SystemExit(main())
