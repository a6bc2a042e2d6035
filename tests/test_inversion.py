"""Class leakage: what an ascent finds in networks that can be read by eye, who may judge it, and how settings are chosen."""

from typing import Any, cast

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor

from mia_audit.conversion import folding
from mia_audit.conversion.balancing import Balancing, balance, unfolded
from mia_audit.errors import DataError
from mia_audit.inversion.ascent import Found, Settings, invert, roughness
from mia_audit.inversion.evaluators import MODELS, evaluators, seen_as
from mia_audit.inversion.judging import Attack, member_shows, success, wrong_class
from mia_audit.inversion.prior import prior
from mia_audit.models.network import Population
from mia_audit.recipe import Model
from mia_audit.training.lockstep import Pool
from tests.support.converting import CLASSES, SHAPE, SIMPLE, plain, spelled_out, teachers

IMAGE = (4, 4, 1)


def linear(models: int = 2, classes: int = 2) -> Population:
    """Return networks of a single layer: what they look for is their weights."""
    generators = [torch.Generator().manual_seed(k) for k in range(models)]
    return Population(Model(architecture="mlp", hidden=()), IMAGE, classes, generators)


def patterns(count: int, seed: int = 0) -> Pool:
    """Return images of three classes, each a bright bar of its own in noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    inputs = rng.random((count, 8, 8, 1), dtype=np.float32) * 0.3
    for image, label in zip(inputs, labels, strict=True):
        image[1 + 2 * label : 3 + 2 * label] += 0.6
    return Pool(inputs=inputs, labels=labels, classes=3)


class Judge:
    """Sees class 1 in bright images, class 0 in dark ones."""

    def logits(self, x: Tensor) -> Tensor:
        """Return logits [1, N, 2] of images [1, 1, N, ...]."""
        bright = x[0].flatten(2).mean(dim=2) - 0.5
        return torch.stack([-bright, bright], dim=2)


JUDGES: dict[str, Population] = {"eye": cast("Population", Judge())}


def test_an_ascent_ends_where_weights_say() -> None:
    """Of two classes and one layer, the best image is white where a class's weight is the larger one, and black elsewhere."""
    networks = linear()
    found = invert(networks, torch.tensor([0, 1, 1]), Settings(iterations=25, learning_rate=0.1), IMAGE, 3)
    weight = folding.held(folding.weighted(networks)[0]).weight.view(2, 2, *IMAGE)
    for k in range(2):
        for n, label in enumerate((0, 1, 1)):
            torch.testing.assert_close(found.images[k, n], (weight[k, label] > weight[k, 1 - label]).float())
    assert found.recognised.tolist() == [1.0, 1.0]


def test_networks_are_inverted_each_by_itself() -> None:
    """A network's images are the same beside another, from a start of its own."""
    networks = linear(classes=3)
    alone = linear(1, 3)
    alone.load_state_dict({name: value[:1] for name, value in networks.state_dict().items()})
    how, classes = Settings(iterations=7), torch.tensor([0, 1, 2])
    torch.testing.assert_close(invert(networks, classes, how, IMAGE, 3).images[:1], invert(alone, classes, how, IMAGE, 3).images)


def test_smoothness_is_a_price() -> None:
    """The more it weighs, the less neighbouring pixels differ; it is the mean of their differences."""
    image = torch.zeros(1, 1, 3, 3, 1)
    image[0, 0, 0, 0] = 1.0
    assert roughness(image).item() == pytest.approx(2 / 6)
    rough, smooth = (invert(linear(), torch.tensor([0, 1]), Settings(smoothness=weight), IMAGE, 3) for weight in (0.0, 50.0))
    assert (roughness(smooth.images) < 0.5 * roughness(rough.images)).all()


def test_a_prior_is_what_images_are_made_of() -> None:
    """Its coefficients have unit variance over the images it came from, its components are orthogonal, and nothing is the mean."""
    images = patterns(90).inputs
    known = prior(images, 5)
    flat = known.components.flatten(1)
    gram = flat @ flat.T
    torch.testing.assert_close(gram, torch.diag(gram.diag()), rtol=0, atol=1e-4)
    coefficients = (torch.from_numpy(images) - known.mean).flatten(1) @ (flat / gram.diag()[:, None]).T
    torch.testing.assert_close(coefficients.var(dim=0, correction=0), torch.ones(5), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(known.images(torch.zeros(5)), torch.from_numpy(images.mean(axis=0)))
    assert prior(images[:4], 64).components.shape[0] == 4


def test_weights_mapped_back_and_gradients_through_time_find_the_class() -> None:
    """Both scenarios reach a converted network: the ordinary network it stands for, and the spiking one itself."""
    recipe = spelled_out(model__layers=SIMPLE, model__norm="none", model__output_bias=False, model__time_steps=8, model__neuron__start=0.5)
    weights = folding.folded(teachers(recipe))
    population = folding.build(recipe, SHAPE, CLASSES, 2)
    images = torch.rand(2, 8, *SHAPE, generator=torch.Generator().manual_seed(1))
    thetas = balance(population, weights, Balancing(images=images, percentile=100.0, model=recipe.model, generators=list, indices=(0, 1)))
    how, classes = Settings(iterations=15, learning_rate=0.1), torch.arange(CLASSES)
    back = invert(plain(recipe, unfolded(population, thetas)), classes, how, SHAPE, 5)
    straight = invert(plain(recipe, weights), classes, how, SHAPE, 5)
    torch.testing.assert_close(back.images, straight.images, rtol=1e-3, atol=1e-3)
    through = invert(population, classes, how, SHAPE, 5)
    assert (through.recognised >= back.recognised - 0.34).all()
    assert (through.recognised > 0.5).all()


def test_within_a_prior_coefficients_are_moved() -> None:
    """Images stay sums of its components, and lie between 0 and 1."""
    known = prior(np.random.default_rng(0).random((30, *IMAGE), dtype=np.float32), 6)
    found = invert(linear(), torch.tensor([0, 1]), Settings(iterations=20), IMAGE, 3, known)
    assert found.images.shape == (2, 2, *IMAGE)
    assert 0 <= float(found.images.min()) <= float(found.images.max()) <= 1


def test_evaluators_are_three_kinds_that_learn() -> None:
    """They see the class of images that they never saw; one of them learnt with noise."""
    judges = evaluators(patterns(60), [patterns(50, seed=1).inputs], epochs=8)
    assert set(judges) == set(MODELS)
    new = patterns(60, seed=2)
    for name, seen in seen_as(judges, torch.from_numpy(new.inputs)).items():
        assert (seen == new.labels).mean() > 0.9, name
    assert judges["convolutions"].layers[0].bias.shape != judges["convolutions, noise"].layers[0].bias.shape


def test_an_evaluator_that_saw_the_teachers_data_is_refused() -> None:
    """It would know the data, not the class; a few doubles, as public data sets have them, are no matter."""
    pool, apart = patterns(100), patterns(100, seed=1)
    with pytest.raises(DataError, match="got 100 of 100 that they did; take them from the test set"):
        evaluators(pool, [apart.inputs, pool.inputs], epochs=1)
    mixed = np.concatenate([apart.inputs[:-2], pool.inputs[:2]])
    with pytest.raises(DataError, match="got 2 of 100"):
        evaluators(Pool(inputs=mixed, labels=apart.labels, classes=3), [pool.inputs], epochs=1)


def test_success_is_counted_by_network_and_judge() -> None:
    """And what is seen of another class is counted as the control."""
    images = torch.stack([torch.full((4, *IMAGE), value) for value in (0.9, 0.1)])
    found = Found(images=images, classes=torch.tensor([1, 1, 1, 0]), recognised=torch.ones(2))
    assert success(JUDGES, found)["eye"].tolist() == [0.75, 0.25]
    assert wrong_class(JUDGES, found, 2)["eye"].tolist() == [0.25, 0.75]


def test_settings_are_chosen_on_the_shadow() -> None:
    """Two networks for which opposite settings are best: what the shadow says is taken, whatever the target would have liked."""

    class Scripted(Attack):
        """Makes bright images of one network where the learning rate is high, and of the other where it is low."""

        def run(self, networks: Population, how: Settings) -> Found:
            """Return images of one brightness."""
            bright = (how.learning_rate > 0.5) == (networks is shadow)
            images = torch.full((1, 2, *IMAGE), 0.9 if bright else 0.1)
            return Found(images=images, classes=torch.tensor([1, 1]), recognised=torch.ones(1))

    shadow, target = linear(1), linear(1)
    attack: Any = Scripted(classes=torch.tensor([1, 1]), shape=IMAGE, seed=0)
    grid = (Settings(learning_rate=0.1), Settings(learning_rate=0.9))
    chosen = attack.chosen(shadow, grid, JUDGES)
    assert chosen == grid[1]
    assert success(JUDGES, attack.run(target, chosen))["eye"].tolist() == [0.0]
    assert attack.chosen(target, grid, JUDGES) == grid[0]


def test_a_member_that_shows_is_found() -> None:
    """Images made of members lie nearer to members; others lie nearer to either by chance, and the p is SciPy's."""
    rng = np.random.default_rng(4)
    members, others = rng.random((50, *IMAGE)), rng.random((50, *IMAGE))
    copies = torch.from_numpy(members[:30] + rng.normal(0, 0.01, (30, *IMAGE)))
    found = member_shows(copies, members, others)
    assert (found.nearer, found.pairs) == (30, 30)
    assert found.p < 1e-6
    for images in (torch.from_numpy(rng.random((41, *IMAGE))), torch.from_numpy(others[:7])):
        drawn = member_shows(images, members, others)
        assert drawn.p == pytest.approx(binomtest(drawn.nearer, drawn.pairs).pvalue)
    assert member_shows(torch.from_numpy(members[:5]), members, members).pairs == 0
