"""A checkpoint audited in two commands, in a process that can be ended: `mia-audit init`, then `mia-audit run --target`."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from mia_audit.cli.main import main
from mia_audit.errors import AuditError
from mia_audit.external import child, networks, recipe, stored
from mia_audit.external.recipe import External, Owned
from mia_audit.record.scored import load

CODE = """
import os, time
import torch
from sklearn.datasets import load_digits
from torch import nn

class Net(nn.Module):
    def __init__(self, mode="sound"):
        super().__init__()
        self.layer, self.mode = nn.Linear(64, 10), mode

    def forward(self, x):
        if self.mode == "hangs": time.sleep(60)
        if self.mode == "crashes": os.abort()
        if self.mode == "fails": return x[100000]
        return torch.zeros(2), torch.stack([self.layer(x.flatten(1))] * 3)

def fit(indices, seed):
    torch.manual_seed(seed)
    x, y = (torch.from_numpy(each) for each in load_digits(return_X_y=True))
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(30):
        loss = nn.functional.cross_entropy(net((x[indices] / 16).float())[1].mean(0), y[indices])
        optimizer.zero_grad(); loss.backward(); optimizer.step()
    return net
"""
MEMBERS, OTHERS = range(120), range(120, 240)


@pytest.fixture(name="place")
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write code, a checkpoint, and lists of members, and stand beside them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(CODE)
    torch.manual_seed(0)
    torch.save({"state_dict": {f"module.layer.{name}": value for name, value in torch.nn.Linear(64, 10).state_dict().items()}}, "c.pth")
    Path("members.txt").write_text("\n".join(map(str, MEMBERS)))
    Path("others.txt").write_text("\n".join(map(str, OTHERS)))
    return tmp_path


def run(*arguments: str) -> int:
    """Run the command line and return its exit code."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


INIT = (
    "init",
    "c.pth",
    "--model",
    "net:Net",
    "--dataset",
    "digits",
    "--members",
    "members.txt",
    "--nonmembers",
    "others.txt",
    "-o",
    "t.toml",
)


@pytest.mark.usefixtures("place")
def test_init_holds_the_network_to_its_owners_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    """An accuracy that it does not have is refused, and nothing is written."""
    assert run(*INIT, "--output", "1.mean(0)", "--accuracy", "0.999") == 2
    assert "the target needs the accuracy that its owner measured, 0.999" in capsys.readouterr().err
    assert not Path("t.toml").exists()


@pytest.mark.usefixtures("place")
def test_init_looks_for_equal_examples_on_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    """As the audit does, and before any code is run."""
    x, y = load_digits(return_X_y=True)
    x[120:125] = x[:5]
    np.savez("own.npz", x=x.astype(np.float32), y=y)
    Path("net.py").write_text("raise SystemExit")
    assert run(*("own.npz" if each == "digits" else each for each in INIT)) == 2
    assert "got 10 of 240 with an equal one on the other side, more than 1%" in capsys.readouterr().err
    assert not Path("t.toml").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("place")
def test_a_checkpoint_is_audited_in_two_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """What the recipe's network answers is what the file's weights give; shadow models are trained by its own code."""
    assert run(*INIT, "--output", "1.mean(0)", "--train", "net:fit") == 0
    said = capsys.readouterr().out
    assert "Net with 650 parameters from c.pth." in said
    assert "Wrappers module. taken off." in said
    assert run("run", "--target", "t.toml", "--shadows", "10", "--out", "out", "--attacks", "loss,lira-online") == 0
    record = load("out")
    assert record.summary.references == 10
    assert record.summary.doubts[0].startswith("Nobody checked that this is the network its owner knows")
    x, y = load_digits(return_X_y=True)
    weights = torch.load("c.pth")["state_dict"]
    z = (x[:240] / 16) @ weights["module.layer.weight"].numpy().T + weights["module.layer.bias"].numpy()
    loss = (np.log(np.exp(z).sum(axis=1)) - z[np.arange(240), y[:240]])[record.arrays["judged"]]
    member = record.arrays["member"]
    found = next(each for each in record.summary.attacks if each.name == "loss")
    assert found.auc.value == pytest.approx((loss[member][:, None] < loss[~member]).mean(), abs=1e-3)
    Path("net.py").write_text(CODE + "\n# changed\n")
    assert run("run", "--target", "t.toml", "--shadows", "0", "--out", "again") == 2
    assert "give --trust-code" in capsys.readouterr().err
    assert run("run", "--target", "t.toml", "--surrogate", "sre") == 2
    assert "a target from outside takes no --surrogate" in capsys.readouterr().err


def external(**more: Any) -> External:
    """Return a recipe's table."""
    return External(**{"checkpoint": "c.pth", "model": "net:Net", "output": "1.mean(0)", **more})


@pytest.mark.slow
def test_what_hangs_or_crashes_is_ended_and_said(place: Path) -> None:
    """A batch has a time limit; the audit's own process lives on."""
    batch = torch.zeros(4, 1, 8, 8)
    with (
        child.opened(external(arguments={"mode": "hangs"}, seconds=0.5), place) as kid,
        pytest.raises(AuditError, match=r"within 0.5 seconds"),
    ):
        kid.predict(batch)
    with (
        child.opened(external(arguments={"mode": "crashes"}), place) as kid,
        pytest.raises(AuditError, match="process ended with signal SIGABRT"),
    ):
        kid.predict(batch)


def test_what_cannot_be_built_or_read_is_one_line(place: Path) -> None:
    """Arguments that the code does not take, and an answer of which no part is named: its shapes are told."""
    with pytest.raises(AuditError, match="model net:Net could not be built, got TypeError"):
        networks.built(external(arguments={"no": 1}), place)
    network, notes = networks.built(external(), place)
    assert notes[0] == "Net with 650 parameters from c.pth."
    asked = child._function(network, lambda answer: answer, "the target")
    with pytest.raises(AuditError, match=r"returns \(\[2\], \[3, 4, 10\]\); say which are the scores with output = '1.mean\(0\)'"):
        asked(torch.zeros(4, 1, 8, 8), np.arange(4))


def test_words_and_files_name_the_sides(place: Path) -> None:
    """Positions count the training part, and go on in the test part."""
    found = stored.known(Owned(dataset="digits", members="members.txt", nonmembers="rest"), place, root=None, offline=True, progress=print)
    assert found.members.tolist() == list(MEMBERS)
    assert found.nonmembers.size == found.given.size - 120
    batch = found.given.batch(np.array([3, 1]))
    np.testing.assert_allclose(batch.numpy().reshape(2, 64), load_digits(return_X_y=True)[0][[3, 1]] / 16)
    with pytest.raises(AuditError, match="needs a data set with a test part"):
        stored.known(Owned(dataset="digits", members="train", nonmembers="test"), place, root=None, offline=True, progress=print)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[external]\nmodel = 'net:Net'\n", "key 'data' is missing"),
        ("[external]\nmodel = 'net.Net'\n[data]\ndataset='digits'\nmembers='m'\nnonmembers='n'\n", "model"),
        (
            "[external]\nmodel = 'net:Net'\nmodle = 1\n[data]\ndataset='digits'\nmembers='m'\nnonmembers='n'\n",
            "unknown key 'modle'; did you mean",
        ),
        ("[external]\nmodel = 'net:Net'\naccuracy = 80.0\n[data]\ndataset='digits'\nmembers='m'\nnonmembers='n'\n", "accuracy"),
    ],
)
def test_a_recipe_with_mistakes_is_refused_by_its_key(tmp_path: Path, text: str, message: str) -> None:
    """As every recipe is."""
    (tmp_path / "t.toml").write_text(text)
    assert recipe.is_external(tmp_path / "t.toml")
    with pytest.raises(AuditError, match=message):
        recipe.load(tmp_path / "t.toml")


def test_a_recipe_reads_back_as_it_was_written(tmp_path: Path) -> None:
    """And leaves out what is as by default."""
    whole = recipe.ExternalRecipe(
        name="t", external=external(accuracy=0.8, drop=("a", "b"), arguments={"mode": "x"}),
        data=Owned(dataset="digits", members="m.txt", nonmembers="n.txt"),
    )  # fmt: skip
    (tmp_path / "t.toml").write_text(recipe.text(whole))
    assert recipe.load(tmp_path / "t.toml") == (whole, tmp_path)
    assert not re.search(r"^(probe|key|train|seconds)", recipe.text(whole), re.MULTILINE)


def test_the_owners_logits_are_held_to() -> None:
    """Sixteen of them: the network that gives them passes, another one does not."""

    class Kid:
        def predict(self, batch: torch.Tensor) -> Any:
            return batch.numpy() * 2

    x = np.random.default_rng(0).normal(size=(16, 3))
    kid: Any = Kid()
    child.require_probe(kid.predict, Path("p.npz"), {"x": x, "logits": 2 * x})
    with pytest.raises(AuditError, match="needs the 16 logits that its owner knows, got others"):
        child.require_probe(kid.predict, Path("p.npz"), {"x": x, "logits": 2.1 * x})
    with pytest.raises(AuditError, match="a probe needs arrays x and logits, got x"):
        child.require_probe(kid.predict, Path("p.npz"), {"x": x})
