"""Networks that the user's own library builds by name, folders of transformers, and programs: TorchScript and .pt2."""

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import torchvision
from torch import nn

from mia_audit.cli.main import main
from mia_audit.errors import AuditError
from mia_audit.external import code, networks, program
from mia_audit.external.recipe import External


def refused(*arguments: str) -> int:
    """Run the command line and return its exit code."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


def test_torchvision_builds_by_name_and_the_file_has_the_weights(tmp_path: Path) -> None:
    """With what the user says of it; nothing is fetched."""
    torch.manual_seed(0)
    net = torchvision.models.squeezenet1_1(num_classes=4).eval()
    safetensors.torch.save_model(net, str(tmp_path / "w.safetensors"))
    external = External(checkpoint="w.safetensors", model="torchvision:squeezenet1_1", arguments={"num_classes": 4})
    asked, notes = networks.built(external, tmp_path)
    x = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(asked.eval()(x), net(x), atol=1e-4, rtol=0)
    assert notes[0].startswith("SqueezeNet with ")
    with pytest.raises(AuditError, match=r"needs shape \[1000, .*got \[4"):
        networks.built(external.model_copy(update={"arguments": {}}), tmp_path)
    with pytest.raises(AuditError, match="model torchvision:nobody could not be built, got ValueError: Unknown model nobody"):
        networks.built(external.model_copy(update={"model": "torchvision:nobody"}), tmp_path)
    for each in ("weights_backbone", "pretrained", "checkpoint_path"):
        with pytest.raises(AuditError, match=f"takes no argument '{each}': its weights come from the file"):
            networks.built(external.model_copy(update={"arguments": {each: "x"}}), tmp_path)
    with pytest.raises(AuditError, match="needs weights, got none"):
        networks.built(External(model="torchvision:squeezenet1_1"), tmp_path)


@pytest.fixture(name="library")
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Return what installs a library for one test."""
    (tmp_path / "installed").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "installed")
    names: list[str] = []

    def install(name: str, text: str) -> None:
        names.append(name)
        (tmp_path / "installed" / f"{name}.py").write_text(text)

    yield install
    for name in names:
        sys.modules.pop(name, None)


TIMM = """
from torch import nn
def create_model(name, pretrained, num_classes=10):
    if pretrained or name != "net":
        raise RuntimeError(f"Unknown model ({name})")
    return nn.Linear(3, num_classes)
"""


def test_timm_builds_by_name(tmp_path: Path, library: Callable[[str, str], None]) -> None:
    """A library that stands in for it: never asked for its own weights."""
    library("timm", TIMM)
    net = nn.Linear(3, 2)
    torch.save(net.state_dict(), tmp_path / "w.pth")
    asked, _ = networks.built(External(checkpoint="w.pth", model="timm:net", arguments={"num_classes": 2}), tmp_path)
    assert torch.equal(asked.weight, net.weight)
    with pytest.raises(AuditError, match=r"model timm:no.such could not be built, got RuntimeError: Unknown model \(no.such\)"):
        networks.built(External(checkpoint="w.pth", model="timm:no.such"), tmp_path)


def test_a_library_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With how to install it."""
    monkeypatch.setitem(sys.modules, "timm", None)
    torch.save(nn.Linear(3, 2).state_dict(), tmp_path / "w.pth")
    with pytest.raises(AuditError, match="needs timm of your own, which is not installed; pip install timm"):
        networks.built(External(checkpoint="w.pth", model="timm:net"), tmp_path)


TRANSFORMERS = """
import types
import torch
from torch import nn
class NetForImageClassification(nn.Module):
    lost = ()
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
    @classmethod
    def from_pretrained(cls, folder, local_files_only, trust_remote_code, use_safetensors, output_loading_info):
        import safetensors.torch
        assert local_files_only and use_safetensors and output_loading_info and not trust_remote_code
        made = cls()
        weights = safetensors.torch.load_file(folder / "model.safetensors")
        missing = [key for key in made.state_dict() if key not in weights]
        made.load_state_dict(weights, strict=False)
        return made, {"missing_keys": missing, "unexpected_keys": [], "mismatched_keys": []}
    def forward(self, x):
        return types.SimpleNamespace(logits=self.layer(x.mean((2, 3))))
"""


def folder_of(path: Path, **config: Any) -> Path:
    """Write a folder as save_pretrained does."""
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"architectures": ["NetForImageClassification"], **config}))
    torch.manual_seed(0)
    safetensors.torch.save_file(
        {f"layer.{name}": value for name, value in nn.Linear(3, 2).state_dict().items()}, path / "model.safetensors"
    )
    return path


def test_a_folder_of_transformers_is_read_by_the_users_own(tmp_path: Path, library: Callable[[str, str], None]) -> None:
    """Pictures are standardised as it says; its logits are taken; keys that are missing are no network."""
    library("transformers", TRANSFORMERS)
    folder = folder_of(tmp_path / "net")
    asked, notes = networks.built(External(checkpoint="net", model="transformers"), tmp_path)
    x = torch.rand(5, 3, 4, 4)
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    means = x.mean((2, 3))
    torch.testing.assert_close(asked(x).detach(), means @ weights["layer.weight"].T + weights["layer.bias"])
    assert notes == ("NetForImageClassification with 8 parameters from net.",)
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}))
    asked, notes = networks.built(External(checkpoint="net", model="transformers"), tmp_path)
    torch.testing.assert_close(asked(x).detach(), (means - 0.5) / 0.25 @ weights["layer.weight"].T + weights["layer.bias"])
    assert "Pictures are standardised as preprocessor_config.json says" in notes[1]
    safetensors.torch.save_file({"layer.bias": torch.zeros(2)}, folder / "model.safetensors")
    with pytest.raises(AuditError, match=r"needs weights for all of the network and no others, got 1 that do not fit \(layer.weight\)"):
        networks.built(External(checkpoint="net", model="transformers"), tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"auto_map": {"AutoModel": "evil.py--Net"}}, r"names code of its own \(auto_map\), which is not run"),
        ({"architectures": ["NetForCausalLM"]}, "needs an architecture for classification, got NetForCausalLM"),
        ({"architectures": None}, "needs an architecture for classification, got none"),
        ({"architectures": [3]}, "needs an architecture for classification, got 3"),
    ],
)
def test_folders_that_are_no_classifiers_are_refused(
    tmp_path: Path, library: Callable[[str, str], None], config: dict[str, Any], message: str
) -> None:
    """Before the library is imported."""
    library("transformers", "raise SystemExit")
    folder_of(tmp_path / "net", **config)
    with pytest.raises(AuditError, match=message):
        networks.built(External(checkpoint="net", model="transformers"), tmp_path)


@pytest.mark.parametrize("content", ["[]", "{", "[" * 100_000, ""])
def test_configurations_that_are_none_are_refused(tmp_path: Path, content: str) -> None:
    """In one line."""
    folder = folder_of(tmp_path / "net")
    (folder / "config.json").write_text(content)
    with pytest.raises(AuditError, match=r"config.json: needs to be a configuration in JSON") as caught:
        networks.built(External(checkpoint="net", model="transformers"), tmp_path)
    assert str(caught.value).isprintable()


def test_weights_in_a_pickle_are_no_folder_of_transformers(tmp_path: Path) -> None:
    """It says how to save them."""
    folder = folder_of(tmp_path / "net")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(AuditError, match=r"needs weights in .safetensors, got none; save it with model.save_pretrained"):
        networks.built(External(checkpoint="net", model="transformers"), tmp_path)


def net() -> nn.Module:
    """Return a small network."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10)).eval()


def scripted(path: Path) -> Path:
    """Write TorchScript, as torch does."""
    traced: Any = torch.jit.trace(net(), torch.rand(2, 1, 8, 8))
    traced.save(str(path / "net.pt"))
    return path / "net.pt"


def exported(path: Path) -> Path:
    """Write a .pt2, as torch does, for batches of any size."""
    shapes = ({0: torch.export.Dim("batch", min=1)},)
    torch.export.save(torch.export.export(net(), (torch.rand(2, 1, 8, 8),), dynamic_shapes=shapes), path / "net.pt2")
    return path / "net.pt2"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [scripted, exported], ids=lambda make: make.__name__)
def test_a_program_answers_as_its_module_and_only_when_trusted(
    tmp_path: Path, make: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Logits within 1e-4; without --trust-code neither init nor run reads it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    path = make(tmp_path)
    external = External(checkpoint=path.name)
    asked, notes = networks.built(external, tmp_path)
    x = torch.rand(7, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(asked(x), net()(x), atol=1e-4, rtol=0)
    assert "a program" in notes[0]
    Path("m.txt").write_text("\n".join(map(str, range(30))))
    sides = ("--dataset", "digits", "--members", "m.txt", "--nonmembers", "rest")
    assert refused("init", path.name, *sides, "-o", "t.toml") == 2
    assert "is a program, which may do what you may; give --trust-code" in capsys.readouterr().err
    assert not Path("t.toml").exists()
    Path("t.toml").write_text(
        f"[external]\ncheckpoint = '{path.name}'\n[data]\ndataset = 'digits'\nmembers = 'm.txt'\nnonmembers = 'rest'\n"
    )
    assert refused("run", "--target", "t.toml") == 2
    assert f"running this recipe needs the code in {path.name}" in capsys.readouterr().err


def test_a_program_that_was_trusted_and_changed_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its content."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "p.pt2").write_bytes(b"one")
    run = code.files(External(checkpoint="p.pt2"), tmp_path)
    assert run == (tmp_path / "p.pt2",)
    code.trust(run, "recipe")
    code.require_trusted(run, "recipe", trusted=False)
    (tmp_path / "p.pt2").write_bytes(b"two")
    with pytest.raises(AuditError, match=r"needs the code in p.pt2"):
        code.require_trusted(run, "recipe", trusted=False)


def test_weights_in_a_pt_are_no_program(tmp_path: Path) -> None:
    """They need the code that builds their network."""
    torch.save(net().state_dict(), tmp_path / "w.pt")
    assert not program.is_program(tmp_path / "w.pt")
    with pytest.raises(AuditError, match=r"w.pt: weights need the code that builds their network"):
        networks.built(External(checkpoint="w.pt"), tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["p.pt2", "p.ts"])
@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04"])
def test_programs_that_are_none_end_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    """Cut, empty, or what a server says instead."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AuditError) as caught:
        networks.built(External(checkpoint=name), tmp_path)
    assert str(caught.value).isprintable()


def test_what_no_key_says_of_brevitas_is_said(tmp_path: Path) -> None:
    """Bits, and scales that statistics make: another width loads without a word."""
    from brevitas import nn as qnn  # noqa: PLC0415

    def layers(bits: int) -> nn.Module:
        return nn.Sequential(qnn.QuantLinear(4, 3, bias=True, weight_bit_width=bits), qnn.QuantReLU(bit_width=bits))

    trained = layers(4)
    torch.save(trained.state_dict(), tmp_path / "uncalibrated.pth")
    for _ in range(301):  # until its scales are set
        trained(torch.rand(2, 4))
    torch.save(trained.state_dict(), tmp_path / "w.pth")
    (tmp_path / "q.py").write_text(
        "from brevitas import nn as qnn\nfrom torch import nn\n"
        "def make():\n    return nn.Sequential(qnn.QuantLinear(4, 3, bias=True, weight_bit_width=8), qnn.QuantReLU(bit_width=8))\n"
    )
    _, notes = networks.built(External(checkpoint="w.pth", model="q:make"), tmp_path)
    assert notes[1].startswith("Bits stand in no key of the file, the code decides them (0 weights 8, 1 activations 8)")
    assert notes[2].startswith("Scales of 1 quantizers are statistics of the weights and stand in no key")
    assert notes[3].startswith("Scales of 1 quantizers come from batches that the network saw")
    with pytest.raises(AuditError, match=r"needs the module's 3 keys, got 1 missing \(1.act_quant.*tensor_quant.sca"):
        networks.built(External(checkpoint="uncalibrated.pth", model="q:make"), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("w.pth", "--weights", "w.pth"), "--weights needs a TARGET that is a name, such as timm:resnet18, got 'w.pth'"),
        (("timm:net", "--argument", "classes"), "--argument needs KEY=VALUE, got 'classes'"),
        (("http://localhost/x", "--model", "net:Net"), "needs an endpoint or a network of its own, got both"),
        (("net.pth",), r"needs model = 'file:name', the code that builds the network, or a checkpoint that needs none"),
        (("net.nir", "--reset", "now"), "reset"),
    ],
)
def test_what_init_is_not_told_rightly_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    """Nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert refused("init", *arguments, "--dataset", "digits", "--members", "m", "--nonmembers", "n", "-o", "t.toml") == 2
    assert re.search(message, " ".join(capsys.readouterr().err.split()))
    assert not any(tmp_path.iterdir())


def test_what_init_is_told_of_a_named_network_stands_in_the_recipe() -> None:
    """Numbers as numbers, words as words."""
    from mia_audit.cli import init  # noqa: PLC0415

    assert init._arguments(["num_classes=10", "act=relu", "deep=true", "size=[1, 2]"]) == {
        "num_classes": 10,
        "act": "relu",
        "deep": True,
        "size": [1, 2],
    }
    assert init._target("timm:net", "w.pth", "", str) == {"checkpoint": "w.pth", "model": "timm:net"}
    assert init._target("https://host/x", "", "", str) == {"endpoint": "https://host/x", "model": ""}


def test_the_network_of_the_docs_is_one_that_init_takes(tmp_path: Path) -> None:
    """Its spikes and membranes come out of what it saved, as out of itself; it resets its own states."""
    shutil.copy(Path(__file__).parent.parent / "docs" / "snntorch" / "net.py", tmp_path)
    own = code.named("net:Net", tmp_path)()
    torch.save(own.state_dict(), tmp_path / "checkpoint.pth")
    asked, notes = networks.built(External(checkpoint="checkpoint.pth", model="net:Net"), tmp_path)
    x = torch.rand(3, 1, 28, 28)
    with torch.no_grad():
        for _ in range(2):
            torch.testing.assert_close(asked(x), own(x))
    assert asked(x)[1].shape == (25, 3, 10)
    assert notes[0] == "Net with 203530 parameters from checkpoint.pth."
