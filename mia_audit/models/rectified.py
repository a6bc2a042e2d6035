"""Hidden layers of an ANN population: ReLU, on Brevitas' unsigned grid where the recipe quantizes activations."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mia_audit.models import fused, quantization
from mia_audit.models.axes import Activations
from mia_audit.models.passage import QUERY, Passage


class RectifiedLayer(nn.Module):
    """Turn currents [K, 1, B, ...] float32 into activations of the type that the next layer computes in."""

    def __init__(self, models: int, bits: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.quantizer: Any = quantization.activation(models, bits, rectify=bits != 32)
        self.dtype = dtype

    def forward(self, current: Activations, _: Passage = QUERY) -> Activations:
        """Rectify and quantize: in one pass on the CPU, but for float32, where Brevitas does its own rounding (see `spiking.py`)."""
        if current.device.type != "cpu" or self.dtype == torch.float32:
            rectified: Tensor = self.quantizer(F.relu(current))  # not the other way round: a ReLU behind the grid stops what rounds to 0
            return rectified.to(self.dtype)
        activations: Tensor = fused.Rectify.apply(current, self.quantizer.scale(current), self.quantizer.grid, self.dtype)
        return activations
