"""Activation maximisation: images for which a network is sure of a class, by Adam on pixels or on a prior's coefficients.

Scenario 1 of PrivateSNN (Kim et al. 2022, arXiv:2104.03414v3) maps a spiking network's weights back into the ordinary one and attacks
that; scenario 2 attacks the spiking network itself, its surrogate handing gradients back through time. Both are this, on another network.
The paper tells neither objective nor settings: ours are the logarithm of the class's probability, a grey start that each image leaves by
noise of its own, and a penalty on differences between neighbouring pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mia_audit.inversion.prior import Prior
from mia_audit.models.encoding import direct
from mia_audit.models.network import Population
from mia_audit.streams import stream

START = 0.05
"""Standard deviation of what an image's start differs from grey by."""
_TOGETHER = 100


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How an attack ascends.

    smoothness  weight of the mean absolute difference between neighbouring pixels, against the loss of one image
    """

    iterations: int = 100
    learning_rate: float = 0.05
    smoothness: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Found:
    """Images [K, N, H, W, C] of K networks, their classes [N], and how often the attacked networks see these themselves [K].

    Where they do not, the attack has not converged, and says nothing of what is protected.
    """

    images: Tensor
    classes: Tensor
    recognised: Tensor


def invert(networks: Population, classes: Tensor, how: Settings, shape: Sequence[int], seed: int, known: Prior | None = None) -> Found:  # noqa: PLR0913, PLR0917
    """Make an image [H, W, C] for each of the classes [N] from every network, within the prior where one is known.

    The networks' parameters take no gradients afterwards.
    """
    networks.eval().requires_grad_(requires_grad=False)
    sizes = shape if known is None else known.components.shape[:1]
    drawn = stream(seed, "inversion").standard_normal((networks.models, len(classes), *sizes)).astype("float32")
    start = torch.from_numpy(drawn) * START + (0.5 if known is None else 0.0)
    parts = [
        _ascended(networks, part, aims, how, known)
        for part, aims in zip(start.split(_TOGETHER, dim=1), classes.split(_TOGETHER), strict=True)
    ]
    images = torch.cat(parts, dim=1)
    seen = torch.cat([networks.logits(direct(part)).argmax(dim=2) for part in images.split(_TOGETHER, dim=1)], dim=1)
    return Found(images=images, classes=classes, recognised=(seen == classes).float().mean(dim=1))


def _ascended(networks: Population, start: Tensor, classes: Tensor, how: Settings, known: Prior | None) -> Tensor:
    """Return images [K, B, H, W, C] of a start, pixels or coefficients [K, B, ...]."""
    leaf = start.clone().requires_grad_()
    stepper = torch.optim.Adam([leaf], lr=how.learning_rate * (1.0 if known is None else 10.0))  # coefficients are in deviations
    aims = classes.expand(len(leaf), -1).unsqueeze(2)
    for _ in range(how.iterations):
        images = leaf if known is None else known.images(leaf)
        sure = networks.logits(direct(images)).log_softmax(dim=2).gather(2, aims)
        loss = how.smoothness * roughness(images).sum() - sure.sum()
        (leaf.grad,) = torch.autograd.grad(loss, leaf)
        stepper.step()
        if known is None:
            with torch.no_grad():
                leaf.clamp_(0, 1)
    return (leaf if known is None else known.images(leaf)).detach()


def roughness(images: Tensor) -> Tensor:
    """Return the mean absolute difference between neighbouring pixels of each image [K, B, H, W, C]."""
    down, right = images.diff(dim=2).abs(), images.diff(dim=3).abs()
    return down.flatten(2).mean(dim=2) + right.flatten(2).mean(dim=2)
