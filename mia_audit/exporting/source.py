"""A network as a file of Python that needs torch alone (or snnTorch, or Brevitas), and its weights by that file's own names."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mia_audit.errors import RecipeError
from mia_audit.exporting.parts import Part, Single

HEAD = '''"""{title}

    from safetensors.torch import load_file
    net = Net()
    net.load_state_dict(load_file("weights.safetensors"))
    logits = net.eval()(x)  # {inputs}
"""

import torch
from torch import nn
{imports}
STEPS = {steps}


def run(layers, x):
    """Run x [steps or 1, examples, ...] through layers; those without a state see steps and examples as one."""
    for layer in layers:
        x = layer(x) if isinstance(layer, (Leaky, Sum)) else layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return x


class Sum(nn.Module):
    """What two rows of layers make of x, added; an empty row is x itself."""

    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return run(self.body, x) + run(self.shortcut, x)

{neuron}
{grid}
class Net(nn.Module):
    """Logits [examples, classes]."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
{layers}
        )
{answer}
    def forward(self, x):
        x = run(self.layers, {given})
{read}
'''
TORCH_NEURON = '''
class Leaky(nn.Module):
    """U <- beta U + I - threshold S (or beta (1 - S) U + I), S <- U > threshold; S of the step before."""

    def __init__(self, beta, threshold, zero):
        super().__init__()
        self.beta, self.threshold, self.zero = beta, threshold, zero

    def membranes(self, x):
        u = x[0]
        found = [u]
        for step in range(1, STEPS):
            spiked = (u > self.threshold).to(u.dtype)
            kept = self.beta * (1 - spiked) * u if self.zero else self.beta * u
            u = kept + x[step if len(x) > 1 else 0]
            u = u if self.zero else u - self.threshold * spiked
            found.append(u)
        return torch.stack(found)

    def forward(self, x):
        return (self.membranes(x) > self.threshold).to(x.dtype)

'''
SNNTORCH_NEURON = '''
class Leaky(nn.Module):
    """snnTorch's neuron over all steps, from rest."""

    def __init__(self, beta, threshold, zero):
        super().__init__()
        self.neuron = snn.Leaky(beta=beta, threshold=threshold, reset_mechanism="zero" if zero else "subtract", init_hidden=True)

    def steps(self, x):
        self.neuron.reset_mem()
        spikes, membranes = [], []
        for step in range(STEPS):
            spikes.append(self.neuron(x[step if len(x) > 1 else 0]))
            membranes.append(self.neuron.mem)
        return torch.stack(spikes), torch.stack(membranes)

    def membranes(self, x):
        return self.steps(x)[1]

    def forward(self, x):
        return self.steps(x)[0]

'''
GRID = '''
class Grid(nn.Module):
    """x rounded to whole multiples of a scale, from `low` to `high` of them."""

    def __init__(self, low, high):
        super().__init__()
        self.low, self.high = low, high
        self.register_buffer("scale", torch.ones(()))

    def forward(self, x):
        return torch.clamp(torch.round(x / self.scale), self.low, self.high) * self.scale


class Sign(nn.Module):
    """x as plus or minus a scale."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.ones(()))

    def forward(self, x):
        return torch.where(x >= 0, self.scale, -self.scale)

'''
READ = {
    "": "        return x.mean(0)",
    "membrane-mean": "        return self.readout.membranes(x).mean(0)",
    "membrane-last": "        return self.readout.membranes(x)[-1]",
    "spike-count": "        return self.readout(x).sum(0)",
    "accumulated": "        return self.readout.membranes(x)[-1] / STEPS",
}
_SCALE = "act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value"


@dataclass(frozen=True, kw_only=True)
class Written:
    """The file, and its parameters by name; what its libraries add to a state of their own is not among them."""

    text: str
    weights: Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Words:
    """What stands at the head of the file."""

    title: str
    inputs: str


def written(network: Single, framework: str, words: Words) -> Written:
    """Return a network as a file for torch, snntorch or brevitas; RecipeError where that framework cannot hold it."""
    _require(network, framework)
    lines, weights = _row(network.parts, framework, "layers")
    answer = "" if network.neuron is None else f"        self.readout = {_neuron(network.neuron)}\n"
    imports = {
        "snntorch": "import snntorch as snn\n",
        "brevitas": "from brevitas import nn as qnn\nfrom brevitas.quant import Int8WeightPerChannelFloat\n",
    }
    text = HEAD.format(
        title=words.title, inputs=words.inputs, imports=imports.get(framework, ""), steps=network.steps,
        neuron=SNNTORCH_NEURON if framework == "snntorch" else TORCH_NEURON, grid="" if framework == "brevitas" else GRID,
        layers="\n".join(f"            {line}," for line in lines), answer=answer,
        given="x" if network.frames else "x.unsqueeze(0)", read=READ[network.readout],
    )  # fmt: skip
    return Written(text=text, weights=weights)


def _require(network: Single, framework: str) -> None:
    parts = list(network.every())
    if framework == "snntorch" and network.neuron is None and not any(part.kind == "leaky" for part in parts):
        raise RecipeError("snntorch holds spiking networks, got one without neurons; use --format torch")
    if framework != "brevitas":
        return
    signs = [part for part in parts if part.kind == "sign" or part.values.get("bits") == 1]
    if signs:
        raise RecipeError("brevitas has no quantizer of one bit with the mean magnitude as its scale; use --format torch")
    if not any(part.kind == "grid" or part.values.get("quantized") for part in parts):
        raise RecipeError("brevitas holds quantized networks, got one in full precision; use --format torch")


def _row(parts: tuple[Part, ...], framework: str, place: str) -> tuple[list[str], dict[str, Tensor]]:
    """Return the lines of layers in a row and their parameters, named by where they stand."""
    lines, weights = list[str](), dict[str, Tensor]()
    for part, rectified in _joined(parts, framework):
        here = f"{place}.{len(lines)}"
        line, own = _sum(part, framework, here) if part.kind == "sum" else _line(part, framework, rectified=rectified)
        lines.append(line)
        weights |= own if part.kind == "sum" else {f"{here}.{name}": each for name, each in own.items()}
    return lines, weights


def _joined(parts: tuple[Part, ...], framework: str) -> Iterator[tuple[Part, bool]]:
    """Yield parts; Brevitas has a ReLU and the unsigned grid behind it as one layer."""
    for place, part in enumerate(parts):
        behind = parts[place + 1] if place + 1 < len(parts) else None
        if framework == "brevitas" and part.kind == "relu" and behind is not None and behind.kind == "grid":
            continue
        before = parts[place - 1] if place else None
        yield part, before is not None and before.kind == "relu" and part.kind == "grid"


def _sum(part: Part, framework: str, here: str) -> tuple[str, dict[str, Tensor]]:
    (body, inside), (shortcut, beside) = (
        _row(part.rows[place], framework, f"{here}.{name}") for place, name in enumerate(("body", "shortcut"))
    )
    return f"Sum(nn.Sequential({', '.join(body)}), nn.Sequential({', '.join(shortcut)}))", inside | beside


def _line(part: Part, framework: str, *, rectified: bool) -> tuple[str, dict[str, Tensor]]:
    """Return one layer's line, and its parameters by their own names."""
    of = part.values
    if framework == "brevitas" and part.kind == "grid":
        bits = int(of["high"] - of["low"]).bit_length()
        return f"qnn.{'QuantReLU' if rectified else 'QuantIdentity'}(bit_width={bits})", {_SCALE: part.tensors["threshold"]}
    if part.kind in {"conv", "linear"}:
        return _weighted(part, "qnn.Quant" if framework == "brevitas" and of["quantized"] else "nn.")
    own = {name: each for name, each in part.tensors.items() if name != "threshold"}
    if part.kind == "batch":
        own["num_batches_tracked"] = own["running_mean"].new_zeros((), dtype=torch.int64)
    return _PLAIN[part.kind](part), own


def _weighted(part: Part, prefix: str) -> tuple[str, dict[str, Tensor]]:
    of, quantized = part.values, prefix != "nn."
    weight = part.tensors["raw" if quantized else "weight"]
    bits = f", weight_bit_width={of['bits']}" if quantized else ""
    bits += ", weight_quant=Int8WeightPerChannelFloat" if quantized and of["by_channel"] else ""
    sizes = f"{weight.shape[1]}, {weight.shape[0]}"
    if part.kind == "conv":
        line = f"{prefix}Conv2d({sizes}, {of['kernel']}, stride={of['stride']}, padding={of['padding']}, bias=True{bits})"
    else:
        line = f"{prefix}Linear({sizes}, bias=True{bits})"
    return line, {"weight": weight, "bias": part.tensors["bias"]}


def _neuron(part: Part) -> str:
    beta, threshold, zero = (part.values[name] for name in ("beta", "threshold", "zero"))
    return f"Leaky({beta!r}, {'float(' + repr('inf') + ')' if math.isinf(threshold) else repr(threshold)}, zero={zero})"


def _normal(part: Part) -> str:
    kind = "BatchNorm2d" if part.values["places"] else "BatchNorm1d"
    return f"nn.{kind}({len(part.tensors['weight'])}, eps={part.values['epsilon']!r})"


def _pool(kind: str) -> Callable[[Part], str]:
    return lambda part: f"nn.{kind}({part.values['size']}, {part.values['every']})"


def _grid(part: Part) -> str:
    low, high = (int(part.values[name]) for name in ("low", "high"))
    return f"Grid({low}, {high})"


_PLAIN: Mapping[str, Callable[[Part], str]] = {
    "batch": _normal,
    "group": lambda part: f"nn.GroupNorm({part.values['groups']}, {len(part.tensors['weight'])}, eps={part.values['epsilon']!r})",
    "max": _pool("MaxPool2d"),
    "average": _pool("AvgPool2d"),
    "mean": lambda _: "nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())",
    "flatten": lambda _: "nn.Flatten()",
    "relu": lambda _: "nn.ReLU()",
    "tanh": lambda _: "nn.Tanh()",
    "leaky": _neuron,
    "grid": _grid,
    "sign": lambda _: "Sign()",
}
