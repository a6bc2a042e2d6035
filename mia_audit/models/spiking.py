"""Spiking layers of a population: hidden neurons that send spikes, and readout neurons that are read."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from mia_audit.models import fused, quantization, surrogates
from mia_audit.models.axes import Activations, Float, Logits
from mia_audit.models.neurons import Dynamics, LeakyOverTime
from mia_audit.models.passage import QUERY, Passage
from mia_audit.models.stateless import Pooling
from mia_audit.recipe import Model, Neuron, Quantization, filled
from mia_audit.recipe.layers import Pool

Static = Float[Tensor, "K steps B *places C"]
"""Currents of T steps, or of one that stands for all."""

RECOMPUTED = frozenset({surrogates.GATE, surrogates.SECH2, surrogates.GAUSSIAN})
"""Slopes that are taken of membranes in float32, computed again on the way back; the others are of how far bfloat16 tells it."""


class SpikingLayer(nn.Module):
    """Leaky integrate-and-fire neurons behind an optional quantizer of their input currents."""

    def __init__(  # noqa: PLR0913, PLR0917
        self, models: int, bits: int, neuron: Neuron, steps: int, dtype: torch.dtype, quantized: Quantization | None = None
    ) -> None:
        super().__init__()
        self.current: Any = quantization.activation(models, bits, rectify=False)
        self.neuron, self.steps, self.dtype = dynamics(neuron, quantized), steps, dtype

    def forward(self, current: Static, passage: Passage = QUERY) -> Activations:
        """Turn currents [K, T or 1, B, ...] into spikes [K, T, B, ...] of the type that the next layer computes in.

        Firing rates are left in the passage that asks for them.
        """
        spikes = self._spikes(current, passage)
        if passage.rates is not None:
            passage.rates.append(spikes.flatten(3).float().mean(dim=(1, 3)))
        return spikes

    def _spikes(self, current: Static, passage: Passage) -> Activations:
        """Quantize, integrate and fire.

        In float32 Brevitas does its own rounding, so that a model equals one built from its layers to the bit; otherwise
        the kernel rounds with Brevitas' scale, and only the order of the scale's gradient sum differs. The kernels know ten
        slopes and membranes in full precision; all else is torch's.
        """
        if current.device.type != "cpu" or self.neuron.code is None or self.neuron.levels is not None:
            return integrated(self.current(current), self.steps, self.neuron, passage)[1].to(self.dtype)
        if self.neuron.code in RECOMPUTED:
            return self.pooled(self.current(current), fused.Squares())
        if self.dtype == torch.float32 or not self.current.fusible:
            current = self.current(current)
            scale = current.new_zeros(len(current))
        else:
            scale = self.current.scale(current)
        fired: Tensor = fused.Fire.apply(current, scale, self.neuron, self.current.grid, self.steps, self.dtype)
        return fired

    @property
    def lean(self) -> bool:
        """Whether spikes can be pooled as they come: no quantizer stands before them, and the kernels know slope and membrane."""
        return self.neuron.code is not None and self.neuron.levels is None and isinstance(self.current, quantization.Unquantized)

    def pooled(self, current: Float[Tensor, "K steps B *places C"], squares: fused.Squares) -> Float[Tensor, "K T B *pooled C"]:
        """Return the maxima of spikes over squares, of currents as they are, on the CPU."""
        spikes: Tensor = fused.FireAndPool.apply(current, self.neuron, squares, self.steps, self.dtype)
        return spikes


class FiredPool(nn.Module):
    """Spiking neurons and the max pooling behind them: while training on the CPU in one pass, which keeps no spikes but the pooled."""

    def __init__(self, fire: SpikingLayer, pool: Pool) -> None:
        super().__init__()
        self.fire, self.pool = fire, Pooling(pool)
        self.squares = fused.Squares(size=pool.size, every=pool.every)

    def forward(self, current: Float[Tensor, "K steps B H W C"], passage: Passage = QUERY) -> Float[Tensor, "K T B h w C"]:
        """Turn currents [K, T or 1, B, H, W, C] into pooled spikes [K, T, B, h, w, C]."""
        if self.training and current.device.type == "cpu" and self.fire.lean:
            return self.fire.pooled(current, self.squares)
        pooled: Tensor = self.pool(self.fire(current, passage), passage)
        return pooled


class Readout(nn.Module):
    """The last layer's neurons: currents [K, T or 1, B, classes] -> logits [K, B, classes], as the recipe reads them."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        neuron = replace(dynamics(filled(model.neuron), model.quantization), start=0.0)
        self.neuron = replace(neuron, threshold=math.inf, reset_to_zero=True) if model.readout == "accumulated" else neuron
        self.steps, self.read = model.time_steps, model.readout

    def forward(self, current: Float[Tensor, "K steps B classes"], passage: Passage = QUERY) -> Logits:
        """Integrate and read: the mean or last membrane, that of neurons which never fire over the steps, or the number of spikes."""
        membranes, spikes = integrated(current, self.steps, self.neuron, passage)
        if self.read == "membrane-mean":
            return membranes.mean(dim=1)
        if self.read == "spike-count":
            return spikes.sum(dim=1)
        last = membranes[:, -1]
        return last / self.steps if self.read == "accumulated" else last


def integrated(current: Static, steps: int, neuron: Dynamics, passage: Passage) -> tuple[Activations, Activations]:
    """Return membranes and spikes [K, T, B, ...] by torch's own operations, with noise for a stochastic slope while training."""
    drawn = None
    if neuron.noise is not None and passage.noise:
        shape = (current.shape[0], current.shape[2], steps, *current.shape[3:])
        drawn = passage.draw(shape, current.device).transpose(1, 2)
    membranes: Tensor
    spikes: Tensor
    membranes, spikes = LeakyOverTime.apply(current, steps, neuron, drawn)
    return membranes, spikes


def dynamics(neuron: Neuron, quantized: Quantization | None = None) -> Dynamics:
    """Return a recipe's neuron as the engine computes it."""
    relaxed, values = surrogates.surrogate(neuron.surrogate), surrogates.parameters(neuron)
    return Dynamics(
        beta=neuron.beta,
        threshold=neuron.threshold,
        start=neuron.start * neuron.threshold,
        reset_to_zero=neuron.reset == "zero",
        slope=relaxed.slope(neuron.surrogate_variant, values, surrogates.scale(neuron)),
        code=surrogates.kernel(neuron),
        noise=values if relaxed.noisy else None,
        levels=_levels(neuron.threshold, quantized) if quantized and quantized.membrane_bits != 32 else None,
    )


def _levels(threshold: float, quantized: Quantization) -> Tensor:
    """Return the levels of a membrane, as snnTorch's `state_quant` spaces them."""
    lower, upper = quantized.membrane_limits
    return torch.linspace(-threshold - threshold * lower, threshold + threshold * upper, 2**quantized.membrane_bits)
