"""Checkpoints of other tools: unwrapped, held against the module that code builds, and refused in one line where they are another's."""

import argparse
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import snntorch as snn
import torch
from torch import nn

from mia_audit.errors import AuditError, DataError, RecipeError, UsageError
from mia_audit.external import checkpoint, code, fitting, picking
from mia_audit.external.recipe import External
from tests.support.hostile import Runs


def network(seed: int = 0, *, wide: int = 4) -> nn.Sequential:
    """Return a small network."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, wide), nn.BatchNorm1d(wide), nn.ReLU(), nn.Linear(wide, 2))


def saved(path: Path, content: Any) -> Path:
    """Write a checkpoint as torch does."""
    torch.save(content, path)
    return path


def loaded(path: Path, module: nn.Module, *, key: str = "", drop: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Read a file and fit it into a module."""
    return fitting.fitted(path.name, checkpoint.read(path), module, key=key, drop=drop)


def prefixed(weights: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return weights with a prefix before every key."""
    return {f"{prefix}{name}": value for name, value in weights.items()}


NESTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "bare": lambda weights: weights,
    "state_dict": lambda weights: {"epoch": 3, "state_dict": weights, "optimizer": {"state": {0: {"exp_avg": torch.zeros(4, 3)}}}},
    "parallel": lambda weights: {"model": prefixed(weights, "module.")},
    "compiled": lambda weights: prefixed(weights, "_orig_mod."),
    "both": lambda weights: prefixed(weights, "module._orig_mod."),
    "lightning": lambda weights: {
        "state_dict": {**prefixed(weights, "net."), "loss.weight": torch.ones(2)},
        "hyper_parameters": {"lr": 0.1},
    },
    "deep": lambda weights: {"a": {"b": {"c": weights}}},
    "arguments": lambda weights: {
        "args": argparse.Namespace(lr=0.1, path=Path("x")),
        "acc": np.float64(0.9),
        "best": np.zeros(2),
        "w": weights,
    },
}


@pytest.mark.parametrize("nest", NESTS)
def test_every_nest_and_prefix_gives_the_same_network(tmp_path: Path, nest: str) -> None:
    """Logits of the loaded network are those of the one that was saved, to the bit."""
    trained, built = network(0).eval(), network(1).eval()
    notes = loaded(saved(tmp_path / "c.pth", NESTS[nest](trained.state_dict())), built)
    x = torch.randn(5, 3)
    assert torch.equal(built(x), trained(x))
    assert bool(notes) == (nest != "bare")


def test_other_ways_to_save_give_the_same_network(tmp_path: Path) -> None:
    """The format of before, half precision, and safetensors."""
    trained, built, x = network(0).eval(), network(1).eval(), torch.randn(5, 3)
    torch.save(trained.state_dict(), tmp_path / "old.tar", _use_new_zipfile_serialization=False)
    loaded(tmp_path / "old.tar", built)
    assert torch.equal(built(x), trained(x))
    safetensors.torch.save_file(trained.state_dict(), tmp_path / "w.safetensors")
    built = network(2).eval()
    loaded(tmp_path / "w.safetensors", built)
    assert torch.equal(built(x), trained(x))
    half = {name: value.half() if value.is_floating_point() else value for name, value in trained.state_dict().items()}
    assert any("torch.float16 were taken as the module's own type" in note for note in loaded(saved(tmp_path / "h.pt", half), built))
    torch.testing.assert_close(built(x), trained(x), atol=1e-2, rtol=1e-2)


def test_two_models_that_fit_are_asked_about(tmp_path: Path) -> None:
    """Averaged weights stand beside the others; neither is taken in silence."""
    trained, averaged, built = network(0).eval(), network(1).eval(), network(2).eval()
    path = saved(tmp_path / "c.ckpt", {"model": trained.state_dict(), "ema": prefixed(averaged.state_dict(), "module.")})
    with pytest.raises(DataError, match=r"holds 2 models that fit, ema, model; say which with key"):
        loaded(path, built)
    loaded(path, built, key="ema")
    x = torch.randn(5, 3)
    assert torch.equal(built(x), averaged(x))
    with pytest.raises(DataError, match="key needs one of model, ema, got 'best'"):
        loaded(path, built, key="best")
    path = saved(tmp_path / "d.ckpt", {**prefixed(trained.state_dict(), "net."), **prefixed(averaged.state_dict(), "net_ema.")})
    with pytest.raises(DataError, match=r"holds 2 models that fit, the file itself with 'net.', the file itself with 'net_ema.'"):
        loaded(path, built)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: {**w, "3.weight": torch.zeros(2, 5)}, r"'3.weight' needs shape \[2, 4\], as the module has, got \[2, 5\]"),
        (lambda w: {name: value for name, value in w.items() if name != "3.bias"}, r"got 1 missing \(3.bias\)"),
        (lambda w: {**w, "0.v_mem": torch.zeros(7)}, r"got 1 besides \(0.v_mem\); declare states .* with drop"),
        (lambda w: {**w, "0.weight": torch.full((4, 3), torch.nan)}, "'0.weight' needs finite weights, got NaN"),
        (lambda _: {"other": torch.zeros(2)}, "needs the module's 9 keys, got 9 missing"),
        (lambda _: {"epoch": 3}, "needs tensors by name, got dict without any"),
    ],
)  # fmt: skip
def test_another_networks_weights_are_refused(tmp_path: Path, change: Callable[[dict[str, Any]], Any], message: str) -> None:
    """By the first key that does not fit."""
    with pytest.raises(DataError, match=message):
        loaded(saved(tmp_path / "c.pth", change(network(0).state_dict())), network(1))


def test_declared_states_are_dropped_and_no_others(tmp_path: Path) -> None:
    """Membranes that a library keeps among the weights, by declaration."""
    trained, built = network(0), network(1)
    path = saved(tmp_path / "c.pth", {**trained.state_dict(), "0.v_mem": torch.zeros(7, 4)})
    loaded(path, built, drop=("*.v_mem",))
    assert torch.equal(built.state_dict()["0.weight"], trained.state_dict()["0.weight"])


def test_a_reset_that_loading_cannot_change_is_refused(tmp_path: Path) -> None:
    """All keys match, and the network would be another: snnTorch fixes the reset when a neuron is built."""
    trained = nn.Sequential(nn.Linear(3, 2), snn.Leaky(beta=0.9, reset_mechanism="zero"))
    path = saved(tmp_path / "c.pth", trained.state_dict())
    with pytest.raises(DataError, match="1 was trained with reset_mechanism_val 1, the code builds it with 0"):
        loaded(path, nn.Sequential(nn.Linear(3, 2), snn.Leaky(beta=0.9)))
    loaded(path, nn.Sequential(nn.Linear(3, 2), snn.Leaky(beta=0.5, reset_mechanism="zero")))


def whole_model(path: Path) -> Path:
    """Write a pickled module."""
    return saved(path / "whole.pt", network())


def running(path: Path) -> Path:
    """Write a checkpoint that makes a folder when it is unpickled."""
    return saved(path / "running.pth", {"state_dict": Runs(path / "ran")})


def bare(path: Path) -> Path:
    """Write a pickle that calls itself a checkpoint."""
    (path / "bare.bin").write_bytes(pickle.dumps(Runs(path / "ran")))
    return path / "bare.bin"


def cut(path: Path) -> Path:
    """Write half of a checkpoint."""
    whole = saved(path / "cut.pth", network().state_dict())
    whole.write_bytes(whole.read_bytes()[:-200])
    return whole


def page(path: Path) -> Path:
    """Write what a server says instead."""
    (path / "page.pt").write_text("<html>404</html>")
    return path / "page.pt"


def stretched(path: Path) -> Path:
    """Write a tensor of 2 ** 40 values that are all one."""
    return saved(path / "stretched.pth", {"0.weight": torch.zeros(1).expand(2**40)})


def empty(path: Path) -> Path:
    """Write nothing."""
    (path / "empty.pt").touch()
    return path / "empty.pt"


def twice(path: Path) -> Path:
    """Write an archive that names a record twice."""
    stream = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, stream)
    with zipfile.ZipFile(io.BytesIO(stream.getvalue())) as old, zipfile.ZipFile(path / "twice.pt", "w") as new:
        for member in old.infolist():
            new.writestr(member.filename.replace("version", "byteorder"), old.read(member))
    return path / "twice.pt"


def forged(path: Path) -> Path:
    """Write a .safetensors whose header promises too much."""
    header = b'{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}'
    (path / "forged.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    return path / "forged.safetensors"


def sparse(path: Path) -> Path:
    """Write a sparse tensor of a huge shape."""
    return saved(path / "sparse.pt", {"0.weight": torch.sparse_coo_tensor(torch.zeros(1, 1, dtype=torch.long), torch.ones(1), (2**40,))})


@pytest.mark.filterwarnings("ignore:Duplicate name", "ignore:Sparse invariant checks")
@pytest.mark.parametrize(
    "make", [whole_model, running, bare, cut, page, stretched, empty, twice, forged, sparse], ids=lambda make: make.__name__
)
def test_hostile_checkpoints_end_in_one_line(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    """Nothing is run and nothing written; what would have been imported is named."""
    path = make(tmp_path)
    with pytest.raises(AuditError) as caught:
        checkpoint.read(path)
    assert str(caught.value).isprintable()
    assert not (tmp_path / "ran").exists()
    said: dict[Callable[[Path], Path], str] = {
        whole_model: "would import torch.nn",
        running: "would import posix.mkdir",
        bare: "would import posix.mkdir",
        cut: "cut short",
        empty: "an empty one",
    }
    assert said.get(make, "") in str(caught.value)


def test_a_pickle_is_refused_with_how_to_save_its_weights(tmp_path: Path) -> None:
    """Whatever is in it; nothing of it is run."""
    for new in (False, True):
        torch.save(nn.Linear(2, 2), tmp_path / "model.pkl", _use_new_zipfile_serialization=new)
        with pytest.raises(
            DataError, match=r"would import .*torch.nn.*; where it was trained, import torch; model = torch.load\('model.pkl'"
        ):
            checkpoint.read(tmp_path / "model.pkl")
    (tmp_path / "model.joblib").write_bytes(b"\x80\x04cposix\nsystem\n.")
    with pytest.raises(DataError, match=r"would import posix.system; where it was trained, import joblib, skops.io; model = joblib.load"):
        checkpoint.read(tmp_path / "model.joblib")


@pytest.mark.parametrize(
    ("words", "kind", "taken"),
    [
        ("", "outputs", lambda t: t),
        ("logits", "logits", lambda t: t),
        ("1.mean(0)", "outputs", lambda t: t[1].mean(0)),
        ("0.sum(0).probabilities", "probabilities", lambda t: t[0].sum(0)),
        ("1.last(0)", "outputs", lambda t: t[1][-1]),
        ("1.mean(0).sigmoid", "outputs", lambda t: t[1].mean(0)),
    ],
)
def test_words_take_the_scores_out(words: str, kind: str, taken: Callable[[Any], Any]) -> None:
    """As Python would."""
    answer = (torch.randn(3, 4, 2), torch.randn(3, 4, 2))
    pick, found = picking.parsed(words)
    assert found == kind
    if "0)" in words:
        assert torch.equal(pick(answer), taken(answer))
    else:
        assert torch.equal(pick(answer[0]), answer[0])


def test_words_that_say_nothing_are_refused() -> None:
    """No code hides in them."""
    for words in ("__import__('os')", "mean(a)", "0.mean()"):
        with pytest.raises(UsageError, match="output needs elements and mean"):
            picking.parsed(words)
    assert picking.parsed("logits")[0](argparse.Namespace(logits=5)) == 5


def test_code_that_a_recipe_names_runs_where_it_was_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed file, and a changed recipe, have to be trusted anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "net.py").write_text("def build():\n    return 5\n")
    run, recipe = code.files(External(model="net:build"), tmp_path), "recipe"
    with pytest.raises(RecipeError, match=r"needs the code in net.py, which it names itself; read it, and give --trust-code"):
        code.require_trusted(run, recipe, trusted=False)
    code.require_trusted(run, recipe, trusted=True)
    code.trust(run, recipe)
    code.require_trusted(run, recipe, trusted=False)
    assert code.named("net:build", tmp_path)() == 5
    with pytest.raises(RecipeError, match="give --trust-code"):
        code.require_trusted(run, "another recipe", trusted=False)
    (tmp_path / "net.py").write_text("def build():\n    return 6\n")
    with pytest.raises(RecipeError, match="give --trust-code"):
        code.require_trusted(run, recipe, trusted=False)
    with pytest.raises(RecipeError, match=r"net.py: needs 'absent', which is not there"):
        code.named("net:absent", tmp_path)
    (tmp_path / "bad.py").write_text("1 / 0")
    with pytest.raises(RecipeError, match=r"bad.py: could not be run, got ZeroDivisionError"):
        code.named("bad:x", tmp_path)
