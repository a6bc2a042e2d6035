"""Training as the papers do it: optimizers, schedules, smoothing, augmentation, stopping, checkpoints."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from mia_audit.audit.request.options import Options, describe
from mia_audit.data.profiles import profile, resolve
from mia_audit.errors import RecipeError, TrainingError
from mia_audit.models.network import Population
from mia_audit.recipe import Recipe, Training
from mia_audit.streams import stream
from mia_audit.training import batches, optimizing
from mia_audit.training.lockstep import Cohort, Pool, build, train
from mia_audit.training.stopping import fixed_epoch
from mia_audit.training.store import Store
from tests.support.engine_runs import small_audit

CPU = torch.device("cpu")


def asked(target: str = "ann", dataset: str = "iris", **changes: Any) -> Recipe:
    """Return a resolved recipe of a short training in float32."""
    short = {"data.pool": 40, "training.epochs": 3, "training.batch_size": 7, "training.precision": "fp32"}
    return describe(
        target, Options(dataset=dataset, settings={**short, **{key.replace("__", "."): value for key, value in changes.items()}})
    )


def pool(recipe: Recipe) -> Pool:
    """Return random examples of the recipe's shape."""
    suits, rng = profile(recipe.data.dataset), np.random.default_rng(3)
    inputs = rng.random((40, *suits.channels_last), dtype=np.float32)
    return Pool(inputs=inputs, labels=rng.integers(0, suits.classes, 40), classes=suits.classes)


def trained(recipe: Recipe, *indices: int) -> Population:
    """Train these models together, each on members of its own."""
    rows = np.stack([np.random.default_rng(index).random(40) < 0.5 for index in indices])
    return train(recipe, Cohort(indices=indices, rows=rows), pool(recipe), CPU, lambda _: None)


def ended(population: Population, model: int) -> torch.Tensor:
    """Return one model's parameters as one vector."""
    return torch.cat([value[model].flatten() for value in population.state_dict().values()])


@pytest.mark.parametrize(
    "changes",
    [
        {"training__optimizer": "sgd", "training__learning_rate": 0.1},
        {"training__optimizer": "sgd", "training__learning_rate": 0.1, "training__momentum": 0.0, "training__weight_decay": 0.05},
        {"training__optimizer": "sgd", "training__learning_rate": 0.1, "training__schedule": "cosine"},
        {"training__schedule": "steps", "training__milestones": [0.3, 0.6], "training__decay": 0.5},
        {"training__label_smoothing": 0.2, "training__weight_decay": 0.01},
    ],
)
def test_training_is_torchs_own_one_model_at_a_time(changes: dict[str, Any]) -> None:
    """A population ends where each model ends that torch's optimizer, scheduler and loss train alone on the same batches."""
    recipe = asked(**changes)
    together, examples, training = trained(recipe, 0, 1), pool(recipe), recipe.training
    steps = batches.steps_per_epoch(40, 0.5, 7)
    for model in range(2):
        rows = (np.random.default_rng(model).random(40) < 0.5)[None]
        start = build(recipe, (model,), examples)
        network = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 3))
        ordered = [part for layer in network if isinstance(layer, nn.Linear) for part in (layer.bias, layer.weight)]
        for own, their in zip(ordered, start.parameters(), strict=True):
            own.data.copy_(their.data[0])
        kind: Any = torch.optim.SGD if training.optimizer == "sgd" else torch.optim.Adam
        extra = {"momentum": training.momentum} if training.optimizer == "sgd" else {}
        stepper = kind(network.parameters(), lr=training.learning_rate or 0.0, weight_decay=training.weight_decay, **extra)
        scheduler: torch.optim.lr_scheduler.LRScheduler
        if training.schedule == "cosine":
            scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(stepper, T_max=3)
        else:
            milestones = [1, 2] if training.schedule == "steps" else []
            scheduler = torch.optim.lr_scheduler.MultiStepLR(stepper, milestones, gamma=training.decay)
        for deal in batches.Shuffled(rows=rows, indices=(model,), seed=training.seed, steps=steps).epochs(3):
            for batch in deal:
                x, y = torch.from_numpy(examples.inputs[batch.positions[0]]), torch.from_numpy(examples.labels[batch.positions[0]])
                each = F.cross_entropy(network(x), y, reduction="none", label_smoothing=training.label_smoothing)
                stepper.zero_grad()
                (each * torch.from_numpy(batch.weights[0])).sum().backward()
                stepper.step()
            scheduler.step()
        alone = torch.cat([parameter.flatten() for parameter in ordered])
        torch.testing.assert_close(ended(together, model), alone, rtol=1e-3, atol=1e-4)


def test_schedules_span_all_epochs_wherever_training_stops() -> None:
    """Halfway a cosine is at one half; steps fall at their milestones; a constant stays."""
    training = Training(epochs=10, stop_epoch=6, learning_rate=1.0, milestones=(0.4, 0.8), decay=0.1)
    steps = [optimizing.factor(training.model_copy(update={"schedule": "steps"}), epoch) for epoch in range(10)]
    assert steps == pytest.approx([1] * 4 + [0.1] * 4 + [0.01] * 2)
    assert optimizing.factor(training.model_copy(update={"schedule": "cosine"}), 5) == pytest.approx(0.5)
    assert {optimizing.factor(training, epoch) for epoch in range(10)} == {1.0}


@pytest.mark.parametrize(
    "changes",
    [
        {"data__augment": ["crop", "flip"], "data__crop_padding": 1},
        {"model__architecture": "vgg5", "model__width": 0.05, "model__dropout": 0.3, "model__norm": "batch"},
        {"model__architecture": "resnet18", "model__width": 0.03, "model__norm": "group", "model__groups": 1},
    ],
)
@pytest.mark.parametrize("target", ["ann", "snn"])
def test_a_model_trains_the_same_in_any_company(target: str, changes: dict[str, Any]) -> None:
    """Crops, dropout and normalization of a model follow from seed and index, though its batches are padded to its companions'."""
    own = {"model__channels": None, "model__kernel": None} if "model__architecture" in changes else {}
    recipe = asked(target, "digits", training__epochs=1, training__learning_rate=1e-4, **own, **changes)
    if target == "snn":
        recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"time_steps": 2})})
    together, alone = trained(recipe, 0, 1, 2), trained(recipe, 1)
    close = torch.isclose(ended(together, 1), ended(alone, 0), rtol=1e-3, atol=3e-5)
    assert close.float().mean() > 0.95
    other = torch.isclose(ended(together, 0), ended(alone, 0), rtol=1e-3, atol=3e-5)
    assert other.float().mean() < 0.7


def test_stopping_early_is_the_beginning_of_the_whole() -> None:
    """Two epochs of three equal the checkpoint after two."""
    recipe, kept = asked(training__checkpoints=[2]), {}
    rows = np.random.default_rng(0).random((1, 40)) < 0.5
    train(
        recipe, Cohort(indices=(0,), rows=rows), pool(recipe), CPU, lambda _: None, lambda epoch, now: kept.update({epoch: ended(now, 0)})
    )
    short = train(asked(training__stop_epoch=2), Cohort(indices=(0,), rows=rows), pool(recipe), CPU, lambda _: None)
    assert torch.equal(kept[2], ended(short, 0))
    assert list(kept) == [2]


def test_checkpoints_keep_their_answers(tmp_path: Path) -> None:
    """The store holds every model's answers after each checkpoint, beside the last ones'; another list is another key."""
    record = small_audit(tmp_path, settings={"training.epochs": 3, "training.checkpoints": [1, 3]})
    (file,) = (tmp_path / "store").rglob("*.safetensors")
    cohort = Store(folder=tmp_path / "store").load(file.stem)
    assert cohort is not None
    assert cohort["pool/logits@1"].shape == cohort["pool/logits"].shape == (14, 1, record.summary.counts.pool, 3)
    assert np.array_equal(cohort["pool/logits@3"], cohort["pool/logits"])
    assert not np.array_equal(cohort["pool/logits@1"], cohort["pool/logits"])


def test_the_stopping_epoch_is_fixed_on_other_replicates() -> None:
    """The epoch of the best mean over replicates, whose seeds may not be the audit's."""
    recipe = asked(training__epochs=6, data__pool=60, training__learning_rate=0.02)
    found = fixed_epoch(recipe, (101, 102), root=None, models=2)
    assert found.accuracies.shape == (2, 6)
    assert found.accuracies.mean(axis=0)[found.epoch - 1] == found.accuracies.mean(axis=0).max()
    assert found.accuracies.max() > 0.6
    assert "101, 102" in found.origin
    with pytest.raises(RecipeError, match="needs replicates with seeds other than the audit's, 0, got"):
        fixed_epoch(recipe, (7, 0), root=None)


def test_batch_norm_over_a_single_example_is_refused() -> None:
    """Before the first step, naming the model."""
    recipe = asked(model__architecture="mlp-1000", model__norm="batch", training__batch_size=2)
    rows = np.zeros((2, 40), dtype=bool)
    rows[0, :30], rows[1, :15] = True, True
    with pytest.raises(TrainingError, match="batch norm needs at least two examples in every batch, got 1 for model 6; use a larger"):
        train(recipe, Cohort(indices=(5, 6), rows=rows), pool(recipe), CPU, lambda _: None)


def test_a_resolved_recipe_says_when_training_stops() -> None:
    """The last epoch, unless the recipe stops earlier; resolving again changes nothing."""
    recipe = asked()
    assert recipe.training.stop_epoch == 3
    assert resolve(recipe) == recipe
    assert stream(0, "augment", 1).random() != stream(0, "augment", 2).random()
