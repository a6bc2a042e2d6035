"""What quantizes a layer: Brevitas where the recipe asks for it, nothing where it does not.

Brevitas takes seconds to import, so only a quantized network pays for it.
"""

import torch
from torch import Tensor, nn

from mia_audit.models.axes import Float, Raw, Scales
from mia_audit.models.grids import ActivationQuantizer, Grid, Scaled


class FullWeight(nn.Module):
    """The weights of K models in full precision."""

    def __init__(self, weight: Raw) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, dtype: torch.dtype) -> Scaled:
        """Return the weights in the type that is computed in."""
        return Scaled(values=self.weight.to(dtype), gain=self.weight.detach().new_ones(len(self.weight)))


class Unquantized(ActivationQuantizer):
    """Activations as they are."""

    grid = Grid(low=0, high=0)
    fusible = True

    def forward(self, x: Float[Tensor, "K *rest"]) -> Float[Tensor, "K *rest"]:
        """Return x."""
        return x

    def scale(self, x: Float[Tensor, "K *rest"]) -> Scales:
        """Return zeros [K], which a kernel reads as "do not round"."""
        return x.new_zeros(len(x))


def weights(weight: Raw, bits: int, *, by_channel: bool = False) -> nn.Module:
    """Hold the stacked weights of a layer, quantized to `bits` or not at all (32)."""
    if bits == 32:
        return FullWeight(weight)
    if bits == 1 or by_channel:
        from mia_audit.models.scales import ScaledWeight  # noqa: PLC0415

        return ScaledWeight(weight, bits, by_channel=by_channel)
    from mia_audit.models.stacked import QuantizedWeight  # noqa: PLC0415  see the module docstring

    return QuantizedWeight(weight, bits)


def activation(models: int, bits: int, *, rectify: bool) -> nn.Module:
    """Return what stands before a layer's neurons or after its sum: a quantizer, a ReLU, or nothing."""
    if bits == 32:
        return nn.ReLU() if rectify else Unquantized()
    if bits == 1 and not rectify:
        from mia_audit.models.scales import BinaryActivation  # noqa: PLC0415

        return BinaryActivation(models)
    from mia_audit.models.stacked import QuantizedActivation  # noqa: PLC0415

    return QuantizedActivation(models, bits, rectify=rectify)
