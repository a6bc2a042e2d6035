"""The other side: what a user writes with snnTorch, Brevitas and PyTorch. One model at a time, a Python loop over time.

Architecture, quantizers, neuron, loss, optimizer, batch size, epochs and members are those of our recipe, so both sides
must reach the same test accuracy. What a user would also have, and what would only slow this side down, is left out: there
is no DataLoader (the examples are tensors, indexed), and both sides run on one thread with denormals flushed.

A Brevitas quantizer takes its scale from statistics in its first 300 calls and learns it from then on. A quantizer of currents is
called once a time step, so that Brevitas' default would end within 300 / T training steps, where our engine's takes 300: SingleModel
asks for 300 T calls, the same algorithm. Its first 300 steps are a seventh slower than later ones for it (digits: 48 ms against 42).
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import brevitas.nn as qnn
import numpy as np
import snntorch as snn
import torch
from snntorch import surrogate
from torch import Tensor, nn

from benchmarks.setting import Setting, clock_of
from mia_audit.models import architectures
from mia_audit.models.architectures import Conv, Layer, Linear, Pool, Shape
from mia_audit.recipe import Model, Quantization, Recipe, filled
from mia_audit.training import batches
from mia_audit.types import Bools, Floats

STATISTICS = 300  # calls in which a Brevitas quantizer collects statistics, unless told otherwise
SURROGATES: dict[str, Callable[[], Callable[..., Tensor]]] = {"atan": surrogate.atan}  # where textbook and snnTorch agree


class Ordinary(nn.Module):
    """An ANN: Brevitas layers, QuantReLU; images [B, C, H, W] -> logits [B, classes]."""

    def __init__(self, model: Model, shape: Shape, classes: int) -> None:
        super().__init__()
        stack = architectures.layers(model, classes)
        self.layers = nn.ModuleList(
            _stateless(layer, size, model.quantization) or _rectifier(model.quantization) for layer, size in _sized(stack, shape)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Run the layers once."""
        for layer in self.layers:
            x = layer(x)
        return x


class StepByStep(nn.Module):
    """A spiking network: snnTorch `Leaky` behind Brevitas layers; images [B, C, H, W] -> logits, the readout's mean membrane."""

    def __init__(self, model: Model, shape: Shape, classes: int, statistics: int) -> None:
        super().__init__()
        stack = architectures.layers(model, classes)
        self.steps = model.time_steps
        self.layers = nn.ModuleList(_stateless(layer, size, model.quantization) or _leaky(model) for layer, size in _sized(stack, shape))
        self.readout = _leaky(model)
        bits = model.quantization.activation_bits
        self.currents = nn.ModuleList(
            qnn.QuantIdentity(bit_width=bits, collect_stats_steps=statistics)
            if bits != 32 and isinstance(layer, snn.Leaky)
            else nn.Identity()
            for layer in self.layers
        )

    def forward(self, x: Tensor) -> Tensor:
        """Run all layers at every time step."""
        membranes = {layer: layer.init_leaky() for layer in (*self.layers, self.readout) if isinstance(layer, snn.Leaky)}
        read = []
        for _ in range(self.steps):
            a = x
            for layer, current in zip(self.layers, self.currents, strict=True):
                if layer in membranes:
                    a, membranes[layer] = layer(current(a), membranes[layer])
                else:
                    a = layer(a)
            _, membranes[self.readout] = self.readout(a, membranes[self.readout])
            read.append(membranes[self.readout])
        return torch.stack(read).mean(0)


def network(recipe: Recipe, shape: Shape, classes: int, *, statistics: int = STATISTICS) -> nn.Module:
    """Return one untrained model of a recipe, for examples of `shape` as the engine holds them, channels last.

    statistics: calls in which a quantizer of currents collects statistics; it is called at every time step.
    """
    if recipe.model.spiking:
        return StepByStep(recipe.model, shape, classes, statistics)
    return Ordinary(recipe.model, shape, classes)


class SingleModel:
    """One model in training, a few steps at a time, so that the other side can be measured in between."""

    def __init__(self, setting: Setting, index: int, device: torch.device) -> None:
        self.device = device
        self.recipe = setting.recipe
        calls = STATISTICS * setting.recipe.model.time_steps
        self.net = network(setting.recipe, setting.pool.inputs.shape[1:], setting.pool.classes, statistics=calls).to(device).train()
        self.steps_per_epoch = batches.steps_per_epoch(
            len(setting.pool.labels), setting.recipe.data.member_fraction, filled(setting.recipe.training.batch_size)
        )
        self._inputs = channels_first(setting.pool.inputs).to(device)
        self._labels = torch.from_numpy(setting.pool.labels).to(device)
        self._members = setting.rows[index]
        self._training = self._train()

    def train(self, steps: int) -> tuple[float, int]:
        """Take up to this many steps of the recipe's; return the seconds they took and the examples they saw."""
        clock = clock_of(self.device)
        start = clock()
        examples = sum(islice(self._training, steps))
        return clock() - start, examples

    @torch.no_grad()
    def logits(self, inputs: Floats) -> Floats:
        """Return logits [N, classes] of inputs, channels last."""
        self.net.eval()
        answers: Floats = torch.cat([self.net(part.to(self.device)).cpu() for part in channels_first(inputs).split(500)]).numpy()
        return answers

    def _train(self) -> Iterator[int]:
        training = self.recipe.training
        optimizer = torch.optim.Adam(self.net.parameters(), lr=filled(training.learning_rate), weight_decay=training.weight_decay)
        for _ in range(filled(training.epochs)):
            for positions in _shuffled(self._members, self.steps_per_epoch):
                batch = torch.from_numpy(positions).to(self.device)
                loss = nn.functional.cross_entropy(self.net(self._inputs[batch]), self._labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                yield len(positions)


def channels_first(inputs: Floats) -> Tensor:
    """Return images as PyTorch's layers take them, [N, C, H, W]."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(inputs, -1, 1)) if inputs.ndim == 4 else inputs)


def _shuffled(members: Bools, steps: int) -> list[np.ndarray]:
    return np.array_split(np.random.default_rng().permutation(np.flatnonzero(members)), steps)


def _sized(stack: tuple[Layer, ...], shape: Shape) -> Iterator[tuple[Layer, Shape]]:
    """Yield every layer with the shape of its input."""
    return zip(stack, (shape, *architectures.shapes(stack, shape)), strict=False)


def _stateless(layer: Layer, shape: Shape, bits: Quantization) -> nn.Module | None:
    """Return the module of a layer without state, None for one of neurons."""
    if isinstance(layer, Pool):
        return nn.MaxPool2d(layer.size)
    quantized: dict[str, Any] = {} if bits.weight_bits == 32 else {"weight_bit_width": bits.weight_bits}
    if isinstance(layer, Conv):
        conv = qnn.QuantConv2d if quantized else nn.Conv2d
        return conv(shape[-1], layer.channels, layer.kernel, padding=layer.padding, bias=True, **quantized)
    if isinstance(layer, Linear):
        linear = qnn.QuantLinear if quantized else nn.Linear
        dense = linear(torch.Size(shape).numel(), layer.features, bias=True, **quantized)
        return nn.Sequential(nn.Flatten(), dense) if len(shape) == 3 else dense
    return None


def _rectifier(bits: Quantization) -> nn.Module:
    return nn.ReLU() if bits.activation_bits == 32 else qnn.QuantReLU(bit_width=bits.activation_bits)


def _leaky(model: Model) -> nn.Module:
    neuron = model.neuron
    assert neuron is not None, "an ANN has no neurons"  # noqa: S101
    return snn.Leaky(  # type: ignore[no-any-return]
        beta=neuron.beta, threshold=neuron.threshold, reset_mechanism=neuron.reset, spike_grad=SURROGATES[neuron.surrogate]()
    )
