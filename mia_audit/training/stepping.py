"""What one step of training does: losses, gradients, and the update of every model's parameters.

Which examples a step is given is the sampler's business (`batches.py`); how both go together, `procedure.py`'s.
"""

from typing import Protocol

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.models.network import Population
from mia_audit.models.passage import Passage
from mia_audit.recipe import Training, filled
from mia_audit.training import optimizing


class Step(Protocol):
    """Gradient and update."""

    def begin(self, epoch: int) -> None:
        """Make ready for an epoch, counted from 0."""
        ...

    def take(self, x: Tensor, labels: Tensor, passage: Passage) -> Tensor:
        """Move all models by one batch, encoded inputs [K, T or 1, B, ...] with labels [K, B]; return each model's loss [K]."""
        ...


class PlainStep:
    """The gradient of a weighted mean over the batch, and the recipe's optimizer."""

    def __init__(self, training: Training, population: Population) -> None:
        self._training, self._population = training, population
        self._optimizer = optimizing.optimizer(training, population)

    def begin(self, epoch: int) -> None:
        """Set the learning rate."""
        optimizing.set_rate(self._optimizer, self._training, epoch)

    def take(self, x: Tensor, labels: Tensor, passage: Passage) -> Tensor:
        """Pass, go back, and step."""
        losses = weighted(cross_entropy(self._population(x, passage), labels, self._training), passage)
        self._optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()
        self._optimizer.step()
        return losses.detach()


def cross_entropy(logits: Tensor, labels: Tensor, training: Training) -> Tensor:
    """Return the loss of each example [K, B]."""
    each: Tensor = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none", label_smoothing=training.label_smoothing)
    return each.view_as(labels)


def weighted(each: Tensor, passage: Passage) -> Tensor:
    """Return each model's loss [K], the weighted mean of its examples' losses [K, B]."""
    means: Tensor = (each * filled(passage.weights)).sum(dim=1)
    return means
