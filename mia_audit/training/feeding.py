"""From positions in the pool to what a population is fed: augmented, encoded, and with a stream of noise for each model."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mia_audit.data import augmenting
from mia_audit.models.encoding import encode
from mia_audit.models.passage import Passage
from mia_audit.recipe import Recipe
from mia_audit.streams import stream, stream_seed
from mia_audit.training.batches import Batch


@dataclass(frozen=True, kw_only=True)
class Feed:
    """What a cohort's batches are made from: the pool's inputs [N, ...] and labels [N], and each model's streams."""

    recipe: Recipe
    indices: tuple[int, ...]
    inputs: Tensor
    labels: Tensor
    encoders: list[torch.Generator]
    noise: list[torch.Generator]
    augmenters: list[np.random.Generator]

    def batch(self, batch: Batch, number: int) -> tuple[Tensor, Tensor, Passage]:
        """Return encoded inputs [K, T or 1, B, ...], labels [K, B] and the passage of step `number`, counted over all epochs."""
        positions = torch.from_numpy(batch.positions).to(self.inputs.device)
        counts = [int((row > 0).sum()) for row in batch.weights]
        x = self.inputs[positions]
        if self.recipe.data.augment:
            x = self._augmented(x, counts)
        if self.recipe.model.encoding == "rate":
            for encoder, index in zip(self.encoders, self.indices, strict=True):  # what padding drew must not move the next step
                encoder.manual_seed(stream_seed(self.recipe.training.seed, f"encode {number}", index))
        weights = torch.from_numpy(batch.weights).to(self.inputs.device)
        passage = Passage(weights=weights, noise=self.noise, counts=counts)
        return encode(x, self.recipe.model, self.encoders), self.labels[positions], passage

    def _augmented(self, x: Tensor, counts: list[int]) -> Tensor:
        """Move each model's own images; padding stays still and moves no stream."""
        x = x.clone()
        for images, count, rng in zip(x, counts, self.augmenters, strict=True):
            moves = augmenting.draw(self.recipe.data, count, rng)
            images[:count] = augmenting.moved(images[:count], moves, self.recipe.data.crop_padding)
        return x


def feed(recipe: Recipe, indices: tuple[int, ...], inputs: Tensor, labels: Tensor) -> Feed:
    """Return the feed of a cohort, every stream at its beginning."""
    seed, device = recipe.training.seed, inputs.device
    return Feed(
        recipe=recipe,
        indices=indices,
        inputs=inputs,
        labels=labels,
        encoders=[torch.Generator(device) for _ in indices],
        noise=[torch.Generator(device).manual_seed(stream_seed(seed, "noise", index)) for index in indices],
        augmenters=[stream(seed, "augment", index) for index in indices],
    )
