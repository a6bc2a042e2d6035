"""Layers in a row, and residual connections around them."""

from torch import Tensor, nn

from mia_audit.models.passage import Passage


class Chain(nn.ModuleList):
    """Layers, each fed by the one before and told of the same passage."""

    def forward(self, x: Tensor, passage: Passage) -> Tensor:
        """Run activations [K, T or 1, B, ...] through all layers."""
        for layer in self:
            x = layer(x, passage)
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
