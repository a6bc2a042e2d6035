"""Layers without weights: pooling of what neurons send, means over an image, dropout, ordinary activations."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mia_audit.models import quantization
from mia_audit.models.axes import Activations
from mia_audit.models.passage import QUERY, Passage
from mia_audit.recipe.layers import Pool


class Pooling(nn.Module):
    """Maximum or mean over squares of images [K, T, B, H, W, C]."""

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor, _: Passage = QUERY) -> Tensor:
        """Pool every image of every model at every step."""
        images = x.flatten(0, 2).movedim(-1, 1)
        over = F.max_pool2d if self.pool.of == "max" else F.avg_pool2d
        pooled: Tensor = over(images, self.pool.size, self.pool.every)
        pooled = pooled.movedim(1, -1)
        return pooled.reshape(*x.shape[:3], *pooled.shape[1:])


class GlobalMean(nn.Module):
    """The mean over an image's places: [K, T, B, H, W, C] -> [K, T, B, C]."""

    def forward(self, x: Tensor, _: Passage = QUERY) -> Tensor:
        """Sum in float32, whatever the type of x."""
        return x.float().mean(dim=(3, 4))


class Silencing(nn.Module):
    """Dropout with each model's own stream, the same values at every time step (Srivastava et al. 2014, scaled while training)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor, passage: Passage = QUERY) -> Tensor:
        """Zero a share of [K, T, B, ...] while training, and scale up what is left."""
        if not self.training or self.rate == 0:
            return x
        drawn = passage.draw((x.shape[0], *x.shape[2:]), x.device).unsqueeze(1)
        return x * ((drawn >= self.rate).to(x.dtype) / (1 - self.rate))


class Tanh(nn.Module):
    """Hyperbolic tangent (the activation of Wang et al.'s ANN), on a signed grid where the recipe quantizes activations."""

    def __init__(self, models: int, bits: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.quantizer = quantization.activation(models, bits, rectify=False)
        self.dtype = dtype

    def forward(self, current: Activations, _: Passage = QUERY) -> Activations:
        """Turn currents into activations of the type that the next layer computes in."""
        activations: Tensor = self.quantizer(torch.tanh(current))
        return activations.to(self.dtype)
