"""Settings that do nothing, and grids on which nothing fires: refused by name before anything is computed."""

from pathlib import Path
from typing import Any

import pytest
import torch

from mia_audit.audit.request.options import Options, describe
from mia_audit.catalogue import load_recipe, parse_recipe, parse_setting, target_names
from mia_audit.errors import AuditError, RecipeError
from mia_audit.models.neurons import nearest_level
from mia_audit.models.spiking import dynamics
from mia_audit.recipe import Quantization

CLAIM = {"audit.claimed_epsilon": 1.0, "audit.claimed_mu": 1.0}


@pytest.mark.parametrize(
    ("target", "changes", "message"),
    [
        ("ann", {"model.hidden": [32]}, "model.hidden = [32] does nothing in ann; leave it out: architecture conv does not read it"),
        ("ann", {"model.width": 0.5, "model.hidden": [3], "model.channels": [4]}, "model.width = 0.5 does nothing"),
        ("ann", {"model.width": 0.5}, "model.width = 0.5 does nothing in ann; leave it out: architecture conv does not read it"),
        ("ann", {"model.dropout": 0.2}, "model.dropout = 0.2 does nothing"),
        ("ann", {"model.groups": 2}, "model.groups = 2 does nothing"),
        (
            "ann",
            {"data.dataset": "iris", "model.channels": [2]},
            "model.channels = [2] does nothing in ann; leave it out: architecture mlp",
        ),
        ("ann", {"data.dataset": "iris", "model.kernel": 5}, "model.kernel = 5 does nothing"),
        ("ann-vgg9", {"model.hidden": [2]}, "architecture vgg9 takes no hidden"),
        ("ann-resnet18", {"model.dropout": 0.2}, "model.dropout = 0.2 does nothing in ann-resnet18"),
        ("snn", {"model.activation": "tanh"}, "model.activation = tanh does nothing in snn"),
        ("ann", {"model.readout": "spike-count"}, "model.readout = spike-count does nothing in ann; leave it out, or use a spiking target"),
        (
            "ann",
            {"data.crop_padding": 2},
            "data.crop_padding = 2 does nothing in ann; leave it out, or use --set 'data.augment=[\"crop\"]'",
        ),
        ("ann", {"data.crop_padding": 2, "data.augment": ["flip"]}, "data.crop_padding = 2 does nothing"),
        (
            "ann",
            {"training.momentum": 0.5},
            "training.momentum = 0.5 does nothing in ann; leave it out, or use --set training.optimizer=sgd",
        ),
        ("ann", {"training.decay": 0.5}, "training.decay = 0.5 does nothing"),
        ("ann", {"training.milestones": [0.3], "training.schedule": "cosine"}, "training.milestones = [0.3] does nothing"),
        ("ann", {"model.quantization.granularity": "channel"}, "model.quantization.granularity = channel does nothing"),
        ("ann", {"model.quantization.first_layer": False}, "model.quantization.first_layer = false does nothing"),
        ("ann", {"model.quantization.last_layer": False}, "model.quantization.last_layer = false does nothing"),
        ("ann", {"model.quantization.calibration": 5}, "model.quantization.calibration = 5 does nothing"),
        ("snn", {"model.quantization.membrane_limits": [0.1, 0.1]}, "model.quantization.membrane_limits = [0.1, 0.1] does nothing"),
        ("ann", {"audit.claimed_delta": 1e-5}, "audit.claimed_delta = 1e-05 does nothing"),
        ("ann", CLAIM, "audit.claimed_epsilon = 1.0 does nothing in ann; leave it out: the claim is audit.claimed_mu"),
        ("ann", {"model.time_steps": 4}, "ann: an ANN runs one step on direct input"),
        ("ann", {"model.neuron.surrogate": "sre"}, "--set model.neuron.surrogate: ann has no [neuron]; leave it out, or use a target that"),
    ],
)
def test_a_setting_that_does_nothing_is_refused(target: str, changes: dict[str, Any], message: str) -> None:
    """By its name and value, with what would make it do something."""
    with pytest.raises(RecipeError) as refusal:
        describe(target, Options(settings=changes))
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize(
    ("target", "changes"),
    [
        ("ann", {"model.kernel": 3}),
        ("ann", {"model.channels": [4, 8]}),
        ("ann", {"model.channels": [4, 8], "model.hidden": [32]}),
        ("ann", {"data.dataset": "iris", "model.channels": [4, 8], "model.hidden": [32], "model.kernel": 5}),
        ("ann", {"data.dataset": "iris", "model.hidden": [5]}),
        ("ann", {"data.dataset": "iris", "model.norm": "batch"}),
        ("ann", {"model.norm": "group", "model.groups": 4}),
        ("ann", {"model.activation": "tanh"}),
        ("ann", {"data.augment": ["crop"], "data.crop_padding": 2}),
        ("ann", {"training.momentum": 0.5, "training.optimizer": "sgd"}),
        ("ann", {"training.milestones": [0.3], "training.decay": 0.5, "training.schedule": "steps"}),
        ("ann-q4", {"model.quantization.granularity": "channel", "model.quantization.first_layer": False}),
        ("ann", {"audit.releases": [8], "model.quantization.granularity": "channel", "model.quantization.calibration": 9}),
        ("snn", {"model.quantization.membrane_bits": 4, "model.quantization.membrane_limits": [0.1, 0.1], "model.readout": "spike-count"}),
        ("ann", {"audit.claimed_delta": 1e-5, "audit.claimed_epsilon": 1.0}),
        ("ann-vgg9", {"model.width": 0.5, "model.dropout": 0.2}),
        ("ann-resnet18", {"model.width": 0.5}),
    ],
)
def test_a_setting_that_does_something_is_taken(target: str, changes: dict[str, Any]) -> None:
    """Where it is read, and a second time from the resolved recipe that a record holds."""
    recipe = describe(target, Options(settings=changes))
    assert describe(recipe, Options()) == recipe


@pytest.mark.parametrize("name", target_names())
def test_the_zoo_has_no_idle_setting(name: str) -> None:
    """On data of every kind; what a data set fills in without use is nobody's setting."""
    for dataset in (None, "iris", "mnist", "nmnist-small"):
        try:
            recipe = describe(name, Options(dataset=dataset))
        except AuditError as error:
            assert "does nothing" not in str(error)  # noqa: PT017  too small an image is no matter here
        else:
            assert describe(recipe, Options()) == recipe


def grid(bits: Any, limits: list[float], threshold: float = 1.0) -> dict[str, Any]:
    """Return settings of a grid of membranes."""
    place = "model.quantization.membrane_"
    return {f"{place}bits": bits, f"{place}limits": limits, "model.neuron.threshold": threshold}


GRIDS = [(bits, [lower, upper], threshold) for bits in (1, 2, 4, 8) for lower in (0.0, 0.5) for upper in (0.0, 1e-9, 1e-3, 0.2, 5.0)
         for threshold in (1e-3, 1.0, 7.3)]  # fmt: skip


@pytest.mark.parametrize(("bits", "limits", "threshold"), GRIDS)
def test_a_grid_is_refused_where_the_engine_never_fires(bits: Any, limits: list[float], threshold: float) -> None:
    """Against the engine itself: membranes up to ten thresholds, put on its levels, and held against its threshold."""
    neuron = load_recipe("snn").model.neuron
    assert neuron is not None
    engine = dynamics(
        neuron.model_copy(update={"threshold": threshold}),
        Quantization.model_validate({"membrane_bits": bits, "membrane_limits": tuple(limits)}),
    )
    assert engine.levels is not None
    membranes = torch.linspace(0, 10 * threshold, 20_001)
    fires = bool(torch.gt(nearest_level(membranes, engine.levels), engine.threshold).any())
    try:
        describe("snn", Options(settings=grid(bits, limits, threshold)))
    except RecipeError as refusal:
        assert not fires, refusal  # noqa: PT017  whichever of the two it is
        assert "quantization.membrane_limits needs a level above the threshold" in str(refusal)  # noqa: PT017
    else:
        assert fires


def test_levels_far_from_the_threshold_are_refused() -> None:
    """Between the two lowest levels of a very wide grid lies more than a membrane ever holds."""
    with pytest.raises(RecipeError, match=r"needs levels near the threshold 1, got \[0.0, 1000.0\] and 4 bits: neurons fire from 32.4 on"):
        describe("snn", Options(settings=grid(4, [0, 1000.0])))


def test_a_byte_order_mark_is_no_part_of_a_recipe(tmp_path: Path) -> None:
    """Editors of another world put one before the first key."""
    path = tmp_path / "mine.toml"
    path.write_text('\ufeffname = "mine"\nsummary = "One."\n', encoding="utf-8")
    assert parse_recipe(path).name == "mine"


DEEP = "[" * 5000 + "]" * 5000
RESIDUAL = "{kind='residual',body=[" * 300 + "]}" * 300


@pytest.mark.parametrize("text", [f"x = {DEEP}", f"[{'.'.join('a' * 5000)}]\nx = 1", f"[model]\nlayers = [{RESIDUAL}]"])
def test_a_recipe_nested_deep_is_one_line(tmp_path: Path, text: str) -> None:
    """Arrays in arrays, tables in tables, layers in layers."""
    path = tmp_path / "mine.toml"
    path.write_text(f'name = "mine"\nsummary = "One."\n{text}\n', encoding="utf-8")
    with pytest.raises(RecipeError) as refusal:
        parse_recipe(path)
    assert "mine.toml" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 20_000


def test_a_setting_nested_deep_is_one_line() -> None:
    """On the command line too."""
    with pytest.raises(RecipeError, match=r"^--set model\.hidden needs a value of a few levels"):
        parse_setting(f"model.hidden={DEEP}")
