"""Plant faults in a copy of the package, audit with each, and say what the audit says, which control trips, and which test fails.

    python -m benchmarks.faults [--kept build/faults] [--out benchmarks/FAULTS.md] [--no-tests] [word ...]

Each fault of `faults_list` is replacements in one copy of the checkout; the audit is tiny (160 digits, 16 shadow models), and so are the
tests that run against the copy, those files alone that should notice. What has been found of a fault is kept under the hash of the code
and of the fault, so that a run that was cut off goes on. A number moved when it lies more than a quarter of its interval's width from the
same number of the same audit without the fault. Leaves with 1 where a fault passes all its tests, or moves a number unseen and is not
listed as one that only a test can see.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brevitas.nn  # noqa: F401  what all audits and tests import stands in the parent once: each is a fork of it
import hypothesis  # noqa: F401
import numba  # noqa: F401
import pytest
import scipy.stats  # noqa: F401
import sklearn.ensemble  # noqa: F401
import torch  # noqa: F401

from benchmarks.faults_list import FAULTS, SETTINGS, Fault
from benchmarks.mutants import QUICK
from benchmarks.table import say

ROOT = Path(__file__).resolve().parent.parent
QUARTER = 0.25
_IMPORTED = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # a fork has hypothesis before pytest sees it
_INTRODUCTION = """Written by `python -m benchmarks.faults`; nothing here is edited by hand. Each fault is planted in a copy of the package,
and a tiny audit of digits (16 shadow models) and the tests that should notice run against it."""
_UNSEEN = """They move a printed number by more than a quarter of its interval, and the audit cannot know: what it would hold the number
against comes from the same code."""
FOLDERS = ("mia_audit", "attacks", "datasets", "targets", "tests")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of one fault.

    said     the verdict, or the error that stopped the audit
    failed   names of the controls that failed
    moved    the number that moved most, in widths of its interval, and from where to where
    test     the first test that failed, "" where all passed; None where no tests were run
    """

    said: str
    failed: list[str]
    moved: float
    number: str
    test: str | None


def main() -> int:
    """Plant what is asked for, or all, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="only faults whose name or files hold one of these")
    parser.add_argument("--kept", type=Path, default=ROOT / "build" / "faults")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "FAULTS.md")
    parser.add_argument("--no-tests", action="store_true")
    given = parser.parse_args()
    place = Place(folder=given.kept.resolve())
    place.prepare()
    wanted = [fault for fault in FAULTS if not given.words or any(word in f"{fault.name} {fault.changes}" for word in given.words)]
    for fault in wanted:
        found = place.found(fault, tests=not given.no_tests)
        say(f"{fault.name}: {found.said[:60]} | {', '.join(found.failed) or '-'} | {found.moved:.2f} | {found.test}")
    done = {fault: there for fault in FAULTS if (there := place.kept(fault)) is not None}
    text, wrong = page(done)
    given.out.write_text(text, encoding="utf-8")
    for line in wrong:
        say(line)
    return 1 if wrong else 0


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the copy lies, and what was found; the copy stays at one path, so that compiled kernels are used again."""

    folder: Path

    @property
    def copy(self) -> Path:
        """The checkout that faults are planted in."""
        return self.folder / "copy"

    def prepare(self) -> None:
        """Make the copy anew; what is compiled comes with it."""
        shutil.rmtree(self.copy, ignore_errors=True)
        for name in FOLDERS:
            shutil.copytree(ROOT / name, self.copy / name, ignore=shutil.ignore_patterns("*.pyc"))
        for name in ("pyproject.toml", "reports", "benchmarks", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs", "Makefile"):
            if (ROOT / name).exists():
                (self.copy / name).symlink_to(ROOT / name)
        (self.copy / "quick_profile.py").write_text(QUICK, encoding="utf-8")

    def found(self, fault: Fault, *, tests: bool) -> Found:
        """Return what is kept of a fault, or plant it."""
        there = self.kept(fault)
        if there is not None and (there.test or not tests):  # tests that noticed nothing may have been added to
            return there
        sound = self.numbers(fault.settings)
        with self.planted(fault):
            told = there.__dict__ if there is not None else self.audited(fault.settings)
            test = forked(lambda: failing(self.copy, fault.tests)) if tests else None
        if isinstance(test, dict):
            raise SystemExit(f"{fault.name}: its tests did not run: {test['said']}")
        moved, number = (there.moved, there.number) if there is not None else apart(sound["numbers"], told.get("numbers", {}))
        found = Found(said=told["said"], failed=told["failed"], moved=moved, number=number, test=test)
        self._file(fault).write_text(json.dumps(found.__dict__, indent=1), encoding="utf-8")
        return found

    def kept(self, fault: Fault) -> Found | None:
        """Return what was found of a fault by this code."""
        path = self._file(fault)
        return Found(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None

    def numbers(self, settings: str) -> dict[str, Any]:
        """Return a sound audit's outcome with these settings."""
        path = self.folder / f"sound-{settings}-{_code()}.json"
        if not path.is_file():
            told = self.audited(settings)
            if told["failed"] or not told["numbers"]:
                raise SystemExit(f"the sound audit {settings} says: {told['said']}, failed: {told['failed']}; choose other settings")
            path.write_text(json.dumps(told), encoding="utf-8")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def audited(self, settings: str) -> dict[str, Any]:
        """Return what an audit by the copy says."""
        found: dict[str, Any] = forked(lambda: outcome(self.copy, settings))
        return found

    @contextmanager
    def planted(self, fault: Fault) -> Iterator[None]:
        """Plant a fault in the copy, until the block ends."""
        files = {self.copy / "mia_audit" / change[0] for change in fault.changes}
        before = {path: path.read_bytes() for path in files}
        try:
            for file, old, new in fault.changes:
                path = self.copy / "mia_audit" / file
                text = path.read_text(encoding="utf-8")
                if text.count(old) != 1:
                    raise SystemExit(f"{fault.name}: {old!r} stands {text.count(old)} times in {file}; mend the list")
                path.write_text(text.replace(old, new), encoding="utf-8")
            yield
        finally:
            for path, content in before.items():
                path.write_bytes(content)

    def _file(self, fault: Fault) -> Path:
        return self.folder / f"{hashlib.sha256(f'{_code()} {fault.name} {fault.changes} {fault.settings}'.encode()).hexdigest()[:20]}.json"


def forked(work: Callable[[], Any]) -> Any:
    """Return what the work returns, as JSON, done in a fork of this process: imports and changes end with it."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            text = json.dumps(work())
        except BaseException:  # noqa: BLE001  whatever went wrong is what came of it
            text = json.dumps(
                {"said": traceback.format_exc().strip().splitlines()[-1][:300], "failed": ["the audit stopped"], "numbers": {}}
            )
        with os.fdopen(write, "w") as told:
            told.write(text)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as heard:
        text = heard.read()
    os.waitpid(child, 0)
    return json.loads(text)


def outcome(copy: Path, settings: str) -> dict[str, Any]:
    """Audit with the package of a copy; return the verdict, the failed controls, and numbers [value, low, high] by name."""
    _go(copy)
    from mia_audit.audit import Options, audit  # noqa: PLC0415  the copy's
    from mia_audit.record import verdict  # noqa: PLC0415

    target, more = SETTINGS[settings]
    shutil.rmtree(copy / "work", ignore_errors=True)
    options = Options(
        dataset="digits", shadows=16, settings=more, store=copy / "work" / "store", out=copy / "work" / "record", device="cpu", workers=1,
        attacks=("thresholds", "rmia-online", "rmia-offline", "lira-online", "lira-offline"),
    )  # fmt: skip
    record = audit(target, options)
    summary = record.summary
    numbers = {f"AUC of {one.name}": one.auc for one in summary.attacks}
    numbers |= {f"balanced accuracy of {one.name}": one.balanced_accuracy for one in summary.attacks}
    numbers |= {"test accuracy": summary.utility.test_accuracy, "train accuracy": summary.utility.train_accuracy}
    numbers |= {} if summary.kind is None else {"mean AUC of the kind": summary.kind.mean_auc}
    failed = [control.name for control in summary.controls if control.passed is False]
    return {"said": verdict(summary), "failed": failed, "numbers": {name: [one.value, one.low, one.high] for name, one in numbers.items()}}


def failing(copy: Path, tests: tuple[str, ...]) -> str:
    """Return the first test that fails against the copy, "" where all pass."""
    _go(copy)
    told: list[str] = []

    class Ear:
        """Hears which test failed."""

        def pytest_runtest_logreport(self, report: Any) -> None:
            """Note a failure."""
            if report.failed:
                told.append(report.nodeid)

    given = ["-x", "-q", "-p", "no:cacheprovider", "-p", "quick_profile", *_IMPORTED, f"--rootdir={copy}", *tests]
    code = pytest.main(given, plugins=[Ear()])
    return told[0] if told else "" if code == 0 else f"pytest left with {int(code)}"


def apart(sound: dict[str, list[float]], found: dict[str, list[float]]) -> tuple[float, str]:
    """Return how far the number lies that moved most, in widths of the sound one's interval, and its name with both values."""
    best = (0.0, "")
    for name, (value, low, high) in sound.items():
        other = found.get(name, [None])[0]
        if other is not None and value is not None:
            best = max(best, (abs(other - value) / max(high - low, 1e-9), f"{name}: {value:.3f} became {other:.3f}"))
    return best


def page(done: dict[Fault, Found]) -> tuple[str, list[str]]:
    """Return FAULTS.md, and what is wrong: faults that no test sees, and that move a number unseen without being listed."""
    lines, wrong, unseen, missed = [], [], [], [fault.name for fault in FAULTS if fault not in done]
    for number, (fault, found) in enumerate(done.items(), 1):
        seen = ", ".join(found.failed) or "-"
        moved = f"{found.number} ({found.moved:.1f} widths)" if found.moved > QUARTER else "-"
        test = "not run" if found.test is None else found.test.replace("tests/", "") or "**none**"
        lines.append(f"| {number} | {fault.name} | {_short(found.said)} | {moved} | {seen} | {test} |")
        if found.test == "":
            wrong.append(f"no test fails: {fault.name}")
        if found.moved > QUARTER and not found.failed:
            unseen.append(f"- {fault.name}: {fault.only_tests or '**not listed**'}")
            wrong += [] if fault.only_tests else [f"moves {found.number} unseen: {fault.name}"]
    caught = sum(bool(found.failed) for found in done.values())
    head = "| | fault | the audit says | moved most | controls that fail | test that fails |\n|---:|---|---|---|---|---|"
    parts = [
        "# Planted faults",
        f"{_INTRODUCTION} Code {_code()}.",
        f"{len(done)} faults, {caught} of them told at run time.",
        *([f"**Not run yet:** {', '.join(missed)}."] if missed else []),
        "\n".join([head, *lines]),
        "## Faults that only a test can see",
        _UNSEEN,
        "\n".join(unseen) or "None.",
        *(["## Wrong", "\n".join(f"- {line}" for line in wrong)] if wrong else []),
    ]
    return "\n\n".join(parts) + "\n", wrong


def _short(said: str) -> str:
    return said.partition(": ")[0].partition("; ")[0].replace("|", "/")[:110]


def _go(copy: Path) -> None:
    """Work in the copy, silently, and import its package before the installed one."""
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    sys.dont_write_bytecode = True
    for name in [each for each in sys.modules if each.partition(".")[0] in {"mia_audit", "tests"}]:
        del sys.modules[name]
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)


def _code() -> str:
    """Return the digest of the package: what was found by other code counts no more."""
    state = hashlib.sha256()
    for path in sorted(ROOT.glob("mia_audit/**/*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()[:12]


if __name__ == "__main__":
    raise SystemExit(main())
