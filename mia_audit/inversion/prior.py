"""An attacker's prior: images as sums of the first principal components of other images of their kind."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mia_audit.types import Floats


@dataclass(frozen=True, kw_only=True)
class Prior:
    """Images are mean + coefficients times components, cut to 0 to 1.

    mean        [H, W, C]
    components  [D, H, W, C], each as large as one standard deviation of its coefficient
    """

    mean: Tensor
    components: Tensor

    def images(self, coefficients: Tensor) -> Tensor:
        """Return images [..., H, W, C] of coefficients [..., D]."""
        images: Tensor = (self.mean + torch.tensordot(coefficients, self.components, dims=1)).clamp(0, 1)
        return images


def prior(images: Floats, components: int = 64) -> Prior:
    """Return the prior of images [N, H, W, C]: as many principal components as asked for, or as there are."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    mean = flat.mean(axis=0)
    _, deviations, directions = np.linalg.svd(flat - mean, full_matrices=False)
    scaled = directions[:components] * (deviations[:components, None] / np.sqrt(len(images)))
    shape = images.shape[1:]
    return Prior(
        mean=torch.from_numpy(mean.reshape(shape).astype(np.float32)),
        components=torch.from_numpy(scaled.reshape(-1, *shape).astype(np.float32)),
    )
