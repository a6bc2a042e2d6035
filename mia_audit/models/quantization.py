"""What quantizes a layer: Brevitas where the recipe asks for it, nothing where it does not.

Brevitas takes seconds to import, so only a quantized network pays for it.
"""

from torch import Tensor, nn


class FullWeight(nn.Module):
    """The weights of K models in full precision."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self) -> Tensor:
        """Return the weights."""
        return self.weight


def weights(weight: Tensor, bits: int) -> nn.Module:
    """Hold the stacked weights of a layer, quantized to `bits` or not at all (32)."""
    if bits == 32:
        return FullWeight(weight)
    from mia_audit.models.stacked import QuantizedWeight  # noqa: PLC0415  see the module docstring

    return QuantizedWeight(weight, bits)


def activation(models: int, bits: int, *, rectify: bool) -> nn.Module:
    """Return what stands before a layer's neurons or after its sum: a quantizer, a ReLU, or nothing."""
    if bits != 32:
        from mia_audit.models.stacked import QuantizedActivation  # noqa: PLC0415

        return QuantizedActivation(models, bits, rectify=rectify)
    return nn.ReLU() if rectify else nn.Identity()
