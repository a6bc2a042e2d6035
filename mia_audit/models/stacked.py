"""Brevitas quantizes a population: to it, the model axis is the channel axis.

Weights are stacked [K, ...] and quantized per channel along axis 0, activations are viewed as [K, -1] and quantized per
channel: each model gets exactly the per-tensor scale it would get alone (brevitas 0.13.4: difference 0.0 through the
statistics phase and in the learned scale, and in its gradient unless two weights share the largest magnitude: a maximum over a row
and one over all weights may then send the gradient to another of them; the scale is the same).
"""

import logging
import math
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from mia_audit.models.axes import Float, Raw, Scales
from mia_audit.models.grids import ActivationQuantizer, Grid, Scaled

logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # brevitas looks for a compiler it is not asked to use
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # brevitas' own deprecations, at import
    from brevitas.nn import QuantIdentity, QuantReLU
    from brevitas.nn.mixin.parameter import QuantWeightMixin
    from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerChannelFloat, Uint8ActPerTensorFloat


class QuantizedWeight(QuantWeightMixin, nn.Module):  # type: ignore[misc]
    """The weights of K models, [K, ...], quantized to a signed narrow integer times each model's own scale."""

    output_channel_dim = 0  # pyright: ignore[reportAssignmentType]  brevitas reads it as a plain attribute
    channelwise_separable = False

    def __init__(self, weight: Raw, bits: int) -> None:
        nn.Module.__init__(self)
        self.weight = nn.Parameter(weight)
        QuantWeightMixin.__init__(self, weight_quant=Int8WeightPerChannelFloat, weight_bit_width=bits)

    @property
    def out_channels(self) -> int:
        """The number of models: Brevitas sizes its scale by it."""
        return int(self.weight.shape[0])

    def forward(self, dtype: torch.dtype) -> Scaled:
        """Return the quantized weights; below float32 as exact integers, their scale [K] apart, for sums that lose nothing."""
        quant: Any = self.weight_quant
        values, scale, _, _ = quant.tensor_quant(self.weight)
        if dtype == torch.float32:
            return Scaled(values=values, gain=values.new_ones(len(values)))
        constant = scale.detach()  # gradients reach the scale through `values`
        return Scaled(values=(values / constant).to(dtype), gain=constant.flatten())


class TopPercentile(nn.Module):
    """Brevitas' `AbsPercentile` along rows [K, M]: the same value, by the few largest instead of a full selection (10 times faster)."""

    def __init__(self, high_percentile_q: float) -> None:
        super().__init__()
        self.q = high_percentile_q

    def forward(self, x: Float[Tensor, "K values"]) -> Scales:
        """Return the k-th smallest magnitude of each row, [K]; k rounds as Brevitas does."""
        size = x.shape[1]
        rank = math.floor(0.01 * self.q * size + 0.5)
        return torch.topk(x.abs(), size - rank + 1, dim=1).values[:, -1]


class SignedActivation(Int8ActPerTensorFloat):  # type: ignore[misc]
    """Brevitas' signed activation quantizer with faster statistics."""

    scaling_stats_impl = TopPercentile  # pyright: ignore[reportAssignmentType]  an injector, no descriptor


class UnsignedActivation(Uint8ActPerTensorFloat):  # type: ignore[misc]
    """Brevitas' unsigned activation quantizer with faster statistics."""

    scaling_stats_impl = TopPercentile  # pyright: ignore[reportAssignmentType]


class QuantizedActivation(ActivationQuantizer):
    """Activations [K, ...] of K models on an integer grid, each model with its own learned scale.

    `rectify` puts ReLU and an unsigned grid; without it the grid is signed (input currents, inputs).
    """

    fusible = True

    def __init__(self, models: int, bits: int, *, rectify: bool) -> None:
        super().__init__()
        layer, grid = (QuantReLU, UnsignedActivation) if rectify else (QuantIdentity, SignedActivation)
        self.grid = Grid(low=0, high=2**bits - 1) if rectify else Grid(low=-(2 ** (bits - 1)), high=2 ** (bits - 1) - 1)
        self.quantize: Any = layer(
            act_quant=grid,
            bit_width=bits,
            scaling_per_output_channel=True,
            per_channel_broadcastable_shape=(models, 1),
            scaling_stats_permute_dims=(0, 1),
        )

    def forward(self, x: Float[Tensor, "K *rest"]) -> Float[Tensor, "K *rest"]:
        """Return x on the grid, in its own shape."""
        return _value(self.quantize(x.flatten(1))).view_as(x)

    def scale(self, x: Float[Tensor, "K *rest"]) -> Scales:
        """Return the scales [K] that Brevitas would use for x, its statistics kept up; a kernel does the rounding."""
        proxy: Any = self.quantize.act_quant.fused_activation_quant_proxy
        quant = proxy.tensor_quant
        threshold = quant.int_scaling_impl(quant.msb_clamp_bit_width_impl())
        scale: Tensor = quant.scaling_impl(proxy.activation_impl(x.flatten(1)), threshold)
        return scale.flatten()


def _value(quantized: Any) -> Tensor:
    """Return the plain tensor of what Brevitas gives back."""
    value: Tensor = getattr(quantized, "value", quantized)
    return value
