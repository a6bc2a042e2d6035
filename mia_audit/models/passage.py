"""What one pass through a population knows beside its inputs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mia_audit.models.tally import Tally


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One pass of a batch.

    weights  [K, B]; an example of weight 0 pads the batch and must move nothing. None: every example counts
    noise    one generator a model, on the device; empty while querying
    tally    where layers leave what each example's gradients are made of; None: gradients are the batch's
    rates    where spiking layers leave their firing rates [K, B], spikes per neuron and step; None: nobody asks
    """

    weights: Tensor | None = None
    noise: Sequence[torch.Generator] = ()
    rates: list[Tensor] | None = None
    counts: Sequence[int] = field(default=())
    tally: Tally | None = None

    def draw(self, shape: Sequence[int], device: torch.device) -> Tensor:
        """Return uniform numbers [K, B, ...] in [0, 1): each model draws for its own examples alone, so that padding moves no stream.

        Padding gets 0.
        """
        drawn = torch.zeros(tuple(shape), device=device)
        counts = self.counts or [shape[1]] * shape[0]
        for row, count, generator in zip(drawn, counts, self.noise, strict=True):
            row[:count] = torch.rand((count, *shape[2:]), generator=generator, device=device)
        return drawn


QUERY = Passage()
"""A pass that only asks."""
