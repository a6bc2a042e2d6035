"""Networks in .onnx, exported by torch itself: answers within 1e-4 of the module's, and files that name other files refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mia_audit.errors import AuditError
from mia_audit.external import networks, onnx_file
from mia_audit.external.recipe import External

onnx: Any = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
helper, FLOAT, EXTERNAL = onnx.helper, onnx.TensorProto.FLOAT, onnx.TensorProto.EXTERNAL


def module() -> nn.Module:
    """Return a network of convolution, pooling and a linear layer."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 5)).eval()


def made(path: Path, nodes: list[Any], batch: int | str = "n", **tensors: Any) -> Path:
    """Write a graph of one input [batch, 3] and the outputs of its nodes."""
    x = helper.make_tensor_value_info("x", FLOAT, [batch, 3])
    outputs = [helper.make_tensor_value_info(node.output[0], FLOAT, None) for node in nodes]
    graph = helper.make_graph(nodes, "g", [x], outputs, list(tensors.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("strange", 1)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_an_exported_network_answers_as_its_module(tmp_path: Path) -> None:
    """To 1e-4, with whatever batch it is asked; the recipe needs no code."""
    pytest.importorskip("onnxscript")
    net, x = module(), torch.randn(7, 1, 8, 8)
    path = tmp_path / "net.onnx"
    shapes = {0: torch.export.Dim("batch", min=1)}
    torch.onnx.export(net, (torch.randn(2, 1, 8, 8),), path, dynamo=True, external_data=False, dynamic_shapes=(shapes,), verbose=False)
    asked, notes = networks.built(External(checkpoint="net.onnx"), tmp_path)
    torch.testing.assert_close(asked(x), net(x).detach(), atol=1e-4, rtol=1e-4)
    assert notes[0].startswith("net.onnx, run by onnxruntime ")


@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_fixed_batches_are_filled_up_and_several_outputs_stand_beside_each_other(tmp_path: Path, batch: int | str) -> None:
    """Ten rows in batches of four: every row is answered, and once."""
    nodes = [helper.make_node("Neg", ["x"], ["a"]), helper.make_node("Abs", ["x"], ["b"])]
    asked, _ = onnx_file.network(made(tmp_path / "n.onnx", nodes, batch))
    x = torch.randn(10, 3)
    first, second = asked(x)
    assert torch.equal(first, -x)
    assert torch.equal(second, x.abs())


def elsewhere(path: Path) -> Path:
    """Write weights that lie in another file."""
    weight = helper.make_tensor("w", FLOAT, [3], bytes(12), raw=True)
    onnx.external_data_helper.set_external_data(weight, location="../../etc/passwd", offset=0, length=12)
    weight.ClearField("raw_data")
    weight.data_location = EXTERNAL
    return made(path / "elsewhere.onnx", [helper.make_node("Add", ["x", "w"], ["y"])], w=weight)


def strange(path: Path) -> Path:
    """Write an operator that nobody has."""
    return made(path / "strange.onnx", [helper.make_node("Run", ["x"], ["y"], domain="strange")])


def cut(path: Path) -> Path:
    """Write half of a network."""
    whole = made(path / "cut.onnx", [helper.make_node("Neg", ["x"], ["y"])])
    whole.write_bytes(whole.read_bytes()[:-9])
    return whole


def page(path: Path) -> Path:
    """Write what a server says instead."""
    (path / "page.onnx").write_text("<html>404</html>")
    return path / "page.onnx"


def empty(path: Path) -> Path:
    """Write nothing."""
    (path / "empty.onnx").touch()
    return path / "empty.onnx"


@pytest.mark.parametrize("make", [elsewhere, strange, cut, page, empty], ids=lambda make: make.__name__)
def test_hostile_networks_end_in_one_line(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    """Nothing outside the file is read."""
    path = make(tmp_path)
    with pytest.raises(AuditError) as caught:
        onnx_file.network(path)
    assert str(caught.value).isprintable()
    if make is elsewhere:
        assert "its weights lie in other files, which are not read" in str(caught.value)


def test_a_recipe_without_code_needs_an_onnx(tmp_path: Path) -> None:
    """And says so."""
    from mia_audit.external import recipe  # noqa: PLC0415

    text = "[external]\ncheckpoint = '{}'\n[data]\ndataset = 'digits'\nmembers = 'm'\nnonmembers = 'n'\n"
    (tmp_path / "t.toml").write_text(text.format("c.pth"))
    with pytest.raises(
        AuditError, match=r"needs model = 'file:name', the code that builds the network, or a checkpoint that needs none \(.onnx, .skops, "
    ):
        recipe.load(tmp_path / "t.toml")
    (tmp_path / "t.toml").write_text(text.format("c.onnx"))
    assert recipe.load(tmp_path / "t.toml")[0].external.checkpoint == "c.onnx"
