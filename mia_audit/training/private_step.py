"""A step of DP-SGD (Abadi et al. 2016, arXiv:1607.00133v2, Algorithm 1), every model by itself.

Each example's gradient, by all parameters together, is scaled down to the clipping norm where it is longer; the sum gets noise of the
model's own stream; and the divisor is a constant, whoever was drawn. All that follows, the optimizer included, sees noisy sums alone.

Whoever holds the recipe's seed can draw the same noise and subtract it: such a training is an audit of the mechanism. With
`secure_noise` nobody can.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mia_audit.models.network import Population
from mia_audit.models.passage import Passage
from mia_audit.models.tally import Tally
from mia_audit.recipe import Recipe, filled
from mia_audit.streams import stream_seed
from mia_audit.training import optimizing, system
from mia_audit.training.stepping import cross_entropy, weighted


class PrivateStep:
    """Clip, sum, add noise, divide by a constant, and step."""

    def __init__(self, recipe: Recipe, indices: tuple[int, ...], population: Population) -> None:
        private, training = filled(recipe.privacy), recipe.training
        self._training, self._population = training, population
        self._optimizer = optimizing.optimizer(training, population)
        self._norm, self._divisor = private.max_grad_norm, filled(training.batch_size)
        self._deviation = filled(private.noise_multiplier) * private.max_grad_norm
        device = next(population.parameters()).device
        seeded = (torch.Generator(device).manual_seed(stream_seed(training.seed, "privacy noise", index)) for index in indices)
        self._noise = [None] * len(indices) if private.secure_noise else list(seeded)

    def begin(self, epoch: int) -> None:
        """Set the learning rate."""
        optimizing.set_rate(self._optimizer, self._training, epoch)

    def take(self, x: Tensor, labels: Tensor, passage: Passage) -> Tensor:
        """Pass and go back once, hand noisy sums to the parameters, and step."""
        tally = Tally()
        losses = cross_entropy(self._population(x, replace(passage, tally=tally)), labels, self._training)
        self._optimizer.zero_grad(set_to_none=True)
        (losses * (filled(passage.weights) > 0)).sum().backward()
        noisy = [self._noisy(sums) / self._divisor for sums in self._sums(tally)]
        torch.autograd.backward([part.handle for part in tally.parts], noisy)
        self._optimizer.step()
        return weighted(losses.detach(), passage)

    def _sums(self, tally: Tally) -> list[Tensor]:
        """Return the sum of clipped gradients [K, ...] of each part."""
        factors = clipping(tally.norms(self._population), self._norm)
        return [part.total(factors) for part in tally.parts]

    def _noisy(self, sums: Tensor) -> Tensor:
        """Add noise to sums [K, ...], each model's own."""
        shape, device = sums.shape[1:], sums.device
        drawn = [_normal(shape, device) if each is None else torch.randn(shape, generator=each, device=device) for each in self._noise]
        return sums + self._deviation * torch.stack(drawn)


def _normal(shape: Sequence[int], device: torch.device) -> Tensor:
    """Return standard normal numbers of the operating system."""
    return torch.from_numpy(system.normal(shape).astype(np.float32)).to(device)


def clipping(norms: Tensor, most: float) -> Tensor:
    """Return what gradients of these norms are multiplied by, so that none is longer than `most`."""
    return most / norms.clamp(min=most)
