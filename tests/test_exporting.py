"""Networks of the zoo handed on: what another framework loads gives the engine's logits, and nothing tells where it was made."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from mia_audit.catalogue import load_recipe, override
from mia_audit.cli.main import main
from mia_audit.errors import AuditError
from mia_audit.exporting import writing
from mia_audit.external import networks
from mia_audit.external.recipe import External
from mia_audit.models.network import Population
from tests.support.engine_runs import small_audit
from tests.support.zoo import SMALL

CLASSES, MODELS, NUMBER = 3, 2, 1


def target(name: str, architecture: str, **settings: Any) -> writing.Target:
    """Return one of two networks with random weights, statistics and scales."""
    shape, width, more = SMALL[architecture]
    wanted = {
        "model.architecture": architecture,
        "training.precision": "fp32",
        **{f"model.{key}": value for key, value in settings.items()},
    }
    base = override(load_recipe(name), wanted)
    recipe = base.model_copy(update={"model": base.model.model_copy(update={"width": width, **more})})
    generators = [torch.Generator().manual_seed(number) for number in range(MODELS)]
    frames = recipe.model.encoding in {"events", "delta"}
    population = Population(recipe.model, shape, CLASSES, generators)
    torch.manual_seed(0)
    state = population.state_dict() | {key: each.detach() for key, each in population.named_parameters()}
    for key, each in state.items():
        if key.endswith(("scaling_impl.value", "running_var", "magnitude")):
            state[key] = torch.rand_like(each) + 0.5
        elif each.is_floating_point():
            state[key] = 3 * each + 0.05 * torch.randn_like(each)
    cohort = {key: each.numpy() for key, each in state.items()}
    steps = (recipe.model.time_steps,) if frames else ()
    return writing.Target(recipe=recipe, cohort=cohort, number=NUMBER, shape=(*steps, *shape), classes=CLASSES)


QUANTIZED = {"quantization.weight_bits": 4, "quantization.activation_bits": 4, "quantization.input_bits": 8}
KINDS = (
    ("torch", "ann", "mlp", {}),
    ("torch", "ann", "conv", {"norm": "batch"}),
    ("torch", "ann", "vgg5", {**QUANTIZED, "norm": "batch"}),
    ("torch", "ann", "mlp", {"quantization.weight_bits": 1, "quantization.activation_bits": 1}),
    ("torch", "ann", "net1", {"activation": "tanh"}),
    ("torch", "snn", "mlp", {"norm": "group", "groups": 1}),
    ("torch", "snn", "conv", {"neuron.reset": "zero", "readout": "membrane-last"}),
    ("torch", "snn", "net2", {"readout": "accumulated"}),
    ("torch", "snn", "seed-conv", {"readout": "spike-count"}),
    ("torch", "snn", "resnet18", {"norm": "batch", "time_steps": 3}),
    ("torch", "snn", "mlp", {**QUANTIZED, "quantization.granularity": "channel"}),
    ("torch", "snn", "mlp", {"quantization.weight_bits": 1, "quantization.activation_bits": 1}),
    ("torch", "snn", "conv", {"encoding": "rate"}),
    ("torch", "snn", "conv", {"encoding": "events"}),
    ("snntorch", "snn", "mlp", {}),
    ("snntorch", "snn", "conv", {"neuron.reset": "zero", "norm": "batch"}),
    ("snntorch", "snn", "net2", {"readout": "accumulated"}),
    ("snntorch", "snn", "resnet18", {"readout": "spike-count", "norm": "batch", "time_steps": 3}),
    ("brevitas", "ann", "mlp", QUANTIZED),
    ("brevitas", "ann", "conv", {**QUANTIZED, "quantization.granularity": "channel"}),
    ("brevitas", "snn", "conv", {**QUANTIZED, "norm": "batch"}),
    ("brevitas", "ann", "mlp", {"quantization.weight_bits": 2, "quantization.first_layer": False, "quantization.last_layer": False}),
    ("nir", "snn", "mlp", {"readout": "accumulated"}),
    ("nir", "snn", "mlp", {"readout": "spike-count", "norm": "batch"}),
    ("nir", "snn", "vgg5", {"readout": "spike-count", "norm": "batch", "neuron.reset": "zero", "time_steps": 6}),
    ("nir", "snn", "mlp", {"readout": "accumulated", "neuron.beta": 1.0}),
)  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "name", "architecture", "settings"), KINDS)
def test_what_another_framework_loads_gives_the_engines_logits(
    tmp_path: Path, kind: str, name: str, architecture: str, settings: dict[str, Any]
) -> None:
    """The second network of two, its weights in the files of a format; `write` refuses what answers otherwise, within 1e-4."""
    if kind == "nir":
        pytest.importorskip("nir")
    said: list[str] = []
    folder = writing.write(target(name, architecture, **settings), kind, tmp_path / "out", said.append)
    probe = np.load(folder / "probe.npz")
    assert probe["logits"].shape == (writing.ASKED, CLASSES)
    assert len(np.unique(probe["logits"].round(6), axis=0)) > 2, "a network that tells inputs apart"
    assert "are the engine's" in said[0]
    for path in folder.iterdir():
        content = path.read_bytes()
        assert not re.search(rb"/(work|home|tmp|root|usr)/", content), path
        assert str(tmp_path).encode() not in content


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
@pytest.mark.parametrize(("name", "architecture", "settings"), [("ann", "conv", QUANTIZED), ("snn", "mlp", {"time_steps": 4})])
def test_onnx_gives_the_engines_logits(tmp_path: Path, name: str, architecture: str, settings: dict[str, Any]) -> None:
    """Rounding and neurons included; by onnxruntime, in batches of any size, and without a trace of this machine."""
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    folder = writing.write(target(name, architecture, **settings), "onnx", tmp_path / "out", lambda _: None)
    assert {path.name for path in folder.iterdir()} == {"network.onnx", "probe.npz"}
    assert not re.search(rb"/(work|home|tmp|root|usr)/|site-packages", (folder / "network.onnx").read_bytes())
    probe = np.load(folder / "probe.npz")
    asked, _ = networks.built(External(checkpoint="network.onnx"), folder)
    np.testing.assert_allclose(asked(torch.from_numpy(probe["x"][:5])).numpy(), probe["logits"][:5], atol=1e-4)


def test_an_answer_that_is_another_is_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a format's arithmetic another, it would be said."""
    monkeypatch.setattr(writing, "CLOSE", -1.0)
    with pytest.raises(AuditError, match="what torch loads answers otherwise than the engine"):
        writing.write(target("ann", "mlp"), "torch", tmp_path / "out", lambda _: None)


@pytest.mark.parametrize(
    ("kind", "name", "architecture", "settings", "message"),
    [
        ("nir", "ann", "mlp", {}, "nir holds spiking networks, got one without neurons"),
        ("nir", "snn", "mlp", {}, "nir holds spike-count and accumulated readouts, got membrane-mean"),
        ("nir", "snn", "conv", {"readout": "spike-count"}, "nir has no node for max pooling"),
        ("nir", "snn", "mlp", {"readout": "spike-count", **QUANTIZED}, "nir has no node for quantized currents"),
        ("nir", "snn", "resnet18", {"readout": "spike-count", "norm": "batch"}, "nir has no node for residual connections"),
        ("snntorch", "ann", "mlp", {}, "snntorch holds spiking networks"),
        ("brevitas", "snn", "mlp", {}, "brevitas holds quantized networks, got one in full precision"),
        ("brevitas", "ann", "mlp", {"quantization.weight_bits": 1}, "brevitas has no quantizer of one bit"),
        ("torch", "snn", "mlp", {"quantization.membrane_bits": 4}, "export needs membranes in full precision"),
        ("torch", "snn", "mlp", {"norm": "batch-per-step"}, "got batch-per-step"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_with_the_reason(  # noqa: PLR0917  a table's columns
    tmp_path: Path, kind: str, name: str, architecture: str, settings: dict[str, Any], message: str
) -> None:
    """In one line."""
    pytest.importorskip("nir")
    with pytest.raises(AuditError, match=message):
        writing.write(target(name, architecture, **settings), kind, tmp_path / "out", lambda _: None)


@pytest.mark.slow
def test_the_target_of_a_record_is_exported_and_read_by_init(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its weights come from the store; the files are a checkpoint and its code; without the store, or with files there, it is said."""
    monkeypatch.chdir(tmp_path)
    small_audit(tmp_path, "snn-q4", attacks="loss", shadows=2, settings={"training.epochs": 1})

    def run(*more: str) -> int:
        with pytest.raises(SystemExit) as end:
            main(["export-model", "record", "--store", "store", *more])
        return int(end.value.code or 0)

    assert run("--format", "torch") == 0
    assert "The audit multiplied in bfloat16, this network in float32" in capsys.readouterr().out
    folder = tmp_path / "record-torch"
    net, _ = networks.built(External(checkpoint="weights.safetensors", model="network:Net"), folder)
    probe = np.load(folder / "probe.npz")
    with torch.inference_mode():
        np.testing.assert_allclose(net.eval()(torch.from_numpy(probe["x"])).numpy(), probe["logits"], atol=1e-4)
    trained = next(each for each in safetensors.torch.load_file(folder / "weights.safetensors").values() if each.ndim > 1)
    assert trained.abs().max() > 0
    assert run("--format", "torch") == 2
    assert "needs a folder that is empty or not there" in capsys.readouterr().err
    assert run("--format", "onxx") == 2
    assert "did you mean 'onnx'" in capsys.readouterr().err
    assert run("--format", "onnx", "--store", "nowhere") == 2
    assert "export needs the target's weights, got none of this record" in capsys.readouterr().err
