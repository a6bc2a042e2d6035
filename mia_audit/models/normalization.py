"""Normalization of currents [K, T, B, ..., C] float32: each model by itself, and padding counts for nothing.

Batch norm is Ioffe and Szegedy 2015, arXiv:1502.03167v3, Algorithms 1 and 2, with torch's constants. Group norm is Wu and He
2018, arXiv:1803.08494v3, equations 1 to 4 and 7.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mia_audit.models.axes import Activations, Bool, Each, Float
from mia_audit.models.passage import QUERY, Passage
from mia_audit.models.tally import Summed

Statistics = Float[Tensor, "K steps C"]
Repeated = Float[Tensor, "K steps B *places C"]
"""As the currents, or at every step where one stood for all."""
Own = Float[Tensor, "T B *places C"]
PerModel = Float[Tensor, "K 1 1"]

EPSILON = 1e-5
MOMENTUM = 0.1


class BatchNorm(nn.Module):
    """Batch norm of K models over examples, places and time steps; with `per_step`, apart at each step.

    Per step, scale and shift are a step's own too: a first layer whose current is the same at every step leaves it different
    at each. Over all steps, a current that is the same at every step counts as often as there are steps, as if repeated.
    """

    running_mean: Statistics
    running_var: Statistics

    def __init__(self, models: int, channels: int, steps: int = 1, *, per_step: bool = False) -> None:
        super().__init__()
        shape = (models, steps if per_step else 1, channels)
        self.per_step, self.steps = per_step, steps
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))
        self.register_buffer("running_mean", torch.zeros(shape))
        self.register_buffer("running_var", torch.ones(shape))

    def forward(self, x: Activations, passage: Passage) -> Repeated:
        """Return x normalized by its batch while training, by running statistics otherwise."""
        if self.training and x.device.type == "cpu":
            return self._one_by_one(x, passage)
        return self.together(x, passage)

    def together(self, x: Activations, passage: Passage) -> Repeated:
        """Normalize all models at once: the form for other devices, and for queries."""
        mean, var = self._measure(x, passage.weights) if self.training else (self.running_mean, self.running_var)
        scale = self.weight * torch.rsqrt(var + EPSILON)
        shift = self.bias - mean * scale
        view = (scale.shape[0], scale.shape[1], *(1,) * (x.ndim - 3), scale.shape[2])
        return x * scale.view(view) + shift.view(view)

    def _one_by_one(self, x: Activations, passage: Passage) -> Repeated:
        """Normalize with torch's own kernel, a model (and step) at a time, which on the CPU takes half the time; padding becomes zero."""
        models, time, batch = x.shape[:3]
        counts = passage.counts or [batch] * models
        if not passage.counts and passage.weights is not None:
            counts = [int(count) for count in (passage.weights > 0).sum(dim=1)]
        if not self.per_step:
            return torch.stack([self._normal(x[k], k, 0, counts[k]) for k in range(models)])
        steps = range(self.weight.shape[1])
        return torch.stack([torch.cat([self._normal(x[k, t % time][None], k, t, counts[k]) for t in steps]) for k in range(models)])

    def _normal(self, x: Own, model: int, step: int, count: int) -> Own:
        """Normalize currents [T, B, ..., C] of one model; its examples come first. One that sits out gets zeros."""
        if count == 0:
            return torch.zeros_like(x)
        own = x[:, :count]
        rows = own.flatten(0, 1).movedim(-1, 1)
        normal, mean, inverse = torch.native_batch_norm(
            rows, self.weight[model, step], self.bias[model, step], None, None, True, 0.0, EPSILON
        )
        repeats = 1 if self.per_step else self.steps // len(x)
        size = rows[:, 0].numel() * repeats
        var = (inverse.detach() ** -2 - EPSILON) * (size / max(1, size - 1))
        for running, new in ((self.running_mean, mean.detach()), (self.running_var, var)):
            running[model, step] += MOMENTUM * (new - running[model, step])
        normal = normal.movedim(1, -1).reshape(own.shape)
        return normal if count == x.shape[1] else torch.cat([normal, torch.zeros_like(x[:, count:])], dim=1)

    def _measure(self, x: Activations, weights: Each | None) -> tuple[Statistics, Statistics]:
        """Return mean and variance [K, steps or 1, C] of the examples that count, and keep the running ones up."""
        models, time, batch, *_, channels = x.shape
        together = 1 if self.per_step else time  # steps that share their statistics
        counted = torch.ones(models, batch, device=x.device) if weights is None else (weights > 0).float()
        present = counted.sum(dim=1, keepdim=True)
        counted = torch.where(present > 0, counted, 1.0)  # a model that sits out is normalized by its padding, to stay finite
        places = x[0, 0, 0, ..., 0].numel() * together
        share = (counted / counted.sum(dim=1, keepdim=True) / places)[:, None, None, :, None]
        rows = x.reshape(models * (time // together), together, batch, places // together, channels)
        share = share.expand(models, time // together, together, batch, places // together).reshape(len(rows), 1, -1)
        flat = rows.reshape(len(rows), -1, channels)
        mean = torch.bmm(share, flat)
        var = torch.bmm(share, (flat - mean).square())
        mean, var = mean.view(models, -1, channels), var.view(models, -1, channels)
        repeats = 1 if self.per_step else self.steps // time
        self._keep_up(mean, var, present[:, None] * places * repeats, present[:, None] > 0)
        return mean, var

    @torch.no_grad()
    def _keep_up(self, mean: Statistics, var: Statistics, size: PerModel, present: Bool[Tensor, "K 1 1"]) -> None:
        """Move the running statistics of models that have examples in this batch."""
        unbiased = var * size / (size - 1).clamp(min=1)
        for running, new in ((self.running_mean, mean), (self.running_var, unbiased)):
            running.copy_(torch.where(present, running + MOMENTUM * (new - running), running))


class GroupNorm(nn.Module):
    """Group norm of K models: each example at each step by itself, over places and a group's channels."""

    def __init__(self, models: int, channels: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.ones(models, channels))
        self.bias = nn.Parameter(torch.zeros(models, channels))

    def forward(self, x: Activations, passage: Passage = QUERY) -> Activations:
        """Return x normalized; no statistics are kept."""
        single = x.flatten(0, 2).movedim(-1, 1)
        normal = F.group_norm(single, self.groups, eps=EPSILON).movedim(1, -1).reshape(x.shape)
        view = (len(x), *(1,) * (x.ndim - 2), x.shape[-1])
        if passage.tally is None:
            return normal * self.weight.view(view) + self.bias.view(view)
        currents = normal * self.weight.detach().view(view) + self.bias.detach().view(view)
        passage.tally.add(Summed(self.weight, times=normal), currents)
        passage.tally.add(Summed(self.bias), currents)
        return currents
