"""Layers in a row, and residual connections around them."""

from torch import Tensor, nn

from mia_audit.models.normalization import BatchNorm
from mia_audit.models.passage import Passage
from mia_audit.models.spiking import SpikingLayer
from mia_audit.models.stateless import Silencing


class Chain(nn.ModuleList):
    """Layers, each fed by the one before."""

    def forward(self, x: Tensor, passage: Passage) -> Tensor:
        """Run activations [K, T or 1, B, ...] through all layers."""
        for layer in self:
            x = layer(x, passage) if isinstance(layer, BatchNorm | Silencing | SpikingLayer | ResidualSum) else layer(x)
            if passage.rates is not None and isinstance(layer, SpikingLayer):
                passage.rates.append(x.flatten(3).float().mean(dim=(1, 3)))
        return x


class ResidualSum(nn.Module):
    """A chain's output plus its input, or plus what a shortcut makes of its input: currents in float32.

    Where one of the two is the same at every step, it stands for all steps of the other.
    """

    def __init__(self, body: Chain, shortcut: Chain) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x: Tensor, passage: Passage) -> Tensor:
        """Add."""
        added: Tensor = self.body(x, passage).float() + self.shortcut(x, passage).float()
        return added
