"""What should have entered the networks in training, worked out from the recipe, the coins and the stored examples once more.

Nothing is shared with the loop that feeds the networks but the order in which a model's members are dealt: the wrong examples, labels or
weights, another order of augmentation and encoding, or a change after the batch was noted, give other fingerprints.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mia_audit.data.fingerprint import bound, fingerprints
from mia_audit.recipe import Recipe
from mia_audit.streams import stream, stream_seed
from mia_audit.training.batches import Batch, looked_at
from mia_audit.training.material import Material
from mia_audit.training.plan import Task
from mia_audit.training.sampling import sampler
from mia_audit.types import Floats, Ints


def expected_fed(given: Material, tasks: Sequence[Task], device: str) -> Ints:
    """Return for each model and each step that is looked at the number that binds its batch, [models, steps looked at]."""
    plain = fingerprints(given.pool_inputs) if as_they_are(given.recipe) else None
    return np.concatenate([_cohort(given, task, device, plain) for task in tasks])


def as_they_are(recipe: Recipe) -> bool:
    """Say whether stored examples enter the network unchanged: then no torch is needed to know what should have."""
    return recipe.model.encoding == "direct" and not recipe.data.augment


def _cohort(given: Material, task: Task, device: str, plain: Ints | None) -> Ints:
    recipe, training = given.recipe, given.recipe.training
    dealing = sampler(recipe, task.indices, task.rows)
    wanted = looked_at(dealing.steps * training.last_epoch, training.seed)
    augmenters = [stream(training.seed, "augment", index) for index in task.indices]
    replay = _Replay(given=given, indices=task.indices, augmenters=augmenters, device=device, plain=plain)
    dealt = (batch for deal in dealing.epochs(training.last_epoch) for batch in deal)
    found = []
    for number, batch in zip(range(max(wanted) + 1), dealt, strict=False):
        if number in wanted:
            found.append(replay.step(batch, number))
        else:
            replay.skip(batch)
    return np.stack(found, axis=1)


@dataclass(frozen=True, kw_only=True)
class _Replay:
    """A cohort's training as far as its inputs go; `plain` are the pool's fingerprints where examples enter as they are."""

    given: Material
    indices: tuple[int, ...]
    augmenters: list[np.random.Generator]
    device: str
    plain: Ints | None

    def step(self, batch: Batch, number: int) -> Ints:
        """Return what binds each model's batch, [K]."""
        prints = self._entered(batch, number) if self.plain is None else self.plain[batch.positions]
        each = bound(
            prints,
            self.given.pool_labels[batch.positions],
            np.ascontiguousarray(batch.weights, dtype=np.float32).view(np.int32).astype(np.int64),
        )
        found: Ints = (each * (batch.weights > 0)).sum(axis=1)
        return found

    def skip(self, batch: Batch) -> None:
        """Draw what a step would have drawn."""
        if self.given.recipe.data.augment:
            from mia_audit.data import augmenting  # noqa: PLC0415  torch is needed only where examples change

            for row, rng in zip(batch.weights, self.augmenters, strict=True):
                augmenting.draw(self.given.recipe.data, int((row > 0).sum()), rng)

    def _entered(self, batch: Batch, number: int) -> Ints:
        """Return the fingerprints of augmented and encoded inputs, [K, B]; one model after the other."""
        import torch  # noqa: PLC0415

        from mia_audit.data.entrance import prints  # noqa: PLC0415
        from mia_audit.models.encoding import encode  # noqa: PLC0415

        recipe, found = self.given.recipe, []
        for positions, row, index, rng in zip(batch.positions, batch.weights, self.indices, self.augmenters, strict=True):
            images = torch.from_numpy(self._moved(self.given.pool_inputs[positions], int((row > 0).sum()), rng)).to(self.device)
            seed = stream_seed(recipe.training.seed, f"encode {number}", index)
            encoded = encode(images.unsqueeze(0), recipe.model, [torch.Generator(self.device).manual_seed(seed)])
            found.append(prints(encoded)[0].cpu().numpy())
        return np.stack(found)

    def _moved(self, images: Floats, count: int, rng: np.random.Generator) -> Floats:
        """Return a model's images, its own moved and padding as it is."""
        data = self.given.recipe.data
        if not data.augment:
            return images
        import torch  # noqa: PLC0415

        from mia_audit.data import augmenting  # noqa: PLC0415

        moved = augmenting.moved(torch.from_numpy(images[:count]), augmenting.draw(data, count, rng), data.crop_padding)
        return np.concatenate([moved.numpy(), images[count:]])
