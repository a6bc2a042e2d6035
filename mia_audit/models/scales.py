"""Quantizers that Brevitas has no stacked form of: weights with a scale a channel, one bit, signed currents of one bit.

Per channel, weights equal Brevitas' `Int8WeightPerChannelFloat` of the single model, gradient included (a test holds them
together). One bit is Rastegari et al. 2016, arXiv:1603.05279v4, equation 6: the sign times the mean magnitude.
"""

import warnings

import torch
from torch import Tensor, nn

from mia_audit.models.axes import Float, Raw, Scales
from mia_audit.models.grids import ActivationQuantizer, Grid, Scaled

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # brevitas' own deprecations, at import
    from brevitas.function.ops_ste import binary_sign_ste, round_ste

_SMALLEST = 1e-10  # Brevitas' least scale


class ScaledWeight(nn.Module):
    """The weights [K, out, ...] of K models as integers times a scale: one a model, or one a model and output channel."""

    def __init__(self, weight: Raw, bits: int, *, by_channel: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.high, self.binary = 2 ** (bits - 1) - 1, bits == 1
        self.by_channel = by_channel

    def forward(self, dtype: torch.dtype) -> Scaled:
        """Return the quantized weights; below float32 as exact integers, their scale [K] or [K, out] apart."""
        flat = self.weight.flatten(2) if self.by_channel else self.weight.flatten(1)
        magnitudes = flat.abs()
        scale = magnitudes.mean(dim=-1) if self.binary else torch.max(magnitudes, dim=-1).values / self.high
        scale = scale.clamp(min=_SMALLEST)
        wide = scale.view(*scale.shape, *(1,) * (self.weight.ndim - scale.ndim))
        values: Tensor = (binary_sign_ste(self.weight) if self.binary else round_ste(self.weight / wide)) * wide
        if dtype == torch.float32:
            return Scaled(values=values, gain=values.new_ones(len(values)))
        constant = scale.detach()  # gradients reach the scale through `values`
        return Scaled(values=(values / wide.detach()).to(dtype), gain=constant)


class BinaryActivation(ActivationQuantizer):
    """Signed activations [K, ...] of one bit: the sign times their mean magnitude, a running mean of which serves once training is over."""

    magnitude: Tensor
    grid = Grid(low=-1, high=1)
    fusible = False

    def __init__(self, models: int) -> None:
        super().__init__()
        self.register_buffer("magnitude", torch.zeros(models))

    def forward(self, x: Float[Tensor, "K *rest"]) -> Float[Tensor, "K *rest"]:
        """Return x as two values a model, in its own shape."""
        scale = self.scale(x)
        signs: Tensor = binary_sign_ste(x)
        return signs * scale.view(-1, *(1,) * (x.ndim - 1))

    def scale(self, x: Float[Tensor, "K *rest"]) -> Scales:
        """Return the scales [K] for x, and keep the running ones up while training."""
        if not self.training:
            return self.magnitude
        scale = x.flatten(1).abs().mean(dim=1)
        with torch.no_grad():
            self.magnitude.copy_(torch.where(self.magnitude == 0, scale, self.magnitude + 0.1 * (scale - self.magnitude)))
        return scale
