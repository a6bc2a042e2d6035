"""Batches: every member once an epoch, nobody else ever, and padding that weighs nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mia_audit.training.batches import Batch, Shuffled, steps_per_epoch
from mia_audit.types import Bools


@st.composite
def populations(draw: st.DrawFn) -> tuple[Bools, int]:
    """Draw membership rows of a few models, each with a member or more, and a number of steps, which may be more than a model can fill."""
    pool, models = draw(st.integers(2, 40)), draw(st.integers(1, 5))
    rows = np.array(draw(st.lists(st.lists(st.booleans(), min_size=pool, max_size=pool), min_size=models, max_size=models)))
    rows[:, draw(st.integers(0, pool - 1))] = True
    return rows, draw(st.integers(1, pool))


def dealt(rows: Bools, steps: int, *, seed: int = 0, count: int = 2) -> list[list[Batch]]:
    """Return epochs of batches for models 0, 1, ..."""
    return list(Shuffled(rows=rows, indices=tuple(range(len(rows))), seed=seed, steps=steps).epochs(count))


@given(populations())
def test_every_member_is_seen_once_an_epoch_and_nobody_else(population: tuple[Bools, int]) -> None:
    """Positions of positive weight are each model's members, each once; padding repeats one of them."""
    rows, steps = population
    for epoch in dealt(rows, steps):
        assert len(epoch) == steps
        for model, row in enumerate(rows):
            seen = np.concatenate([batch.positions[model][batch.weights[model] > 0] for batch in epoch])
            assert sorted(seen) == sorted(np.flatnonzero(row))
            assert all(row[batch.positions[model]].all() for batch in epoch)


@given(populations())
def test_weights_are_a_mean_over_the_batch(population: tuple[Bools, int]) -> None:
    """A model's weights are equal on its examples, sum to one, and are zero on its padding; where it has no example all are zero."""
    rows, steps = population
    for batch in dealt(rows, steps)[0]:
        for weights in batch.weights:
            real = weights[weights > 0]
            assert real == pytest.approx(1 / max(1, len(real)), rel=1e-6)
            assert not weights[len(real) :].any()


@given(populations())
def test_batches_of_a_model_are_nearly_equal(population: tuple[Bools, int]) -> None:
    """No batch of a model holds two examples more than another, and none is wider than the widest model needs."""
    rows, steps = population
    epoch = dealt(rows, steps)[0]
    sizes = np.array([(batch.weights > 0).sum(axis=1) for batch in epoch])
    assert np.ptp(sizes, axis=0).max() <= 1
    assert [batch.positions.shape[1] for batch in epoch] == sizes.max(axis=1).clip(1).tolist()


@given(populations())
def test_a_models_batches_do_not_depend_on_its_companions(population: tuple[Bools, int]) -> None:
    """A model sees the same examples in the same order alone as in company."""
    rows, steps = population
    together = dealt(rows, steps)
    for model in range(len(rows)):
        alone = list(Shuffled(rows=rows[[model]], indices=(model,), seed=0, steps=steps).epochs(2))
        for all_models, one in zip(together, alone, strict=True):
            for batch, own in zip(all_models, one, strict=True):
                assert batch.positions[model][batch.weights[model] > 0].tolist() == own.positions[0][own.weights[0] > 0].tolist()


def test_epochs_models_and_seeds_are_shuffled_apart() -> None:
    """No two epochs, models or seeds share an order."""
    rows = np.ones((2, 50), dtype=np.bool_)
    orders = [tuple(batch.positions[model]) for seed in (0, 1) for (batch,) in dealt(rows, 1, seed=seed) for model in (0, 1)]
    assert len(set(orders)) == len(orders) == 8


@pytest.mark.parametrize(
    ("pool", "fraction", "size", "steps"), [(1400, 0.5, 32, 22), (100, 0.5, 10, 5), (100, 0.2, 10, 2), (10, 0.5, 100, 1)]
)
def test_steps_follow_from_the_expected_number_of_members(pool: int, fraction: float, size: int, steps: int) -> None:
    """All models of a population take the same number of steps, and at least one."""
    assert steps_per_epoch(pool, fraction, size) == steps


def test_padding_changes_no_gradient() -> None:
    """The weighted loss of a padded batch has the gradient of the mean over the examples that are there."""
    rows = np.array([[True] * 3 + [False] * 4, [True] * 7])
    (batch,) = dealt(rows, 1)[0]
    weights = torch.randn(7, 4, generator=torch.Generator().manual_seed(1), requires_grad=True)
    padded = (weights.square().sum(1)[torch.from_numpy(batch.positions[0])] * torch.from_numpy(batch.weights[0])).sum()
    plain = weights[:3].square().sum(1).mean()
    torch.testing.assert_close(torch.autograd.grad(padded, weights), torch.autograd.grad(plain, weights))
