"""Images from a teacher alone, and training on them: similarities, soft labels, agreement, the loss and its scale."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from mia_audit.conversion import folding, synthesis
from mia_audit.conversion.balancing import Balancing, balance
from mia_audit.conversion.encryption import Lesson, encrypt, losses
from mia_audit.conversion.synthesis import FLOOR, Synthetic, similarity, soft_labels, synthesise
from mia_audit.errors import TrainingError
from mia_audit.models.network import Population
from mia_audit.recipe import Recipe
from mia_audit.recipe.conversion import Encryption, Synthesis
from tests.support.converting import CLASSES, SHAPE, SIMPLE, plain, spelled_out, teachers

EASY = Synthesis(images=30, learning_rate=0.02, iterations=100, temperature=1.0)


def taught(models: int = 2, **changes: Any) -> tuple[Recipe, list[folding.Weights], Population]:
    """Return small teachers as ordinary networks."""
    recipe = spelled_out(**{"model__layers": SIMPLE, "model__norm": "none", "model__output_bias": False, **changes})
    weights = folding.folded(teachers(recipe, models))
    return recipe, weights, plain(recipe, weights)


def made(how: Synthesis = EASY, **changes: Any) -> Synthetic:
    """Return images of two teachers."""
    return synthesise(taught(**changes)[2], how, SHAPE, (0, 1), 7)


def test_similarity_worked_out_by_hand() -> None:
    """Rows at 0, 60 and 180 degrees: cosines 1, .5 and -1, each row brought to 0 to 1; nothing below the floor."""
    angles = np.deg2rad([0.0, 60.0, 180.0])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1) * [[3.0], [0.1], [1.0]]
    expected = [[1, 0.75, FLOOR], [2 / 3, 1, FLOOR], [FLOOR, 0.25, 1]]
    np.testing.assert_allclose(similarity(rows), expected, atol=1e-9)


def test_soft_labels_have_the_mean_of_their_concentrations() -> None:
    """Every class is drawn for equally often, and its labels average to its row of the similarities."""
    rows = np.random.default_rng(1).normal(size=(4, 6))
    drawn = soft_labels(rows, 8000, np.random.default_rng(2), one_hot=False)
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    for c in range(4):
        row = similarity(rows)[c]
        np.testing.assert_allclose(drawn[c::4].mean(axis=0), row / row.sum(), atol=0.03)


def test_one_hot_labels_name_their_class() -> None:
    """Nothing is drawn: image number i is of class i modulo the classes."""
    found = soft_labels(np.ones((3, 2)), 7, np.random.default_rng(0), one_hot=True)
    assert found.argmax(axis=1).tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert (found.max(axis=1) == 1).all()


def test_an_image_is_labelled_by_its_soft_label() -> None:
    """Not by the class that it was drawn for: teachers come to agree with the one, and never with the other."""
    found = made()
    drawn_for = torch.arange(30) % CLASSES
    assert (found.agreement >= EASY.agreement).all()
    _, _, teacher = taught()
    seen = teacher.logits(found.images.unsqueeze(1)).argmax(dim=2)
    torch.testing.assert_close((seen == found.labels).double().mean(dim=1), found.agreement)
    assert (found.labels != drawn_for).any(dim=1).all()
    assert (found.agreement > (seen == drawn_for).float().mean(dim=1)).all()


def test_images_are_images() -> None:
    """Every pixel lies between 0 and 1, and no two models have the same images."""
    images = made().images
    assert images.shape == (2, 30, *SHAPE)
    assert 0 <= float(images.min()) < float(images.max()) <= 1
    assert not torch.equal(images[0], images[1])


def test_it_stops_where_the_teacher_agrees() -> None:
    """The record says after how many iterations; less is asked for, less is taken, and a model's images do not move once they are done."""
    slowly = EASY.model_copy(update={"learning_rate": 0.006, "iterations": 60})
    easy, hard = made(slowly.model_copy(update={"agreement": 0.5})), made(slowly)
    assert (easy.iterations <= hard.iterations).all()
    assert int(easy.iterations.min()) < int(hard.iterations.max())
    assert (hard.iterations % synthesis.ROUND == 0).all()
    ended = made(slowly.model_copy(update={"agreement": 1.0, "iterations": 15}))
    assert ended.iterations.tolist() == [15, 15]
    assert (ended.agreement < 1).all()


def test_a_model_makes_the_same_images_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither other models nor the size of a chunk changes them."""
    recipe, weights, _ = taught()
    together = made()
    alone = synthesise(plain(recipe, folding.select(weights, [1])), EASY, SHAPE, (1,), 7)
    torch.testing.assert_close(alone.images[0], together.images[1], rtol=1e-4, atol=1e-4)
    assert alone.iterations[0] == together.iterations[1]
    monkeypatch.setattr(synthesis, "_VALUES", 2000)
    chunked = synthesise(plain(recipe, folding.select(weights, [1])), EASY, SHAPE, (1,), 7)
    torch.testing.assert_close(chunked.images, alone.images, rtol=1e-4, atol=1e-4)


def test_synthesis_that_never_agrees_is_named() -> None:
    """Images that their teacher does not know are refused, with how far it came and what to change."""
    slow = EASY.model_copy(update={"learning_rate": 1e-6, "iterations": 5, "agreement": 1.0})
    with pytest.raises(
        TrainingError, match=r"got model \d, which gives \d+% of its own the class of their label after 5 iterations; use m"
    ):
        made(slow)


def lesson(recipe: Recipe, weights: list[folding.Weights], teacher: Population) -> tuple[Population, Lesson]:
    """Return converted networks of two models and what they learn from."""
    found = synthesise(teacher, EASY, SHAPE, (0, 1), 7)
    population = folding.build(recipe, SHAPE, CLASSES, 2)
    by = Balancing(images=found.images, percentile=100.0, model=recipe.model, generators=list, indices=(0, 1))
    balance(population, weights, by)
    answers = teacher.logits(found.images.unsqueeze(1)).detach()
    return population, Lesson(images=found.images, labels=found.labels, teacher=answers, indices=(0, 1), seed=3)


def test_the_loss_is_torchs_own() -> None:
    """Cross-entropy and the divergence between softened answers, times the temperature squared, a mean over a model's batch."""
    generator = torch.Generator().manual_seed(1)
    logits, teacher = torch.randn(2, 5, 4, generator=generator), torch.randn(2, 5, 4, generator=generator) * 3
    labels = torch.randint(4, (2, 5), generator=generator)
    how = Encryption(distillation=0.3, temperature=5.0)
    for k in range(2):
        hard = F.cross_entropy(logits[k], labels[k])
        soft = F.kl_div((logits[k] / 5).log_softmax(1), (teacher[k] / 5).softmax(1), reduction="batchmean")
        torch.testing.assert_close(losses(logits, labels, teacher, how)[k], 0.7 * hard + 0.3 * 25 * soft)


def test_distillation_begins_on_the_teachers_scale() -> None:
    """A converted network's softened answers are near its teacher's from the start: without the gain of the thresholds they are not."""
    recipe, weights, teacher = taught(model__time_steps=32, model__neuron__start=0.5)
    population, told = lesson(recipe, weights, teacher)
    how = Encryption(distillation=1.0, temperature=1.0)
    logits = population.logits(told.images.unsqueeze(1)).detach()
    ours = losses(logits, told.labels, told.teacher, how)
    others = losses(logits / 10, told.labels, told.teacher, how)
    flat = losses(torch.zeros_like(logits), told.labels, told.teacher, how)
    assert (ours < 0.2 * flat).all()
    assert (others > 3 * ours).all()
    ratio = logits.flatten(1).std(dim=1) / told.teacher.flatten(1).std(dim=1)
    assert ((ratio > 0.8) & (ratio < 1.25)).all()


def test_encryption_moves_weights_by_what_it_says() -> None:
    """Each layer's change over its norm, of each model; no learning rate to speak of, no change; a loss that falls."""
    recipe, weights, teacher = taught(model__neuron__surrogate_area=None)
    population, told = lesson(recipe, weights, teacher)
    before = [folding.held(layer).weight.detach().clone() for layer in folding.weighted(population)]
    how = Encryption(epochs=1, batch_size=10, learning_rate=3e-3, temperature=1.0)

    def mean_loss() -> torch.Tensor:
        return losses(population.logits(told.images.unsqueeze(1)).detach(), told.labels, told.teacher, how)

    started = mean_loss()
    moved = encrypt(population, told, how, recipe.model)
    assert not population.training
    for number, layer in enumerate(folding.weighted(population)):
        now, old = folding.held(layer).weight.detach(), before[number]
        expected = [float((now[k] - old[k]).norm() / old[k].norm()) for k in range(2)]
        np.testing.assert_allclose(moved[:, number], expected, rtol=1e-5)
    assert (moved > 0).all()
    assert (mean_loss() < started).all()
    still = encrypt(population, told, how.model_copy(update={"learning_rate": 1e-12}), recipe.model)
    assert float(still.max()) < 1e-6


def test_models_are_encrypted_each_by_itself() -> None:
    """Alone, a model ends where it ends beside another."""
    recipe, weights, teacher = taught(model__encoding="rate")
    population, told = lesson(recipe.model_copy(update={"model": recipe.model.model_copy(update={"encoding": "direct"})}), weights, teacher)
    alone = folding.build(recipe, SHAPE, CLASSES, 1)
    alone.load_state_dict({name: value[1:] for name, value in population.state_dict().items()})
    own = replace(told, images=told.images[1:], labels=told.labels[1:], teacher=told.teacher[1:], indices=(1,))
    how = Encryption(epochs=1, batch_size=16, learning_rate=1e-3)
    moved, single = encrypt(population, told, how, recipe.model), encrypt(alone, own, how, recipe.model)
    torch.testing.assert_close(moved[1:], single, rtol=1e-3, atol=1e-6)


def test_a_loss_that_is_no_number_is_named() -> None:
    """Training that runs away is told by model and epoch."""
    recipe, weights, teacher = taught()
    population, told = lesson(recipe, weights, teacher)
    broken = replace(told, teacher=torch.full_like(told.teacher, float("nan")))
    with pytest.raises(TrainingError, match=r"got nan of model 0 in epoch 1; lower conversion.encryption.learning_rate"):
        encrypt(population, broken, Encryption(epochs=1, batch_size=10), recipe.model)
