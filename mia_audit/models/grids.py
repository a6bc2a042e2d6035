"""What all quantizers have in common: integers on a grid, one scale a model, and a gain that is multiplied in afterwards."""

from abc import abstractmethod
from typing import NamedTuple

from torch import Tensor, nn

from mia_audit.models.axes import Float, Gain, Raw, Scales


class Scaled(NamedTuple):
    """Weights [K, ...] in the type that is computed in, to be multiplied by gain [K] float32 after summing."""

    values: Raw
    gain: Gain


class Grid(NamedTuple):
    """The lowest and highest integer of a quantizer."""

    low: int
    high: int


class ActivationQuantizer(nn.Module):
    """An integer quantizer of activations, with one scale a model that is measured or learned.

    fusible  whether a kernel may round by its scale and grid
    """

    grid: Grid
    fusible: bool

    @abstractmethod
    def scale(self, x: Float[Tensor, "K *rest"]) -> Scales:
        """Return the scales [K] for x."""
