"""The tables of mutants fit the code: each one's text stands exactly once in its file, and tests watch every file that has mutants."""

import ast
from pathlib import Path

import pytest

from benchmarks.mutations import MUTANTS
from benchmarks.mutations.mutant import Mutant
from benchmarks.mutations.watched import WATCHED_BY
from benchmarks.mutations.watched import tests_of as watchers

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "mia_audit"


def test_every_mutant_is_another_program() -> None:
    """It can be made, it is Python, its syntax tree is not the original's, and none is there twice."""
    trees = {file: ast.dump(ast.parse((HOUSE / file).read_text(encoding="utf-8"))) for file in {mutant.file for mutant in MUTANTS}}
    for mutant in MUTANTS:
        broken = mutant.inside((HOUSE / mutant.file).read_text(encoding="utf-8"))
        assert ast.dump(ast.parse(broken)) != trees[mutant.file], mutant
    assert len(set(MUTANTS)) == len(MUTANTS)


def test_tests_watch_every_file_with_mutants() -> None:
    """Every file is watched by tests that exist; an equivalent mutant says why it is one."""
    for file in {mutant.file for mutant in MUTANTS}:
        watching = watchers(file, ROOT)
        assert watching, file
        assert all((ROOT / tests).is_file() for tests in watching)
    known = {path.name.removeprefix("test_").removesuffix(".py") for path in (ROOT / "tests").glob("test_*.py")}
    assert {name for names in WATCHED_BY.values() for name in names} - known == set()
    assert all(len(mutant.equivalent.split()) > 3 for mutant in MUTANTS if mutant.equivalent)


def test_a_text_that_does_not_stand_once_is_told() -> None:
    """With the file and how often it stands there."""
    with pytest.raises(ValueError, match=r"streams\.py: 'seed' stands there \d+ times; mend the table"):
        Mutant("streams.py", "seed", "other").inside("seed seed")
