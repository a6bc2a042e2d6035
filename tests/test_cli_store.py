"""`mia-audit store`: where it is, how large, what is in it, whether it is whole; and nothing goes that was not asked for."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mia_audit.audit.bank import storing
from mia_audit.cli import main
from mia_audit.training.store import Store, key_of

DAYS = 86_400
Said = Callable[..., tuple[str, int]]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Said:
    """Return what runs `mia-audit store` on the user's cache, and gives what it says and its exit code."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def run(*arguments: str) -> tuple[str, int]:
        with pytest.raises(SystemExit) as left:
            main(["store", *arguments])
        out, err = capfd.readouterr()
        return out + err, int(left.value.code or 0)

    return run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store in the user's cache: two cohorts of `ann`, 40 and 1 days old, signals of `snn`, 10 days old, and files of others."""
    made = Store(folder=tmp_path / "mia-audit" / "store")
    arrays = {"pool/logits": np.zeros(1000, np.float32), "weights/a": np.zeros(5000, np.float32)}
    for number, (target, age) in enumerate((("ann", 40), ("ann", 1), ("snn", 10))):
        own = {**arrays} if target == "ann" else {"membranes": np.ones(10)}
        about = {
            "target": target,
            "dataset": "iris",
            "models": f"{number} to {number + 1}",
            **({} if target == "ann" else {"signal": "states"}),
        }
        made.save(key_of({"n": number}), own, about=about)
        for path in (made.path(key_of({"n": number})), made.weights_path(key_of({"n": number}))):
            if path.exists():
                os.utime(path, (time.time() - age * DAYS, time.time() - age * DAYS))
    (made.folder / "ab").mkdir(exist_ok=True)
    for foreign in ("notes.txt", "ab/notes.safetensors", f"ab/{'0' * 64}.safetensors"):
        (made.folder / foreign).write_text("not the store's", encoding="utf-8")
    return made


def test_where_and_how_large(said: Said, store: Store) -> None:
    """By kind of file; an empty store is none to complain of."""
    text, code = said()
    assert code == 0
    assert text.splitlines()[0].startswith(f"{store.folder}: 5 files, ")
    assert "  weights: 2 files, 39." in text
    assert "  answers: 2 files, " in text
    assert "  signals: 1 files, " in text
    assert said("--store", str(store.folder / "absent"))[0] == f"{store.folder / 'absent'}: 0 files, 0 B\n"


def test_list_has_a_line_a_file(said: Said, store: Store) -> None:
    """Oldest first, with what it was made for; as JSON too."""
    lines = said("list")[0].splitlines()
    assert len(lines) == 5
    assert [line.split()[3] for line in lines] == ["answers", "weights", "signals", "answers", "weights"]
    assert lines[0].split()[4:7] == ["ann", "iris", "0to1"]
    told = json.loads(said("list", "--json")[0])
    assert [each["path"] for each in told[2:3]] == [str(store.path(key_of({"n": 2})))]
    assert {each["target"] for each in told} == {"ann", "snn"}
    assert sum(each["size"] for each in told) == storing.total(storing.entries(store.folder))


def test_check_reads_every_file(said: Said, store: Store) -> None:
    """A whole store passes; a changed byte, a wrong name, a save that was killed and a file set aside do not."""
    assert said("check") == ("5 of 5 files are whole; an audit sets the others aside and trains their models anew\n", 0)
    first, second, third = (store.path(key_of({"n": number})) for number in range(3))
    content = bytearray(first.read_bytes())
    content[-1] ^= 1
    first.write_bytes(content)
    second.write_bytes(third.read_bytes())
    third.with_suffix(".123.part").write_bytes(b"half")
    third.with_suffix(".damaged").write_bytes(b"damaged")
    text, code = said("check")
    assert code == 1
    assert text.splitlines()[-1].startswith("3 of 7 files are whole")
    assert {line.split()[-1] for line in text.splitlines()[:-1]} == {
        path.name for path in (first, second, third.with_suffix(".123.part"), third.with_suffix(".damaged"))
    }
    text, _ = said("clear", "--unusable")
    assert text.splitlines()[-1].startswith("removed 4 files, ")
    assert said("check")[1] == 0
    assert len(storing.entries(store.folder)) == 3


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (("--older-than", "30"), 3),
        (("--older-than", "5"), 2),
        (("--older-than", "100"), 5),
        (("--recipe", "snn"), 4),
        (("--recipe", "ann"), 1),
        (("--recipe", "ann", "--older-than", "5"), 3),
        (("--recipe", "an"), 5),
        (("--all",), 0),
        (("--unusable",), 5),
    ],
)
def test_clear_removes_what_was_asked_for(said: Said, store: Store, arguments: tuple[str, ...], left: int) -> None:
    """A dry run names the same files and removes none; files of others stay in any case."""
    before = storing.entries(store.folder)
    dry, _ = said("clear", *arguments, "--dry-run")
    assert storing.entries(store.folder) == before
    wet, code = said("clear", *arguments)
    assert code == 0
    assert len(storing.entries(store.folder)) == left
    assert wet.splitlines()[:-1] == dry.splitlines()[:-1]
    assert dry.splitlines()[-1].replace("would remove", "removed") == wet.splitlines()[-1]
    assert wet.splitlines()[-1].startswith(f"removed {5 - left} files, ")
    assert (store.folder / "notes.txt").exists()
    assert len(list((store.folder / "ab").iterdir())) >= 2
    assert not [path for path in store.folder.glob("??") if not any(path.iterdir())]


def test_clear_wants_to_know_what(said: Said, store: Store) -> None:
    """Nothing goes by itself."""
    text, code = said("clear")
    assert code == 2
    assert text.startswith("StoreError: store clear needs to know what may go, got nothing; use --older-than DAYS")
    assert len(storing.entries(store.folder)) == 5


def test_a_store_may_be_named_before_or_behind(said: Said, store: Store) -> None:
    """`store --store X list` and `store list --store X` are one."""
    place = str(store.folder)
    assert said("--store", place, "list") == said("list", "--store", place) == said("list")
