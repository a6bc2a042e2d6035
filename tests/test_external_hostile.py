"""Hostile files end in one line: nothing run, nothing written, little memory taken; and no bytes whatever give a traceback."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mia_audit.errors import AuditError
from mia_audit.external import membership, predictions
from mia_audit.external.roles import Wanted
from tests.support.hostile import MAKERS, Maker, archive, npy

MOST = 2**28


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_hostile_file_is_refused_in_one_line(tmp_path: Path, make: Maker) -> None:
    """And its folder is as it was."""
    path = make(tmp_path)
    before = sorted(each.name for each in tmp_path.iterdir())
    tracemalloc.start()
    try:
        with pytest.raises(AuditError) as caught:
            predictions.read(path, Wanted())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 700
    assert ";" in line, "the way out"
    assert peak < MOST
    assert sorted(each.name for each in tmp_path.iterdir()) == before


@pytest.mark.parametrize("content", ["[" * 100_000, "{}", "[[1]]", '[1, "x"]', "[1e999]", "nonsense", '["\\u001b[2J"]'])
def test_hostile_lists_of_members_are_refused_in_one_line(tmp_path: Path, content: str) -> None:
    """Deep, of another kind, or with what is no number."""
    path = tmp_path / "m.json"
    path.write_text(content)
    with pytest.raises(AuditError) as caught:
        membership.positions(path, 10)
    assert str(caught.value).isprintable()


def refusal(path: Path) -> str:
    """Return what is said of a file, "" where it is read."""
    try:
        predictions.read(path, Wanted())
    except AuditError as error:
        return str(error)
    return ""


GOOD = b"member,label,logit_0,logit_1\n" + b"".join(b"%d,%d,0.5,%d\n" % (row % 2, row % 2, row) for row in range(6))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(GOOD) - 1), junk=st.binary(max_size=12), suffix=st.sampled_from([".csv", ".npz", ".parquet"]))
def test_no_bytes_give_a_traceback(tmp_path: Path, place: int, junk: bytes, suffix: str) -> None:
    """A table with a few bytes changed is read or refused; whatever it is called."""
    path = tmp_path / f"p{suffix}"
    path.write_bytes(GOOD[:place] + junk + GOOD[place + len(junk) :])
    assert refusal(path).isprintable()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.integers(0, 10_000), max_size=4), values=st.lists(st.integers(0, 255), min_size=4, max_size=4))
def test_no_changed_archive_gives_a_traceback(tmp_path: Path, places: list[int], values: list[int]) -> None:
    """Nor does an archive."""
    path = archive(tmp_path / "p.npz", [("member.npy", npy([True, False] * 4)), ("loss.npy", npy([0.1] * 8))])
    content = bytearray(path.read_bytes())
    for place, value in zip(places, values, strict=False):
        content[place % len(content)] = value
    path.write_bytes(bytes(content))
    assert refusal(path).isprintable()
