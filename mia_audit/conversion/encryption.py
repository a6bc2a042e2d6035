"""Encryption by temporal training: the converted network learns through time from synthetic images alone (PrivateSNN, stage D).

(1 - m) CE(logits, labels) + m tau^2 KL(softmax(teacher / tau) || softmax(logits / tau))       (Hinton et al. 2015, arXiv:1503.02531v1)

The paper gives Adam, distillation and its surrogate, 0.3 max(0, 1 - |U / theta - 1|); m, tau, epochs and learning rate are ours. Nothing
here is a key, and nothing guarantees anything: how far weights move is returned, to stand beside whatever is said of them.

Logits have the teacher's scale, since the readout's weights hold the product of thresholds. Without that the loss would first of all
train the scale: accuracy falls, weights move a lot, and both are taken for encryption.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.conversion.folding import held, weighted
from mia_audit.errors import TrainingError
from mia_audit.models.encoding import encode
from mia_audit.models.network import Population
from mia_audit.recipe import Model
from mia_audit.recipe.conversion import Encryption
from mia_audit.streams import stream, stream_seed


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a population learns from, and how its models draw: images [K, N, H, W, C], labels [K, N], the teacher's logits [K, N, classes].

    indices, seed  of the models' streams
    """

    images: Tensor
    labels: Tensor
    teacher: Tensor
    indices: Sequence[int]
    seed: int

    def batches(self, size: int, epoch: int) -> Iterator[Tensor]:
        """Yield an epoch's batches, places [K, B] among each model's own images; the last one may be smaller."""
        count = self.labels.shape[1]
        orders = np.stack([stream(self.seed, f"encryption {epoch}", index).permutation(count) for index in self.indices])
        yield from torch.from_numpy(orders).split(size, dim=1)


def encrypt(population: Population, lesson: Lesson, how: Encryption, model: Model) -> Tensor:
    """Train a population of converted networks in place; return how far each layer's weights moved, relative to their norm [K, layers].

    TrainingError where a loss is not finite.
    """
    before = [held(layer).weight.detach().clone() for layer in weighted(population)]
    population.train()
    stepper = torch.optim.Adam(population.parameters(), lr=how.learning_rate)
    generators = [
        torch.Generator(population.device).manual_seed(stream_seed(lesson.seed, "encryption code", index)) for index in lesson.indices
    ]
    for epoch in range(how.epochs):
        for places in lesson.batches(how.batch_size, epoch):
            x = encode(_taken(lesson.images, places), model, generators)
            each = losses(population(x), _taken(lesson.labels, places), _taken(lesson.teacher, places), how)
            stepper.zero_grad(set_to_none=True)
            each.sum().backward()
            stepper.step()
            _require_finite(each, lesson.indices, epoch + 1)
    population.eval()
    return torch.stack([_moved(held(layer).weight.detach(), old) for layer, old in zip(weighted(population), before, strict=True)], dim=1)


def losses(logits: Tensor, labels: Tensor, teacher: Tensor, how: Encryption) -> Tensor:
    """Return each model's loss [K] of logits [K, B, classes], labels [K, B] and what the teacher answers [K, B, classes]."""
    hard = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view_as(labels).mean(dim=1)
    ours, theirs = (logits / how.temperature).log_softmax(dim=2), (teacher / how.temperature).log_softmax(dim=2)
    divergence = (theirs.exp() * (theirs - ours)).sum(dim=2).mean(dim=1)
    total: Tensor = (1 - how.distillation) * hard + how.distillation * how.temperature**2 * divergence
    return total


def _taken(values: Tensor, places: Tensor) -> Tensor:
    models = torch.arange(len(values), device=values.device).unsqueeze(1)
    return values[models, places.to(values.device)]


def _moved(now: Tensor, before: Tensor) -> Tensor:
    change: Tensor = (now - before).flatten(1).norm(dim=1) / before.flatten(1).norm(dim=1)
    return change


def _require_finite(each: Tensor, indices: Sequence[int], epoch: int) -> None:
    for index, loss in zip(indices, each.detach().tolist(), strict=True):
        if not np.isfinite(loss):
            raise TrainingError(
                f"encryption needs finite losses, got {loss} of model {index} in epoch {epoch}; lower conversion.encryption.learning_rate"
            )
