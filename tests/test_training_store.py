"""The store: whole cohorts or none, damaged ones never used, keys that follow what determines a cohort."""

import json
import os
import pickle
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mia_audit.catalogue import load_recipe, override
from mia_audit.data.profiles import resolve
from mia_audit.errors import StoreError, TrainingError
from mia_audit.recipe import Recipe
from mia_audit.training import plan
from mia_audit.training.plan import cohort_size, tasks
from mia_audit.training.processor import processor
from mia_audit.training.store import Store, Tensors, key_of, told_of
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


def weighty() -> Tensors:
    """Return a cohort's arrays with weights among them."""
    return {**tensors(), "weights/layer.0": np.arange(5000, dtype=np.float32), "weights/layer.1": np.ones((2, 2))}


def test_weights_lie_in_a_file_of_their_own(tmp_path: Path) -> None:
    """Whoever asks for answers reads no weights; whoever asks for weights gets them under the network's own names."""
    store = Store(folder=tmp_path)
    store.save(KEY, weighty())
    answers, weights = store.load(KEY), store.weights(KEY)
    assert answers is not None
    assert weights is not None
    assert set(answers) == set(tensors())
    assert {name: value.tolist() for name, value in weights.items()} == {"layer.0": list(range(5000)), "layer.1": [[1, 1], [1, 1]]}
    assert store.path(KEY).stat().st_size < 20_000 < store.weights_path(KEY).stat().st_size + 1000
    store.weights_path(KEY).unlink()
    assert store.load(KEY) is not None
    assert store.weights(KEY) is None
    assert list(store.files()) == [store.path(KEY)]


@pytest.mark.parametrize("place", ["path", "weights_path"])
def test_a_file_under_anothers_name_is_set_aside(tmp_path: Path, place: str) -> None:
    """A cohort copied over another key's, in this store or from another one, is whole, and not the one that was asked for."""
    store, other = Store(folder=tmp_path), key_of({"a": 2})
    store.save(KEY, weighty())
    store.save(other, weighty())
    mine, theirs = getattr(store, place)(KEY), getattr(store, place)(other)
    mine.write_bytes(theirs.read_bytes())
    found = {"path": store.load, "weights_path": store.weights}[place](KEY)
    assert found is None
    assert not mine.exists()
    aside = [path for path in mine.parent.iterdir() if path.name.endswith("damaged")]
    assert [path.read_bytes() for path in aside] == [theirs.read_bytes()]
    assert store.load(other) is not None
    assert store.weights(other) is not None


def test_answers_are_no_weights(tmp_path: Path) -> None:
    """Nor the other way round, under one key."""
    store = Store(folder=tmp_path)
    store.save(KEY, weighty())
    store.path(KEY).replace(store.weights_path(KEY))
    assert store.weights(KEY) is None


def test_a_file_of_another_version_is_not_read(tmp_path: Path) -> None:
    """One that held everything and said no key, as version 1 did; and one that says that it is of a version to come."""
    store = saved(tmp_path)
    content = store.path(KEY).read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    old = {**header, "__metadata__": {"sha256": header["__metadata__"]["sha256"]}}
    later = {**header, "__metadata__": {**header["__metadata__"], "format": "3"}}
    for each in (old, later):
        text = json.dumps(each).encode()
        store.path(KEY).write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])
        assert store.load(KEY) is None
        assert not store.has(KEY)


def test_what_a_file_is_about_is_no_part_of_what_it_holds(tmp_path: Path) -> None:
    """It is told without reading the arrays, and does not decide whether they are whole."""
    store = Store(folder=tmp_path)
    store.save(KEY, tensors(), about={"target": "ann"})
    assert json.loads(told_of(store.path(KEY))["about"]) == {"target": "ann"}
    assert told_of(store.path(KEY))["key"] == KEY
    assert store.load(KEY) is not None
    assert told_of(tmp_path / "absent") == {}


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


@pytest.mark.parametrize(
    "variable", [("ATEN_CPU_CAPABILITY", "default"), ("ONEDNN_MAX_CPU_ISA", "AVX2"), ("NUMBA_CPU_NAME", "generic"), ("MKL_CBWR", "AVX2")]
)
def test_what_the_processor_may_do_changes_the_key(monkeypatch: pytest.MonkeyPatch, variable: tuple[str, str]) -> None:
    """A store that two machines share never gives one of them the other's models."""
    plain = keys(recipe())
    monkeypatch.setenv(*variable)
    assert not set(keys(recipe())) & set(plain)
    assert f"{variable[0]}={variable[1]}" in processor("cpu")
    assert processor("cpu", {}) == processor("cpu", {"OMP_NUM_THREADS": "7", "HOME": "/"})


def test_the_processor_is_torchs() -> None:
    """The widest instructions that are told are those that torch says it uses."""
    import torch  # noqa: PLC0415  seconds

    told = processor("cpu", {})
    widest = {"AVX512": ("AMX", "AVX512-BF16", "AVX512"), "AVX2": ("AVX2",)}.get(torch.backends.cpu.get_cpu_capability(), ("",))
    assert any(each in told.split() or not each for each in widest)


@pytest.mark.parametrize("name", ["torch", "brevitas", "numba", "numpy"])
def test_the_version_of_a_library_changes_the_key(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What computes, compiles and draws."""
    plain, real = keys(recipe()), plan.version
    monkeypatch.setattr(plan, "version", lambda asked: "99" if asked == name else real(asked))
    assert not set(keys(recipe())) & set(plain)
    assert plan.libraries()[name] == "99"


def test_a_worker_on_another_processor_trains_nothing(tmp_path: Path) -> None:
    """It would write other models under the key of these."""
    from mia_audit.data.examples import load  # noqa: PLC0415
    from mia_audit.training.material import material  # noqa: PLC0415
    from mia_audit.training.worker import work  # noqa: PLC0415  torch takes seconds

    asked = recipe()
    given = material(asked, load(asked, root=None, offline=True, progress=print))
    (task, *_) = tasks(asked, ROWS, "d", "cpu")
    store = Store(folder=tmp_path)
    message = rf"a worker needs the processor that the audit was planned on, i486, got {re.escape(processor('cpu'))}; give it machines"
    with pytest.raises(TrainingError, match=message):
        work(replace(task, processor="i486"), given, store, "cpu", lambda _: None)
    assert not list(store.files())


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


def test_a_task_is_small_and_has_its_coins() -> None:
    """What travels to a worker: eight coins a byte, whatever the size of the pool, and the very rows come out."""
    for pool in (1, 8, 1003):
        rows = np.random.default_rng(pool).random((5, pool)) < 0.3
        made = plan.task((3, 4, 5, 6, 7), rows, "key", "kind")
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(made)).rows, rows)  # noqa: S301  our own
        assert len(pickle.dumps(made)) < 5 * (pool // 8 + 1) + 400
