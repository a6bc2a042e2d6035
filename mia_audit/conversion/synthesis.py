"""Images from a teacher alone: data impressions with Dirichlet soft labels (Nayak et al. 2019, arXiv:1905.08114), as PrivateSNN uses them.

1  class similarity: cosines between the rows of the class layer, each row brought to 0 to 1 by its own least and largest, 1e-3 at least
2  soft labels: for an image of class c, Dirichlet with row c as concentrations
3  pixels, from uniform noise: Adam on the cross-entropy between soft labels and the teacher's softmax at a temperature of 20

Departures: pixels are kept between 0 and 1 after every step rather than cut at the end. An image's label is its soft label's largest
entry, not the class that it was drawn for: under the paper's concentrations these differ for two images in five, and no number of steps
makes the teacher see a class that the soft label does not name. It ends when teacher and labels agree often enough.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mia_audit.errors import TrainingError
from mia_audit.models.encoding import direct
from mia_audit.models.network import Population
from mia_audit.recipe.conversion import Synthesis
from mia_audit.streams import stream
from mia_audit.types import Floats

FLOOR = 1e-3
"""The least concentration of a class: a Dirichlet distribution knows none of 0."""
ROUND = 10
"""Iterations between looks at the agreement."""
HOPELESS = 0.5
"""Share of the agreement asked for below which images are not what was asked for."""
_VALUES = 2**22
"""Pixels and channels of a layer that are held at once, over all models."""


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """Images of K models.

    images      [K, N, H, W, C] from 0 to 1
    labels      [K, N]
    agreement   [K], share of images that the teacher gives the class of their label
    iterations  [K], of Adam
    """

    images: Tensor
    labels: Tensor
    agreement: Tensor
    iterations: Tensor


def similarity(rows: Floats) -> Floats:
    """Return concentrations [C, C] of class-layer weights [C, features]."""
    units = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    cosines = units @ units.T
    low, high = cosines.min(axis=1, keepdims=True), cosines.max(axis=1, keepdims=True)
    scaled: Floats = np.maximum((cosines - low) / np.maximum(high - low, 1e-12), FLOOR)
    return scaled


def soft_labels(rows: Floats, images: int, rng: np.random.Generator, *, one_hot: bool) -> Floats:
    """Return soft labels [images, C] of class-layer weights [C, features]: equally many drawn for each class, give or take one."""
    classes = np.arange(images) % len(rows)
    if one_hot:
        return np.eye(len(rows))[classes]
    concentrations = similarity(rows.astype(np.float64))
    return np.stack([rng.dirichlet(concentrations[each]) for each in classes])


def synthesise(teacher: Population, how: Synthesis, shape: Sequence[int], indices: Sequence[int], seed: int) -> Synthetic:
    """Make images of `shape` for each model from its teacher, an ordinary network whose parameters take no gradients.

    TrainingError names models whose teacher does not see in its images what they are labelled as.
    """
    device = teacher.device
    rows = _class_rows(teacher)
    targets = np.stack(
        [
            soft_labels(own, how.images, stream(seed, "soft labels", index), one_hot=how.soft_labels == "one-hot")
            for own, index in zip(rows, indices, strict=True)
        ]
    )
    started = [stream(seed, "synthesis", index).random((how.images, *shape), dtype=np.float32) for index in indices]
    pixels, soft = torch.from_numpy(np.stack(started)).to(device), torch.from_numpy(targets.astype(np.float32)).to(device)
    made = _Making(teacher, how, pixels, soft)
    made.run()
    _require_agreement(made.agreement, made.iterations, how, indices)
    return Synthetic(images=made.done, labels=soft.argmax(dim=2), agreement=made.agreement, iterations=made.iterations)


class _Making:
    """Images on their way, in chunks, so that memory does not grow with their number; a model whose images are done keeps them."""

    def __init__(self, teacher: Population, how: Synthesis, pixels: Tensor, soft: Tensor) -> None:
        self.teacher, self.how, self.soft = teacher, how, soft
        size = max(1, _VALUES // (len(pixels) * _widest(teacher, pixels.shape[2:])))
        self.parts = [part.clone().requires_grad_() for part in pixels.split(size, dim=1)]
        self.steppers = [torch.optim.Adam([part], lr=how.learning_rate) for part in self.parts]
        self.targets = soft.split(size, dim=1)
        self.done = pixels.clone()
        self.agreement = torch.zeros(len(pixels), dtype=torch.float64, device=pixels.device)
        self.iterations = torch.zeros(len(pixels), dtype=torch.int64, device=pixels.device)

    def run(self) -> None:
        """Go on until every model's images are done."""
        for start in range(0, self.how.iterations, ROUND):
            count = min(ROUND, self.how.iterations - start)
            for part, stepper, target in zip(self.parts, self.steppers, self.targets, strict=True):
                for _ in range(count):
                    self._step(part, stepper, target)
            if not self._look(start + count).any():
                return

    def _step(self, part: Tensor, stepper: torch.optim.Optimizer, target: Tensor) -> None:
        logits = self.teacher.logits(direct(part)) / self.how.temperature
        loss = -(target * logits.log_softmax(dim=2)).sum()
        (part.grad,) = torch.autograd.grad(loss, part)
        stepper.step()
        with torch.no_grad():
            part.clamp_(0, 1)

    @torch.no_grad()
    def _look(self, iterations: int) -> Tensor:
        """Take over the images of models that are not done yet; return which are still not [K]."""
        open_ = self.agreement < self.how.agreement
        agrees = [self._agrees(part, target) for part, target in zip(self.parts, self.targets, strict=True)]
        now = torch.cat(agrees, dim=1).double().mean(dim=1)
        self.done[open_] = torch.cat([part.detach() for part in self.parts], dim=1)[open_]
        self.agreement[open_], self.iterations[open_] = now[open_], iterations
        return self.agreement < self.how.agreement

    def _agrees(self, part: Tensor, target: Tensor) -> Tensor:
        return self.teacher.logits(direct(part)).argmax(dim=2) == target.argmax(dim=2)


def _class_rows(teacher: Population) -> Iterator[Floats]:
    last = [parameter for name, parameter in teacher.named_parameters() if name.endswith("weight.weight")][-1]
    yield from last.detach().cpu().numpy()


def _widest(teacher: Population, image: Sequence[int]) -> int:
    """Return about how many values the widest layer has for an image."""
    weights = [parameter for name, parameter in teacher.named_parameters() if name.endswith("weight.weight")]
    return max(math.prod(image), *(weight.shape[1] * (math.prod(image[:2]) if weight.ndim > 3 else 1) for weight in weights))


def _require_agreement(agreement: Tensor, iterations: Tensor, how: Synthesis, indices: Sequence[int]) -> None:
    for index, own, taken in zip(indices, agreement.tolist(), iterations.tolist(), strict=True):
        if own < HOPELESS * how.agreement:
            raise TrainingError(
                f"synthesis needs images that their teacher knows, got model {index}, which gives {own:.0%} of its own the class of their "
                f"label after {taken} iterations; use more conversion.synthesis.iterations or a larger conversion.synthesis.learning_rate"
            )
