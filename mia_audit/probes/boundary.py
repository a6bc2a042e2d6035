"""How far the decision boundary is, found by labels alone.

Chen, Jordan and Wainwright, "HopSkipJumpAttack", IEEE S&P 2020, arXiv:1904.02144v5, with the Euclidean norm: from an input with another
label walk back to the boundary, estimate its direction from random probes, step along it, walk back again. As Choquette-Choo et
al., arXiv:2007.14321v3, use it: an input that is not given its label in the first place has distance 0.

Departs from the paper: two rounds and 70 queries in all; the starting point is the first of ten other examples with another label
(where all ten have the same, the last of them: it is at least so far); every model walks on its own, in lockstep.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from torch import Tensor

from mia_audit.probes.subject import Draws, Subject
from mia_audit.types import Floats

CANDIDATES = 10
ROUNDS = 2
PROBES = 15
HALVINGS = 7
TRIES = 4


def boundary(subject: Subject) -> dict[str, Floats]:
    """Return the distance [K, N, 1], in standard deviations of the inputs."""
    others = torch.from_numpy(subject.inputs[: subject.pool]).to(subject.device)
    parts, draws = [], subject.draws("boundary")
    for x, labels in subject.chunks(size_factor=4):
        walk = _Walk(subject=subject, x=x, labels=labels, draws=draws, queries=count())
        right = ~walk.crossed(x.expand(subject.models, *x.shape))
        distance = walk.norm(walk.shortest(others) - x) * right
        parts.append(distance.cpu().numpy() / subject.spread)
    return {"boundary-distance": np.concatenate(parts, axis=1)[..., None].astype(np.float32)}


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """Walks from the other side of the boundary towards inputs x [B, ...], one for each model and input: points [K, B, ...]."""

    subject: Subject
    x: Tensor
    labels: Tensor
    draws: Draws
    queries: Iterator[int]

    def crossed(self, points: Tensor) -> Tensor:
        """Say for which points the model names another class, [K, B]: one query each."""
        return self.subject.logits(points, self.draws.encoding(next(self.queries))).argmax(dim=-1) != self.labels

    def norm(self, way: Tensor) -> Tensor:
        """Return Euclidean lengths [K, B]."""
        lengths: Tensor = way.flatten(2).norm(dim=2)
        return lengths

    def shortest(self, others: Tensor) -> Tensor:
        """Return points on the other side, close to the boundary and to x."""
        points = self._back(self._start(others))
        for number in range(1, ROUNDS + 1):
            length = self.norm(points - self.x) / number**0.5
            direction = self._normal(points, CANDIDATES + PROBES * number)
            moved, best = points, points
            for _ in range(TRIES):
                moved = self.subject.within(points + self._wide(length) * direction)
                best = torch.where(self._wide(self.crossed(moved) & (self.norm(best - points) == 0)), moved, best)
                length = length / 2
            closer = self._back(best)
            points = torch.where(self._wide(self.norm(closer - self.x) < self.norm(points - self.x)), closer, points)
        return points

    def _start(self, others: Tensor) -> Tensor:
        start = self.x.expand(self.subject.models, *self.x.shape)
        found = torch.zeros(start.shape[:2], dtype=torch.bool, device=start.device)
        for number in range(CANDIDATES):
            drawn = self.draws.numbers(number).integers(len(others), size=len(self.x))
            candidate = others[torch.from_numpy(drawn).to(others.device)].expand_as(start)
            start = torch.where(self._wide(found), start, candidate)
            found = found | self.crossed(candidate)
        return start

    def _back(self, points: Tensor) -> Tensor:
        """Return the nearest crossed point between x and each point, by halving."""
        near, far = torch.zeros(points.shape[:2], device=points.device), torch.ones(points.shape[:2], device=points.device)
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            over = self.crossed(self.x + self._wide(middle) * (points - self.x))
            near, far = torch.where(over, near, middle), torch.where(over, middle, far)
        return self.x + self._wide(far) * (points - self.x)

    def _normal(self, points: Tensor, first: int) -> Tensor:
        """Return the estimated direction away from x's side, of length 1: random probes, weighed by which side they fall on.

        first: number of the first probe's stream
        """
        radius = self.norm(points - self.x).clamp(min=1e-6) / self.x[0].numel() ** 0.5
        total, signs = torch.zeros_like(points), []
        probes = []
        for number in range(first, first + PROBES):
            probe = self.draws.normal(number, self.x)
            probe = probe / probe.flatten(1).norm(dim=1).view(-1, *(1,) * (probe.ndim - 1))
            signs.append(2.0 * self.crossed(self.subject.within(points + self._wide(radius) * probe)) - 1.0)
            probes.append(probe)
        mean = torch.stack(signs).mean(dim=0)
        for probe, sign in zip(probes, signs, strict=True):
            total += self._wide(sign - torch.where(mean.abs() == 1, 0.0, mean)) * probe
        return total / self._wide(self.norm(total).clamp(min=1e-9))

    def _wide(self, values: Tensor) -> Tensor:
        return values.view(*values.shape, *(1,) * (self.x.ndim - 1))
