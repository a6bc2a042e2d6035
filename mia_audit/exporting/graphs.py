"""A network as a graph of another format: .onnx, exported by torch from the network's own file, and .nir, made of NIR's nodes."""

import math
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mia_audit.errors import OutputError, RecipeError
from mia_audit.exporting.parts import Part, Single
from mia_audit.extras import extra
from mia_audit.types import Floats

DT = 1e-4
"""Seconds of a step in a .nir, as snnTorch exports it; a network in discrete time has none of its own."""
_NOT_IN_NIR = {
    "max": "max pooling", "relu": "ReLU", "tanh": "tanh", "grid": "quantized currents", "sign": "currents of one bit",
    "group": "group normalization", "mean": "a mean over places",
}  # fmt: skip
_NO_MEMBRANES = "NIR gives out what neurons send, not the membrane of ones that fire"


def onnx(net: nn.Module, example: Tensor, path: Path, *, frames: bool) -> None:
    """Write a network for onnxruntime, for batches of any size, without anything that tells where it was made."""
    extra("onnxscript", "export-model --format onnx", OutputError)
    batch = torch.export.Dim("batch", min=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program: Any = torch.onnx.export(
            net, (example,), dynamo=True, verbose=False, dynamic_shapes=({int(frames): batch},), input_names=["x"], output_names=["logits"]
        )
    for each in (program.model, program.model.graph, *program.model.graph.all_nodes(), *program.model.functions.values()):
        each.metadata_props.clear()  # stack traces, with paths of this machine
        each.doc_string = None
    program.save(path, external_data=False)


def nir(network: Single, shape: tuple[int, ...], path: Path) -> str:
    """Write a network as a graph, and return the reset that its neurons need; RecipeError where NIR has no node for a part of it.

    shape  of one input, channels first
    """
    library = extra("nir", "export-model --format nir", OutputError)
    _require(network)
    nodes: dict[str, Any] = {"input": library.Input(input_type={"input": np.array(shape)})}
    x, resets = torch.zeros(1, *shape), set[str]()
    for place, part in enumerate((*_folded(network.parts), *_readout(network))):
        nodes[f"{place}-{part.kind}"], x = _node(library, part, x)
        resets |= (
            {"zero" if part.values["zero"] else "subtract-next"}
            if part.kind == "leaky" and not math.isinf(part.values["threshold"])
            else set()
        )
    nodes["output"] = library.Output(output_type={"output": np.array(x.shape[1:])})
    names = list(nodes)
    library.write(path, library.NIRGraph(nodes=nodes, edges=list(pairwise(names)), type_check=False))
    return resets.pop() if resets else "zero"


def _require(network: Single) -> None:
    if network.neuron is None:
        raise RecipeError("nir holds spiking networks, got one without neurons; use --format onnx")
    if network.readout not in {"spike-count", "accumulated"}:
        raise RecipeError(f"nir holds spike-count and accumulated readouts, got {network.readout}: {_NO_MEMBRANES}; use --format torch")
    if network.frames:
        raise RecipeError("nir here holds networks of direct input, got frames; use --format torch")
    wrong = next((part.kind for part in network.every() if part.kind in _NOT_IN_NIR or part.kind == "sum"), None)
    if wrong is not None:
        what = _NOT_IN_NIR.get(wrong, "residual connections")
        raise RecipeError(f"nir has no node for {what}; use --format torch, or a target without it")
    if len({part.values["zero"] for part in network.every() if part.kind == "leaky"} | _own_reset(network)) > 1:
        raise RecipeError("nir here holds neurons of one reset, got both; use --format torch")


def _own_reset(network: Single) -> set[Any]:
    return {network.neuron.values["zero"]} if network.neuron is not None and network.readout == "spike-count" else set()


def _readout(network: Single) -> tuple[Part, ...]:
    """Return the readout neurons: ones that never fire give out their membrane, a step's share of it."""
    assert network.neuron is not None, "it was required"  # noqa: S101
    if network.readout == "spike-count":
        return (network.neuron,)
    return network.neuron, Part(kind="share", values={"share": 1 / network.steps})


def _folded(parts: tuple[Part, ...]) -> Iterator[Part]:
    """Yield parts with batch normalization, which only scales and shifts now, taken into the layer before it."""
    held: Part | None = None
    for part in parts:
        if part.kind == "batch" and held is not None:
            of = part.tensors
            scale = of["weight"].double() * torch.rsqrt(of["running_var"].double() + part.values["epsilon"])
            weight = held.tensors["weight"].double() * scale.view(-1, *(1,) * (held.tensors["weight"].ndim - 1))
            bias = (held.tensors["bias"].double() - of["running_mean"].double()) * scale + of["bias"].double()
            held = Part(kind=held.kind, values=held.values, tensors={"weight": weight, "bias": bias})
            continue
        if held is not None:
            yield held
        held = part if part.kind in {"conv", "linear"} else None
        if held is None:
            yield part
    if held is not None:
        yield held


def _node(library: Any, part: Part, x: Tensor) -> tuple[Any, Tensor]:
    """Return a node, and what a batch of one becomes behind it, of which its shape counts."""
    of = part.values
    weight, bias = (_array(part.tensors[name]) if name in part.tensors else np.zeros(0) for name in ("weight", "bias"))
    if part.kind == "conv":
        pairs = {name: (int(of[name]),) * 2 for name in ("stride", "padding")}
        node = library.Conv2d(input_shape=tuple(x.shape[2:]), weight=weight, bias=bias, dilation=(1, 1), groups=1, **pairs)
        return node, torch.nn.functional.conv2d(x, torch.zeros(weight.shape), stride=pairs["stride"], padding=pairs["padding"])
    if part.kind == "linear":
        return library.Affine(weight=weight, bias=bias), torch.zeros(1, len(weight))
    if part.kind == "average":
        size, every = np.array([of["size"]] * 2), np.array([of["every"]] * 2)
        node = library.AvgPool2d(kernel_size=size, stride=every, padding=np.array([0, 0]))
        return node, torch.nn.functional.avg_pool2d(x, int(of["size"]), int(of["every"]))
    if part.kind == "flatten":
        return library.Flatten(start_dim=0, end_dim=-1, input_type={"input": np.array(x.shape[1:])}), x.flatten(1)
    shape = x.shape[1:]
    if part.kind == "share":
        return library.Scale(scale=np.full(shape, of["share"])), x
    return _neuron(library, part, shape), x


def _neuron(library: Any, part: Part, shape: torch.Size) -> Any:
    """Return a neuron that an Euler step of DT moves as the engine does: U <- beta U + I."""
    beta, threshold = float(part.values["beta"]), float(part.values["threshold"])
    fires, leaks = not math.isinf(threshold), beta < 1
    tau = DT / (1 - beta) if leaks else 0.0
    r = np.full(shape, tau / DT if leaks else 1 / DT)
    limits = {"v_threshold": np.full(shape, threshold), "v_reset": np.zeros(shape)}
    leak = {"tau": np.full(shape, tau), "v_leak": np.zeros(shape)}
    kinds = {(True, True): library.LIF, (True, False): library.LI, (False, True): library.IF, (False, False): library.I}
    return kinds[leaks, fires](r=r, **(leak if leaks else {}), **(limits if fires else {}))


def _array(tensor: Tensor) -> Floats:
    found: Floats = tensor.numpy()
    return found
