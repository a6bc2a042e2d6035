"""One trained network of a population as a list of plain parts: channels first, a leading model axis no more, nothing of the engine's.

What a part is follows from the engine's modules alone. Dense layers behind an image have their columns in torch's order (channels first),
and a quantized layer has both what it multiplies by and what it was made from.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mia_audit.errors import RecipeError
from mia_audit.models.chain import Chain, ResidualSum
from mia_audit.models.layers import LockstepConv, LockstepLinear, PoolShift
from mia_audit.models.network import Population
from mia_audit.models.neurons import Dynamics
from mia_audit.models.normalization import EPSILON, BatchNorm, GroupNorm
from mia_audit.models.quantization import FullWeight, Unquantized
from mia_audit.models.rectified import RectifiedLayer
from mia_audit.models.spiking import FiredPool, SpikingLayer
from mia_audit.models.stateless import GlobalMean, Pooling, Silencing, Tanh

Number = int | float | bool


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part: conv, linear, batch, group, max, average, mean, relu, tanh, leaky, grid, sign, flatten, or sum (of two rows of parts).

    values   its constants
    tensors  its parameters, by torch's names; beside them `raw`, a quantized layer's weights before they are rounded, and `threshold`, what
             Brevitas keeps of a scale
    """

    kind: str
    values: Mapping[str, Number] = field(default_factory=dict)
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    rows: tuple[tuple["Part", ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Single:
    """A whole network.

    readout  how logits are read, as a recipe says it; "" of a network without readout neurons
    neuron   the readout neurons
    frames   whether inputs come as [steps, examples, ...], one a step; else one input stands for all
    """

    parts: tuple[Part, ...]
    steps: int
    readout: str
    neuron: Part | None
    frames: bool

    def every(self) -> Iterator[Part]:
        """Yield all parts, those of sums included."""
        yield from _every(self.parts)


def single(population: Population, number: int, example: Tensor, *, frames: bool) -> Single:
    """Return one network of a population.

    example  one encoded input [1, T or 1, 1, ...], by which image and flat layers are told apart
    """
    seen = _given(population, example)
    taking = _Taking(number=number, seen=seen)
    parts = tuple(taking.quantized(population.receive)) + tuple(taking.chain(population.layers))
    answer = population.answer
    neuron = None if answer is None else _leaky(answer.neuron)
    return Single(
        parts=parts,
        steps=1 if answer is None else answer.steps,
        readout="" if answer is None else answer.read,
        neuron=neuron,
        frames=frames,
    )


def _given(population: Population, example: Tensor) -> dict[int, torch.Size]:
    """Return the shape of what every dense layer and normalization is given, by the module's id."""
    found: dict[int, torch.Size] = {}

    def note(module: nn.Module, given: tuple[Any, ...]) -> None:
        found[id(module)] = given[0].shape

    hooks = [each.register_forward_pre_hook(note) for each in population.modules() if isinstance(each, LockstepLinear | BatchNorm)]
    with torch.inference_mode():
        population(example.expand(population.models, *example.shape[1:]))
    for hook in hooks:
        hook.remove()
    return found


@dataclass(frozen=True, kw_only=True)
class _Taking:
    """What every part is taken by: which network, and the shapes that layers were given."""

    number: int
    seen: Mapping[int, torch.Size]

    def chain(self, modules: Chain) -> Iterator[Part]:
        for each in modules:
            yield from self.of(each)

    def of(self, module: nn.Module) -> Iterator[Part]:
        """Yield what one module of the engine is in parts."""
        match module:
            case LockstepConv() | LockstepLinear():
                yield from self._weighted(module)
            case PoolShift():
                yield from _pooled("max", module.size, module.size) if module.size > 1 else ()
            case Pooling():
                yield from _pooled(module.pool.of, module.pool.size, module.pool.every)
            case SpikingLayer():
                yield from self.quantized(module.current)
                yield _leaky(module.neuron)
            case FiredPool():
                yield from self.of(module.fire)
                yield from self.of(module.pool)
            case RectifiedLayer() | Tanh():
                yield Part(kind="tanh" if isinstance(module, Tanh) else "relu")
                yield from self.quantized(module.quantizer)
            case _:
                yield from self._stateless(module)

    def _stateless(self, module: nn.Module) -> Iterator[Part]:
        match module:
            case BatchNorm() | GroupNorm():
                yield self._normal(module)
            case GlobalMean():
                yield Part(kind="mean")
            case ResidualSum():
                yield Part(kind="sum", rows=(tuple(self.chain(module.body)), tuple(self.chain(module.shortcut))))
            case Silencing():
                return
            case _:
                raise RecipeError(f"export needs layers that it knows, got {type(module).__name__}; leave it out of the target")

    def quantized(self, module: nn.Module) -> Iterator[Part]:
        """Yield the grid of a quantizer of activations, where there is one."""
        if isinstance(module, nn.ReLU | Unquantized):
            return
        quantizer: Any = module
        scale = quantizer.scale(torch.zeros(self._models(module), 1))[self.number].detach().clone()
        low, high = quantizer.grid
        if not quantizer.fusible:
            yield Part(kind="sign", tensors={"scale": scale})
            return
        held = quantizer.quantize.act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value  # Brevitas' own: the largest value
        threshold = held[self.number].detach().clone().view(())
        yield Part(kind="grid", values={"low": low, "high": high}, tensors={"scale": scale, "threshold": threshold})

    def _models(self, module: nn.Module) -> int:
        return max(len(each) for each in (*module.parameters(), *module.buffers()) if each.ndim)

    def _weighted(self, module: LockstepConv | LockstepLinear) -> Iterator[Part]:
        """Yield a layer with the weights that it multiplies by, flattening images first as torch does."""
        holder: Any = module.weight
        with torch.no_grad():
            values, gain = holder(torch.float32)
            values = values * gain.view(len(gain), *([-1] if gain.ndim > 1 else []), *(1,) * (values.ndim - gain.ndim))
        tensors = {"weight": values[self.number], "raw": holder.weight[self.number], "bias": module.bias[self.number]}
        constants: dict[str, Number] = {"quantized": not isinstance(holder, FullWeight), **_width(holder)}
        if isinstance(module, LockstepConv):
            constants |= {"kernel": module.kernel_size, "padding": module.padding, "stride": module.stride}
            yield Part(kind="conv", values=constants, tensors=_copied(tensors))
            return
        shape = self.seen[id(module)][3:]
        if len(shape) > 1:
            yield Part(kind="flatten")
            tensors = {name: each if name == "bias" else _channels_first(each, shape) for name, each in tensors.items()}
        yield Part(kind="linear", values=constants, tensors=_copied(tensors))

    def _normal(self, module: BatchNorm | GroupNorm) -> Part:
        own = {"weight": module.weight[self.number], "bias": module.bias[self.number]}
        if isinstance(module, GroupNorm):
            return Part(kind="group", values={"groups": module.groups, "epsilon": EPSILON}, tensors=_copied(own))
        if module.per_step:
            raise RecipeError("export needs normalization that is the same at every step, got batch-per-step; use --set model.norm=batch")
        own |= {"running_mean": module.running_mean[self.number], "running_var": module.running_var[self.number]}
        places = len(self.seen[id(module)]) > 4
        return Part(
            kind="batch", values={"places": places, "epsilon": EPSILON}, tensors=_copied({name: each[0] for name, each in own.items()})
        )


def _width(holder: Any) -> dict[str, Number]:
    """Return how weights are quantized: bits, a scale a channel, and whether by sign."""
    if isinstance(holder, FullWeight):
        return {}
    if hasattr(holder, "binary"):
        bits = 1 if holder.binary else (int(holder.high) + 1).bit_length()
        return {"bits": bits, "by_channel": bool(holder.by_channel)}
    return {"bits": int(holder.weight_quant.bit_width()), "by_channel": False}


def _channels_first(weight: Tensor, shape: torch.Size) -> Tensor:
    """Return columns [out, H W C] as [out, C H W]."""
    return weight.view(len(weight), *shape).movedim(-1, 1).reshape(len(weight), -1)


def _pooled(kind: str, size: int, every: int) -> Iterator[Part]:
    yield Part(kind=kind, values={"size": size, "every": every})


def _leaky(neuron: Dynamics) -> Part:
    if neuron.levels is not None:
        raise RecipeError("export needs membranes in full precision, got a grid of membrane_bits; no format here holds one")
    return Part(kind="leaky", values={"beta": neuron.beta, "threshold": neuron.threshold, "zero": neuron.reset_to_zero})


def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: each.detach().clone().contiguous() for name, each in tensors.items()}


def _every(parts: tuple[Part, ...]) -> Iterator[Part]:
    for part in parts:
        yield part
        for row in part.rows:
            yield from _every(row)
