"""The store: whole cohorts or none, damaged ones never used, keys that follow what determines a cohort."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mia_audit.catalogue import load_recipe, override
from mia_audit.data.profiles import resolve
from mia_audit.errors import StoreError
from mia_audit.recipe import Recipe
from mia_audit.training.plan import cohort_size, tasks
from mia_audit.training.store import Store, Tensors, key_of
from mia_audit.types import Bools

KEY = key_of({"a": 1})
ROWS = np.random.default_rng(0).random((20, 100)) < 0.5


def tensors() -> Tensors:
    """Return a cohort's arrays: several types, an empty one and one that is not contiguous."""
    return {"a/logits": np.arange(600, dtype=np.float32).reshape(2, 300).T, "b": np.arange(3), "empty": np.zeros((0, 2), dtype=np.float32)}


def saved(folder: Path) -> Store:
    """Return a store that holds one cohort."""
    store = Store(folder=folder)
    store.save(KEY, tensors())
    return store


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    """Names, types, shapes and values; and nothing else lies in the store."""
    store = saved(tmp_path)
    found = store.load(KEY)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [store.path(KEY)]
    assert found is not None
    assert set(found) == set(tensors())
    for name, value in tensors().items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    """An absent cohort is no error."""
    assert Store(folder=tmp_path / "absent").load(KEY) is None
    assert not Store(folder=tmp_path).has(KEY)


@pytest.mark.parametrize("damage", ["cut", "cut to nothing", "last bit", "middle bit", "header bit", "other cohort", "noise"])
def test_a_damaged_cohort_is_set_aside(tmp_path: Path, damage: str) -> None:
    """Whatever happened to the file, it is not used, it is kept under another name, and the place is free for a new one."""
    store = saved(tmp_path)
    path = store.path(KEY)
    content = bytearray(path.read_bytes())
    if damage.endswith("bit"):
        content[{"last bit": -1, "middle bit": len(content) // 2, "header bit": 12}[damage]] ^= 1
    elif damage == "other cohort":
        content = content.replace(b'"sha256":"', b'"sha256":"0')
    else:
        content = {"cut": content[:-100], "cut to nothing": bytearray(), "noise": bytearray(os.urandom(500))}[damage]
    path.write_bytes(content)
    assert store.load(KEY) is None
    assert not store.has(KEY)
    assert path.with_suffix(".damaged").read_bytes() == content
    store.save(KEY, tensors())
    assert store.load(KEY) is not None


def test_a_kill_between_writing_and_moving_leaves_no_cohort(tmp_path: Path) -> None:
    """Killed in the middle of a save, the store holds nothing under the key; the next save is whole."""
    script = f"""
import os, signal, pathlib, numpy as np
from mia_audit.training.store import Store
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
Store(folder=pathlib.Path({str(tmp_path)!r})).save({KEY!r}, {{"a": np.ones(1000)}})
"""
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL
    store = Store(folder=tmp_path)
    assert list(tmp_path.rglob("*.part"))
    assert not store.has(KEY)
    assert store.load(KEY) is None
    store.save(KEY, tensors())
    assert store.load(KEY) is not None


def test_a_failed_save_keeps_the_cohort_that_was_there(tmp_path: Path) -> None:
    """A file in the way is named with the reason and the way out; nothing half-written stays."""
    (tmp_path / KEY[:2]).touch()
    with pytest.raises(StoreError, match=r"the store .* cannot be written: File exists; give another folder with --store"):
        saved(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [KEY[:2]]


def test_a_damaged_cohort_that_cannot_be_moved(tmp_path: Path) -> None:
    """Where it cannot be set aside the line says which file to delete."""
    store = saved(tmp_path)
    store.path(KEY).write_bytes(b"damaged")
    aside = store.path(KEY).with_suffix(".damaged")
    aside.mkdir()
    with pytest.raises(StoreError, match=r"is damaged and cannot be set aside: .*; delete it, or give another folder with --store"):
        store.load(KEY)


def recipe(**changes: Any) -> Recipe:
    """Return the resolved recipe of a quantized spiking network on iris with some fields changed."""
    return resolve(
        override(load_recipe("snn-q4"), {"data.dataset": "iris", **{key.replace("__", "."): value for key, value in changes.items()}})
    )


def keys(asked: Recipe, *, rows: Bools = ROWS, data: str = "d", device: str = "cpu") -> list[str]:
    """Return the keys of a population's cohorts."""
    return [task.key for task in tasks(asked, rows, data, device)]


@pytest.mark.parametrize(
    "changes",
    [
        {"training__epochs": 3},
        {"training__seed": 1},
        {"training__learning_rate": 0.1},
        {"training__weight_decay": 0.1},
        {"training__batch_size": 11},
        {"data__member_fraction": 0.4},
        {"model__hidden": [5]},
        {"model__time_steps": 9},
        {"model__readout": "spike-count"},
        {"model__neuron__beta": 0.9},
        {"model__neuron__surrogate": "sre"},
        {"model__neuron__surrogate_variant": "snntorch"},
        {"model__neuron__reset": "zero"},
        {"model__neuron__threshold": 0.9},
        {"model__quantization__weight_bits": 8},
        {"model__quantization__activation_bits": 8},
        {"model__quantization__last_layer": False},
        {"audit__queries": 2},
    ],
)
def test_what_determines_a_cohort_changes_its_key(changes: dict[str, Any]) -> None:
    """A changed line of a recipe can never meet a stale model."""
    assert not set(keys(recipe())) & set(keys(recipe(**changes)))


def test_data_membership_device_and_place_change_the_key() -> None:
    """So do the data's digest, a single coin, the device type, and the models' indices."""
    other = ROWS.copy()
    other[0, 0] = ~other[0, 0]
    first = keys(recipe())[0]
    assert first != keys(recipe(), data="e")[0]
    assert first != keys(recipe(), rows=other)[0]
    assert keys(recipe(), rows=ROWS[:4])[0] != keys(recipe(), rows=ROWS[:4], device="cuda")[0]
    assert len(set(keys(recipe(), rows=np.vstack([ROWS[:16], ROWS[:16]])))) == 2


def test_what_does_not_matter_leaves_the_key() -> None:
    """Attacks, the number of shadow models, the name and the summary train the same models."""
    assert keys(recipe()) == keys(recipe(audit__attacks=["loss"], audit__shadows=99, summary="Another.", name="other"))


def test_more_models_leave_the_full_cohorts() -> None:
    """Cohorts are cut from the front: adding models moves no earlier cohort but a last one that was not full."""
    size = cohort_size(recipe(), "cpu")
    rows = np.random.default_rng(0).random((3 * size, 100)) < 0.5
    few, many = keys(recipe(), rows=rows[: size + 2]), keys(recipe(), rows=rows)
    assert few[0] == many[0]
    assert few[1] != many[1]
    assert [task.indices for task in tasks(recipe(), rows, "d", "cpu")] == [tuple(range(k, k + size)) for k in range(0, 3 * size, size)]


def test_a_cohorts_size_is_a_power_of_two_that_larger_models_shrink() -> None:
    """The rule follows the recipe and the device type alone, and never falls below one."""
    sizes = [cohort_size(recipe(model__hidden=[width]), "cpu") for width in (64, 4096, 65536, 10**6)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1 < sizes[0]
    assert all(size & (size - 1) == 0 for size in sizes)
