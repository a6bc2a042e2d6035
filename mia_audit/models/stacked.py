"""Brevitas quantizes a population: to it, the model axis is the channel axis.

Weights are stacked [K, ...] and quantized per channel along axis 0, activations are viewed as [K, -1] and quantized per
channel: each model gets exactly the per-tensor scale it would get alone (brevitas 0.13.4: difference 0.0 through the
statistics phase, the learned scale and its gradient).
"""

import logging
import warnings
from typing import Any

from torch import Tensor, nn

logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # brevitas looks for a compiler it is not asked to use
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # brevitas' own deprecations, at import
    from brevitas.nn import QuantIdentity, QuantReLU
    from brevitas.nn.mixin.parameter import QuantWeightMixin
    from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerChannelFloat, Uint8ActPerTensorFloat


class QuantizedWeight(QuantWeightMixin, nn.Module):  # type: ignore[misc]
    """The weights of K models, [K, ...], quantized to a signed narrow integer times each model's own scale."""

    output_channel_dim = 0
    channelwise_separable = False

    def __init__(self, weight: Tensor, bits: int) -> None:
        nn.Module.__init__(self)
        self.weight = nn.Parameter(weight)
        QuantWeightMixin.__init__(self, weight_quant=Int8WeightPerChannelFloat, weight_bit_width=bits)

    @property
    def out_channels(self) -> int:
        """The number of models: Brevitas sizes its scale by it."""
        return int(self.weight.shape[0])

    def forward(self) -> Tensor:
        """Return the quantized weights, in the shape of the weights."""
        return _value(self.quant_weight())  # type: ignore[operator]


class QuantizedActivation(nn.Module):
    """Activations [K, ...] of K models on an integer grid, each model with its own learned scale.

    `rectify` puts ReLU and an unsigned grid; without it the grid is signed (input currents, inputs).
    """

    def __init__(self, models: int, bits: int, *, rectify: bool) -> None:
        super().__init__()
        layer, grid = (QuantReLU, Uint8ActPerTensorFloat) if rectify else (QuantIdentity, Int8ActPerTensorFloat)
        self.quantize = layer(
            act_quant=grid,
            bit_width=bits,
            scaling_per_output_channel=True,
            per_channel_broadcastable_shape=(models, 1),
            scaling_stats_permute_dims=(0, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return x on the grid, in its own shape."""
        return _value(self.quantize(x.flatten(1))).view_as(x)


def _value(quantized: Any) -> Tensor:
    """Return the plain tensor of what Brevitas gives back."""
    value: Tensor = getattr(quantized, "value", quantized)
    return value
