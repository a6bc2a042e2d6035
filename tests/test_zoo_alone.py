"""Batch norm and dropout in a cohort whose batches are padded: weights, statistics and masks are those of a model trained alone."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mia_audit.audit.request.options import Options, describe
from mia_audit.models.stateless import Silencing
from mia_audit.recipe import Recipe
from mia_audit.training import batches
from mia_audit.training.feeding import feed
from mia_audit.training.lockstep import Cohort, Pool, build, train
from mia_audit.types import Bools

CPU = torch.device("cpu")
MEMBERS = (36, 11, 20)  # of forty: every batch of the second model is more than half padding


def asked(norm: str) -> Recipe:
    """Return a short training of a network with batch norm and dropout, in float32."""
    settings: dict[str, Any] = {
        "data.pool": 40, "training.epochs": 2, "training.batch_size": 7, "training.precision": "fp32", "training.learning_rate": 1e-3,
        "model.architecture": "vgg5", "model.channels": None, "model.kernel": None, "model.width": 0.05, "model.dropout": 0.3,
        "model.norm": norm,
    }  # fmt: skip
    return describe("ann", Options(dataset="digits", settings=settings))


def pool() -> Pool:
    """Return random images."""
    rng = np.random.default_rng(3)
    return Pool(inputs=rng.random((40, 8, 8, 1), dtype=np.float32), labels=rng.integers(0, 10, 40), classes=10)


def rows(*indices: int) -> Bools:
    """Return who is trained on what: as many members as MEMBERS says."""
    return np.stack([np.random.default_rng(index).permutation(40) < MEMBERS[index] for index in indices])


@pytest.mark.parametrize("norm", ["batch", "batch-per-step"])
@pytest.mark.parametrize("model", range(3))
def test_weights_and_running_statistics_are_those_of_a_model_alone(norm: str, model: int) -> None:
    """Every single tensor, running means and variances among them, with neighbours of other sizes and without."""
    recipe = asked(norm)
    together, alone = (
        train(recipe, Cohort(indices=each, rows=rows(*each)), pool(), CPU, lambda _: None).state_dict() for each in ((0, 1, 2), (model,))
    )
    assert sum("running" in name for name in together) == 8
    for name, value in together.items():
        close = torch.isclose(value[model], alone[name][0], rtol=1e-3, atol=1e-4)  # Adam makes a whole step of a tiny gradient's sign
        assert close.all() if "running" in name else close.float().mean() > 0.95, name


@pytest.mark.parametrize("model", range(3))
def test_dropout_masks_are_those_of_a_model_alone(model: int) -> None:
    """Bit for bit, batch for batch over two epochs; padding draws nothing."""
    together, alone = masks((0, 1, 2)), masks((model,))
    assert len(together) == len(alone) > 8
    for ours, (own,) in zip(together, alone, strict=True):
        assert torch.equal(ours[model], own)
    assert any((ours[0, :2] != ours[model, :2]).any() for ours in together) == (model > 0)


def masks(indices: tuple[int, ...]) -> list[Tensor]:
    """Return what every dropout layer lets through of ones, over all batches; nothing but a model's own examples is looked at."""
    recipe, examples, found = asked("batch"), pool(), []
    population = build(recipe, indices, examples).train()
    fed = feed(recipe, indices, torch.from_numpy(examples.inputs), torch.from_numpy(examples.labels))
    layers = [module for module in population.modules() if isinstance(module, Silencing)]
    for epoch in batches.Shuffled(rows=rows(*indices), indices=indices, seed=recipe.training.seed, steps=3).epochs(2):
        for number, batch in enumerate(epoch):
            _, _, passage = fed.batch(batch, number)
            shape = (len(indices), 1, batch.positions.shape[1], 6)
            for layer in layers:
                let = layer(torch.ones(shape), passage)[:, 0]
                whole = torch.zeros(len(indices), 20, 6)
                whole[:, : shape[2]] = let
                for k, count in enumerate(passage.counts):
                    whole[k, count:] = 0
                found.append(whole)
    return found
