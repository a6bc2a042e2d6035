"""Augmentation of images: random crops after padding with zeros, and horizontal flips (Krizhevsky et al. 2012, section 4.1).

Members alone are trained on, so augmentation in training meets members alone; queries are the same for all examples, plain
ones unless the recipe asks for augmented copies.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mia_audit.recipe import Data
from mia_audit.types import Bools, Ints


class Moves(NamedTuple):
    """What happens to each image: its crop's corner [N, 2] in the padded image, and whether it is mirrored [N]."""

    corners: Ints
    mirrored: Bools


def draw(data: Data, count: int, rng: np.random.Generator) -> Moves:
    """Draw moves for `count` images; what the recipe does not ask for stays as it is."""
    still = np.full((count, 2), data.crop_padding)
    corners = rng.integers(0, 2 * data.crop_padding + 1, (count, 2)) if "crop" in data.augment else still
    mirrored = rng.random(count) < 0.5 if "flip" in data.augment else np.zeros(count, dtype=bool)
    return Moves(corners=corners, mirrored=mirrored)


def moved(images: Tensor, moves: Moves, padding: int) -> Tensor:
    """Return images [N, H, W, C] cropped from their padded selves and mirrored, in their own shape."""
    count, height, width, _ = images.shape
    padded = torch.nn.functional.pad(images, (0, 0, padding, padding, padding, padding))
    corners = torch.from_numpy(np.asarray(moves.corners)).to(images.device)
    columns = torch.arange(width, device=images.device).expand(count, width)
    columns = torch.where(torch.from_numpy(moves.mirrored).to(images.device)[:, None], width - 1 - columns, columns) + corners[:, 1:]
    rows = torch.arange(height, device=images.device) + corners[:, :1]
    which = torch.arange(count, device=images.device)[:, None, None]
    return padded[which, rows[:, :, None], columns[:, None, :]]
