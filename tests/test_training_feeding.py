"""What models are fed: each its own members, moves and spikes; the same examples as arrays; nothing of the pool is changed."""

from typing import Any

import numpy as np
import torch

from mia_audit.catalogue import load_recipe, override
from mia_audit.data.examples import Examples
from mia_audit.data.profiles import profile, resolve
from mia_audit.recipe import Recipe
from mia_audit.training.batches import Batch
from mia_audit.training.feeding import feed
from mia_audit.training.material import frame, material

IMAGES = np.random.default_rng(0).random((30, 8, 8, 1), dtype=np.float32)
LABELS = np.arange(30) % 10


def recipe(**changes: Any) -> Recipe:
    """Return the resolved recipe of a spiking network on digits."""
    return resolve(override(load_recipe("snn"), {"data.dataset": "digits", **{key.replace("__", "."): v for key, v in changes.items()}}))


def batch() -> Batch:
    """Return a batch of two models on the same examples; the second has two of them, and padding that repeats its first."""
    positions = np.array([[4, 9, 2, 7], [4, 9, 4, 4]])
    return Batch(positions=positions, weights=np.array([[0.25] * 4, [0.5, 0.5, 0.0, 0.0]], dtype=np.float32))


def fed(given: Recipe, *numbers: int) -> list[tuple[torch.Tensor, torch.Tensor, Any]]:
    """Return what two models are fed at these steps."""
    pool = torch.from_numpy(IMAGES.copy())
    found = feed(given, (0, 1), pool, torch.from_numpy(LABELS))
    batches = [found.batch(batch(), number) for number in numbers]
    np.testing.assert_array_equal(pool.numpy(), IMAGES)  # the pool is everybody's
    return batches


def test_plain_inputs_are_the_pools_with_their_labels() -> None:
    """Nothing is moved unless the recipe asks; counts leave padding out."""
    ((x, labels, passage),) = fed(recipe(), 0)
    np.testing.assert_array_equal(x[:, 0].numpy(), IMAGES[batch().positions])
    np.testing.assert_array_equal(labels.numpy(), LABELS[batch().positions])
    assert passage.counts == [4, 2]
    np.testing.assert_array_equal(passage.weights.numpy(), batch().weights)


def test_every_model_and_step_has_its_own_moves() -> None:
    """Shared examples are moved otherwise for the other model, and at the next step; padding stays still; a second feed repeats it."""
    given = recipe(data__augment=["crop", "flip"], data__crop_padding=2)
    (x, *_), (later, *_) = fed(given, 0, 1)
    (again, *_), _ = fed(given, 0, 1)
    assert torch.equal(x, again)
    assert not torch.equal(x[0, 0, :2], x[1, 0, :2])
    assert not torch.equal(x[0], later[0])
    np.testing.assert_array_equal(x[1, 0, 2:].numpy(), IMAGES[[4, 4]])


def test_models_on_equal_batches_are_moved_each_by_its_own_stream() -> None:
    """As many examples, the same ones: with one stream for all they would be moved alike."""
    same = Batch(positions=np.array([[4, 9, 2, 7]] * 2), weights=np.full((2, 4), 0.25, dtype=np.float32))
    given = recipe(data__augment=["crop", "flip"], data__crop_padding=2)
    x, _, _ = feed(given, (0, 1), torch.from_numpy(IMAGES), torch.from_numpy(LABELS)).batch(same, 0)
    assert not torch.equal(x[0], x[1])


def test_every_model_and_step_has_its_own_spikes() -> None:
    """Rate encoding draws anew for each model and each step, whatever padding drew before."""
    given = recipe(model__encoding="rate")
    (x, *_), (later, *_) = fed(given, 0, 1)
    (skipped, *_) = fed(given, 1)
    assert set(x.unique().tolist()) <= {0.0, 1.0}
    assert not torch.equal(x[0, :, :2], x[1, :, :2])
    assert not torch.equal(x[0], later[0])
    assert torch.equal(later, skipped[0])


def test_noise_is_each_models_own() -> None:
    """The generators of two models draw differently."""
    ((_, _, passage),) = fed(recipe(), 0)
    one, other = (torch.rand(5, generator=generator) for generator in passage.noise)
    assert not torch.equal(one, other)


def test_material_holds_each_part_channels_last() -> None:
    """Images [N, C, H, W] and events [N, T, C, H, W] with their channels behind, and no part in another's place."""
    rng = np.random.default_rng(1)
    parts = {
        name: rng.random((number, 3, 4, 5), dtype=np.float32)
        for number, name in enumerate(("pool", "population", "test", "calibration"), 2)
    }
    of_parts: dict[str, Any] = {f"{name}_inputs": value for name, value in parts.items()}
    of_parts |= {f"{name}_labels": np.zeros(len(parts[name]), dtype=np.int64) for name in ("pool", "population", "test")}
    examples = Examples(profile=profile("digits"), class_names=("a",), pool_positions=np.arange(2), **of_parts)
    given = material(recipe(), examples)
    for name, value in parts.items():
        np.testing.assert_array_equal(getattr(given, f"{name}_inputs"), value.transpose(0, 2, 3, 1))
    assert given.shape == (4, 5, 3)
    assert frame(rng.random((2, 7, 4, 5, 3))) == (4, 5, 3)
    assert frame(rng.random((2, 6))) == (6,)
