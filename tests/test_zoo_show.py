"""What the command line says about the zoo: the table, the resolved recipe, the drawing."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
import torch

from mia_audit.audit.request.options import Options, describe
from mia_audit.catalogue import checked, load_recipe, target_names
from mia_audit.cli import main
from mia_audit.data.profiles import profile
from mia_audit.models import architectures, drawing
from mia_audit.models.network import Population
from mia_audit.recipe import Recipe


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what a command prints."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert not end.value.code
    return capsys.readouterr().out


def test_the_zoo_is_a_line_a_target(capsys: pytest.CaptureFixture[str]) -> None:
    """Piped, every target is a line: data, bits, steps, parameters and its paper, with tabs between."""
    rows = {line.split("\t")[0]: line.split("\t") for line in said(capsys, "list", "targets").splitlines()}
    assert set(target_names()) == set(rows)
    assert rows["snn-vgg9-q4"][1:5] == ["cifar10", "4/4", "4", "5943242"]
    assert "arXiv:2104.03414v3" in rows["snn-vgg9-q4"][-1]


@pytest.mark.parametrize("columns", ["80", "120"])
def test_a_narrow_terminal_loses_nothing(columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, words that do not fit go on in the next line; none is cut short."""
    piped = said(capsys, "list", "targets")
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    table = re.sub("\x1b\\[[0-9;]*m", "", said(capsys, "list", "targets"))
    assert "…" not in table
    assert max(map(len, table.splitlines())) <= int(columns)
    assert {word for line in piped.splitlines() for word in line.split("\t")[-1].split()} <= set(table.split())


@pytest.mark.parametrize("name", ["snn-q4", "ann-resnet18", "snn-net2", "snn-seed-conv", "ann-vgg5", "snn-nmnist"])
def test_what_is_shown_is_the_resolved_recipe(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The text is TOML of the very recipe that an audit would run."""
    shown = tomllib.loads(said(capsys, "show", name))
    assert checked(Recipe, shown, name) == describe(name, Options())


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("snn-q4", {}),
        ("ann-net1", {}),
        ("snn-vgg5", {"model.width": 0.1, "model.norm": "batch-per-step"}),
        ("ann-resnet18", {"model.width": 0.1}),
        ("snn-seed-conv", {"model.width": 0.1, "model.norm": "group", "model.groups": 1}),
    ],
)
def test_the_parameters_drawn_are_those_built(name: str, changes: dict[str, object]) -> None:
    """Counted from the description, weights, biases, scales and shifts are as many as the network has."""
    recipe = describe(name, Options(settings={**changes, "model.quantization.weight_bits": 32, "model.quantization.activation_bits": 32}))
    dataset = profile(recipe.data.dataset)
    networks = Population(recipe.model, dataset.channels_last, dataset.classes, [torch.Generator().manual_seed(0)])
    stack = architectures.layers(recipe.model, dataset.classes)
    assert drawing.parameters(recipe.model, stack, dataset.channels_last) == sum(value.numel() for value in networks.parameters())


def test_a_drawing_has_every_layer_its_shape_and_count(capsys: pytest.CaptureFixture[str]) -> None:
    """Net2 as its layers work out: 512 values reach the dense layers."""
    shown = said(capsys, "show", "snn-net2")
    drawn = [" ".join(line.split()) for line in shown.splitlines() if line.startswith("#")]
    assert drawn == [
        "# net2: 25,770 parameters, 5 time steps, direct input, accumulated",
        "# input 28 x 28 x 1",
        "# convolution 7 x 7, padding 0 22 x 22 x 16 800",
        "# integrate and fire, reset zero, gate 22 x 22 x 16",
        "# max pooling 2 x 2, every 2 11 x 11 x 16",
        "# convolution 4 x 4, padding 0 8 x 8 x 32 8,224",
        "# integrate and fire, reset zero, gate 8 x 8 x 32",
        "# max pooling 2 x 2, every 2 4 x 4 x 32",
        "# dense 32 16,416",
        "# integrate and fire, reset zero, gate 32",
        "# dense 10 330",
    ]


def test_settings_are_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """--set and --dataset change what is shown; a recipe of a user's own is shown too, spelled-out layers and all."""
    assert "beta = 0.5" in said(capsys, "show", "snn", "--dataset", "iris", "--set", "model.neuron.beta=0.5")
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\nsummary = "One."\n[model]\narchitecture = "layers"\n[[model.layers]]\nkind = "conv"\nchannels = 2\n')
    shown = said(capsys, "show", str(own))
    assert checked(Recipe, tomllib.loads(shown), "own") == describe(str(own), Options())
    assert "convolution 3 x 3, padding 1" in shown


def test_what_a_target_reached_is_listed_and_no_part_of_an_audit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalogue's recipe knows it, an audit's recipe does not: no record hangs on what somebody measured before."""
    monkeypatch.setenv("COLUMNS", "220")
    known = load_recipe("snn-q4").expect
    assert known is not None
    assert known.models >= 2
    (row,) = (line for line in said(capsys, "list", "targets").splitlines() if line.split()[:1] == ["snn-q4"])
    assert f"{known.test_accuracy[0]:.3f}" in row.split()
    assert describe("snn-q4", Options()).expect is None
