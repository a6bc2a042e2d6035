"""The same command gives the same record, byte for byte, however it got there."""

import shutil
from pathlib import Path

import pytest

import mia_audit
from mia_audit.record import Record
from mia_audit.training.store import Store
from tests.support.engine_runs import SMALL, small_audit

FILES = ("record.json", "arrays.npz", "exposed.npz")


def content(record: Record) -> dict[str, bytes]:
    """Return the files of a record that must not differ."""
    assert record.folder is not None
    return {name: (record.folder / name).read_bytes() for name in FILES}


def cohorts(folder: Path) -> list[Path]:
    """Return the cohorts of a store, oldest first."""
    return sorted((folder / "store").rglob("*.safetensors"), key=lambda path: path.stat().st_mtime_ns)


def test_again_from_nothing_and_again_from_the_store(tmp_path: Path) -> None:
    """Trained anew elsewhere, or read from the store: the same bytes; the second time nothing is trained."""
    first = small_audit(tmp_path / "a", "snn-q4")
    elsewhere = small_audit(tmp_path / "b", "snn-q4")
    again = small_audit(tmp_path / "a", "snn-q4", out="again")
    assert content(first) == content(elsewhere) == content(again)
    assert [each.run["cohorts_trained_now"] for each in (first, elsewhere, again)] == [1, 1, 0]


def test_resumed_after_losing_cohorts(tmp_path: Path) -> None:
    """A lost and a damaged cohort are trained again, the others are not, and the record is the same."""
    first = small_audit(tmp_path, shadows=40)
    gone, damaged, kept = cohorts(tmp_path)
    gone.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-50])
    before = kept.stat().st_mtime_ns
    again = small_audit(tmp_path, shadows=40, out="again")
    assert content(again) == content(first)
    assert again.run["cohorts_trained_now"] == 2
    assert kept.stat().st_mtime_ns == before
    assert damaged.with_suffix(".damaged").exists()


def test_more_shadow_models_use_the_full_cohorts(tmp_path: Path) -> None:
    """From 14 to 38 shadow models, the first cohort of 16 is read and two are trained; earlier models' rows stay."""
    few = small_audit(tmp_path, shadows=14)
    many = small_audit(tmp_path, shadows=38, out="many")
    assert few.run["cohorts_trained_now"] == 1
    assert many.run["cohorts_trained_now"] == 2
    assert (many.arrays["membership"][:16] == few.arrays["membership"]).all()
    assert many.arrays["predictions"].tolist() == few.arrays["predictions"].tolist()


def test_a_cohort_that_was_not_full_is_trained_again(tmp_path: Path) -> None:
    """From 12 to 14 shadow models, a cohort of 14 models becomes one of 16, whose floating point may differ."""
    small_audit(tmp_path, shadows=12)
    assert small_audit(tmp_path, shadows=14, out="more").run["cohorts_trained_now"] == 1


def test_other_attacks_use_the_same_models(tmp_path: Path) -> None:
    """What is asked of a population afterwards trains nothing."""
    small_audit(tmp_path)
    assert small_audit(tmp_path, attacks="thresholds", out="other").run["cohorts_trained_now"] == 0


def test_another_seed_is_another_audit(tmp_path: Path) -> None:
    """The seed moves membership, deal and models."""
    first, second = (small_audit(tmp_path / str(seed), settings={**SMALL, "training.seed": seed}) for seed in (0, 1))
    assert (first.arrays["membership"] != second.arrays["membership"]).any()
    assert first.summary.data.sha256 != second.summary.data.sha256


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(tmp_path: Path) -> None:
    """One process or two: the same bytes."""
    one = small_audit(tmp_path / "one", "snn-q4", shadows=20)
    two = mia_audit.run(
        "snn-q4", dataset="iris", shadows=20, settings=SMALL, store=tmp_path / "store", out=tmp_path / "two", device="cpu", workers=2
    )
    assert content(one) == content(two)
    assert len(cohorts(tmp_path)) == 2


def test_a_store_can_be_moved(tmp_path: Path) -> None:
    """Cohorts are found by their keys, wherever the folder lies."""
    first = small_audit(tmp_path / "a")
    shutil.copytree(tmp_path / "a" / "store", tmp_path / "b" / "store")
    moved = small_audit(tmp_path / "b")
    assert moved.run["cohorts_trained_now"] == 0
    assert content(moved) == content(first)
    assert Store(folder=tmp_path / "b" / "store").folder.is_dir()
