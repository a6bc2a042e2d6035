"""How much of a class is seen in inverted images, by evaluators; what controls are seen as; and whether a member shows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mia_audit.inversion.ascent import Found, Settings, invert
from mia_audit.inversion.evaluators import seen_as
from mia_audit.inversion.prior import Prior
from mia_audit.models.network import Population
from mia_audit.types import Floats

CONVERGED = 0.9
"""Share of its images that the attacked network has to recognise, or nothing was shown."""


def success(judges: Mapping[str, Population], found: Found) -> dict[str, Floats]:
    """Return the share of images of each network [K] in which each evaluator sees the class that was aimed at."""
    each = [seen_as(judges, images) for images in found.images]
    classes = found.classes.numpy()
    return {name: np.array([(seen[name] == classes).mean() for seen in each]) for name in judges}


def wrong_class(judges: Mapping[str, Population], found: Found, classes: int) -> dict[str, Floats]:
    """Return the same for the class after the one that was aimed at: what an evaluator sees whatever it is shown."""
    return success(judges, Found(images=found.images, classes=(found.classes + 1) % classes, recognised=found.recognised))


@dataclass(frozen=True, kw_only=True)
class Attack:
    """An attack whose settings are still to be chosen."""

    classes: Tensor
    shape: Sequence[int]
    seed: int
    known: Prior | None = None

    def run(self, networks: Population, how: Settings) -> Found:
        """Invert networks."""
        return invert(networks, self.classes, how, self.shape, self.seed, self.known)

    def chosen(self, shadow: Population, grid: Sequence[Settings], judges: Mapping[str, Population]) -> Settings:
        """Return the settings whose images of a shadow network evaluators recognise best, on average; the target is not asked."""
        scores = [np.mean([each.mean() for each in success(judges, self.run(shadow, how)).values()]) for how in grid]
        return grid[int(np.argmax(scores))]


@dataclass(frozen=True, kw_only=True)
class SignTest:
    """In how many of so many pairs the member was nearer, ties left out, and the two-sided p of that by fair coins."""

    nearer: int
    pairs: int
    p: float


def member_shows(images: Tensor, members: Floats, others: Floats) -> SignTest:
    """Ask of each image [N, H, W, C] whether the nearest member lies nearer than the nearest of as many other images.

    members, others  [M, H, W, C], equally many, in the same order of classes or none
    """
    assert len(members) == len(others), "the nearest of more images is nearer"  # noqa: S101
    flat = images.flatten(1).double()
    inside, outside = (torch.cdist(flat, torch.from_numpy(each.reshape(len(each), -1)).double()).amin(dim=1) for each in (members, others))
    nearer, pairs = int((inside < outside).sum()), int((inside != outside).sum())
    return SignTest(nearer=nearer, pairs=pairs, p=_fair(nearer, pairs))


def _fair(hits: int, pairs: int) -> float:
    """Return the two-sided p of so many heads among fair coins."""
    few = min(hits, pairs - hits)
    tail: float = sum(math.comb(pairs, k) for k in range(few + 1)) / 2**pairs
    return min(1.0, 2 * tail)
