"""Private training: who is drawn, what is clipped, whose noise it is, and what sums are divided by."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binom, chisquare, kstest
from torch import Tensor

from mia_audit.catalogue import load_recipe, override
from mia_audit.data.profiles import resolve
from mia_audit.models.network import Population
from mia_audit.models.passage import Passage
from mia_audit.privacy.constants import constants, mechanism
from mia_audit.recipe import Recipe, filled
from mia_audit.streams import stream
from mia_audit.training import system
from mia_audit.training.batches import Batch
from mia_audit.training.feeding import feed
from mia_audit.training.lockstep import Cohort, Pool, build, train
from mia_audit.training.private_batches import BallsAndBins, Poisson
from mia_audit.training.private_step import PrivateStep, clipping
from mia_audit.training.sampling import sampler
from mia_audit.training.system import SystemCoins
from mia_audit.types import Bools

CPU = torch.device("cpu")
EXAMPLES = 60
BATCH = 8
MODELS = (4, 9, 2)


def asked(**changes: Any) -> Recipe:
    """Return a resolved recipe of private training on digits, a small network in full precision arithmetic."""
    short = {
        "data": {"dataset": "digits", "pool": EXAMPLES},
        "model": {"time_steps": 2, "channels": [3]},
        "training": {"precision": "fp32", "optimizer": "sgd", "momentum": 0.0, "learning_rate": 1.0, "batch_size": BATCH, "epochs": 2},
        "privacy": {"noise_multiplier": 0.7, "max_grad_norm": 0.5, "delta": 1e-3},
    }
    return resolve(override(load_recipe("snn"), {**short, **{key.replace("__", "."): value for key, value in changes.items()}}))


def pool() -> Pool:
    """Return random images."""
    rng = np.random.default_rng(3)
    return Pool(inputs=rng.random((EXAMPLES, 8, 8, 1), dtype=np.float32), labels=rng.integers(0, 10, EXAMPLES), classes=10)


def rows(models: int = len(MODELS), examples: int = EXAMPLES) -> Bools:
    """Return coins."""
    drawn: Bools = np.random.default_rng(1).random((models, examples)) < 0.5
    return drawn


def batch(sizes: tuple[int, ...]) -> Batch:
    """Return a batch with so many examples a model, padded to the widest."""
    width = max(1, *sizes)
    positions = np.stack([np.roll(np.arange(EXAMPLES), -7 * number)[:width] for number in range(len(sizes))])
    weights = np.stack([np.repeat([1 / max(1, size), 0.0], [size, width - size]) for size in sizes])
    return Batch(positions=positions, weights=weights.astype(np.float32))


def moved(recipe: Recipe, sizes: tuple[int, ...], indices: tuple[int, ...] = MODELS, steps: int = 1) -> list[Tensor]:
    """Return by how much private steps of learning rate 1 move each parameter down, [K, ...]."""
    population = build(recipe, indices, pool()).train()
    before = [parameter.detach().clone() for parameter in population.parameters()]
    step = PrivateStep(recipe, indices, population)
    for number in range(steps):
        step.begin(number)  # an epoch of one step each
        step.take(*given(recipe, indices, batch(sizes), number))
    return [start - parameter.detach() for start, parameter in zip(before, population.parameters(), strict=True)]


def given(recipe: Recipe, indices: tuple[int, ...], dealt: Batch, number: int = 0) -> tuple[Tensor, Tensor, Passage]:
    """Return what a batch feeds."""
    examples = pool()
    return feed(recipe, indices, torch.from_numpy(examples.inputs), torch.from_numpy(examples.labels)).batch(dealt, number)


def flat(changes: list[Tensor]) -> Tensor:
    """Return changes as vectors [K, parameters]."""
    return torch.cat([change.flatten(1) for change in changes], dim=1)


def quiet(**changes: Any) -> Recipe:
    """Return a recipe that clips and adds no noise."""
    return asked(privacy__noise_multiplier=0.0, **changes)


# the step


def test_sums_of_clipped_gradients_are_divided_by_a_constant() -> None:
    """Against a loop: clip each example's whole gradient, sum, divide by the recipe's batch size, however many were drawn."""
    recipe, sizes = quiet(), (5, 2, 11)
    found = flat(moved(recipe, sizes))
    x, labels, passage = given(recipe, MODELS, batch(sizes))
    for model, size in enumerate(sizes):
        total = torch.zeros(found.shape[1])
        for b in range(size):
            population = build(recipe, MODELS, pool()).train()
            logits = population(x[:, :, b : b + 1], replace(passage, weights=filled(passage.weights)[:, b : b + 1], counts=()))[model]
            torch.nn.functional.cross_entropy(logits, labels[model, b : b + 1]).backward()
            gradient = torch.cat([filled(parameter.grad)[model].flatten() for parameter in population.parameters()])
            total += gradient * min(1.0, 0.5 / float(gradient.norm()))
        torch.testing.assert_close(found[model], total / BATCH, rtol=1e-4, atol=1e-6)


def test_a_wide_clipping_norm_leaves_the_gradient_of_the_sum() -> None:
    """Without noise and clipping a private step is the plain gradient times the size of the batch over the constant."""
    plain = build(quiet(), MODELS, pool()).train()
    x, labels, passage = given(quiet(), MODELS, batch((6, 6, 6)))
    torch.nn.functional.cross_entropy(plain(x, passage).flatten(0, 1), labels.flatten(), reduction="sum").backward()
    gradients = flat([filled(parameter.grad) for parameter in plain.parameters()])
    torch.testing.assert_close(flat(moved(quiet(privacy__max_grad_norm=1e5), (6, 6, 6))), gradients / BATCH, rtol=1e-4, atol=1e-6)


def test_no_model_moves_further_than_its_examples_allow() -> None:
    """Whatever is in a batch, n examples move a model by n times the clipping norm over the constant at most."""
    for norm in (1e-3, 0.5):
        lengths = flat(moved(quiet(privacy__max_grad_norm=norm), (5, 1, 11))).norm(dim=1)
        assert (lengths <= torch.tensor([5, 1, 11]) * norm / BATCH * (1 + 1e-4)).all()
        assert (lengths > 0).all()


def test_clipping_shortens_what_is_longer_and_nothing_else() -> None:
    """A gradient of zero stays zero."""
    assert clipping(torch.tensor([0.0, 0.5, 1.0, 4.0]), 1.0).tolist() == [1.0, 1.0, 1.0, 0.25]


def test_a_step_with_nobody_is_pure_noise() -> None:
    """Its deviation is multiplier times norm over the constant, in every tensor; and its distribution is normal."""
    drawn = moved(asked(), (0, 0, 0), steps=8)
    deviation = 0.7 * 0.5 / BATCH * 8**0.5
    for model in range(len(MODELS)):
        values = flat(drawn)[model].numpy()
        assert kstest(values / deviation, "norm").pvalue > 1e-3
    for change in drawn:
        assert change.std() == pytest.approx(deviation, rel=0.6)
        assert (change != 0).all()


def test_noise_does_not_depend_on_who_is_drawn() -> None:
    """With and without noise, a batch moves a model by what differs in the noise alone."""
    noise = flat(moved(asked(), (0, 0, 0)))
    for sizes in ((5, 2, 11), (1, 1, 1)):
        torch.testing.assert_close(flat(moved(asked(), sizes)) - flat(moved(quiet(), sizes)), noise, rtol=1e-3, atol=1e-6)


def test_every_model_and_step_has_noise_of_its_own() -> None:
    """Models share none, whatever their companions; another step, epoch or seed gives other noise; the same ones the same."""
    together, alone = flat(moved(asked(), (0, 0, 0))), flat(moved(asked(), (0,), indices=(9,)))
    assert torch.equal(together[1], alone[0])
    correlated = torch.corrcoef(torch.stack([*together, *flat(moved(asked(), (0, 0, 0), steps=2)) - together]))
    assert (correlated - torch.eye(6)).abs().max() < 5 / together.shape[1] ** 0.5
    assert not torch.isclose(flat(moved(asked(training__seed=1), (0, 0, 0))), together).any()


def test_padding_is_not_counted() -> None:
    """A batch that is padded for another model's sake moves a model as one that is not."""
    torch.testing.assert_close(flat(moved(quiet(), (5, 1, 40)))[:2], flat(moved(quiet(), (5, 1, 5)))[:2], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("bits", [32, 4])
def test_private_training_learns(bits: int) -> None:
    """With little noise members are learnt, through quantized weights too."""
    recipe = asked(
        training__epochs=25, training__learning_rate=0.5, privacy__max_grad_norm=3.0, privacy__noise_multiplier=0.02, model__channels=[8],
        model__quantization__weight_bits=bits,
    )  # fmt: skip
    examples = pool()
    population = train(recipe, Cohort(indices=(0,), rows=rows(1)), examples, CPU, lambda _: None)
    assert isinstance(population, Population)
    logits = population(torch.from_numpy(examples.inputs)[None, None])[0]
    right = (logits.argmax(1).numpy() == examples.labels)[rows(1)[0]]
    assert right.mean() > 0.6


def test_training_alone_and_together_draw_and_add_the_same() -> None:
    """A private model of three is the one that is trained alone, up to rounding."""
    together = train(asked(), Cohort(indices=MODELS, rows=rows()), pool(), CPU, lambda _: None)
    alone = train(asked(), Cohort(indices=MODELS[1:2], rows=rows()[1:2]), pool(), CPU, lambda _: None)
    for one, other in zip(together.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(one[1], other[0], rtol=1e-3, atol=1e-4)


# who is drawn


def counted(dealt: list[Batch], models: int, examples: int) -> Bools:
    """Return who stood in which step, [steps, K, pool]."""
    found = np.zeros((len(dealt), models, examples), dtype=np.bool_)
    for step, each in enumerate(dealt):
        for model in range(models):
            own = each.positions[model][each.weights[model] > 0]
            assert len(set(own.tolist())) == own.size
            found[step, model, own] = True
    return found


def test_poisson_sampling_is_a_coin_for_each_member_and_step() -> None:
    """Rates, batch sizes, and independence across steps, members and models; nobody but members is ever drawn."""
    rate, steps, member = 0.15, 400, rows(2, 200)
    sampling = Poisson(rows=member, indices=(3, 8), seed=5, rate=rate, steps=steps // 2)
    drawn = counted([each for epoch in sampling.epochs(2) for each in epoch], 2, 200)
    assert drawn.shape[0] == steps
    assert not drawn[:, ~member].any()
    inside = drawn[:, member]
    assert 1e-4 < binom.cdf(inside.sum(), inside.size, rate) < 1 - 1e-4
    for axis, size in ((0, steps), (1, inside.shape[1])):
        spread = inside.sum(axis=axis).var() / (size * rate * (1 - rate))
        assert spread == pytest.approx(1, abs=5 * (2 / inside.shape[1 - axis]) ** 0.5)
    both = (inside[:-1] & inside[1:]).mean()
    assert both == pytest.approx(rate**2, abs=5 * rate / inside.size**0.5)
    shared = member.all(axis=0)
    assert (drawn[:, 0, shared] & drawn[:, 1, shared]).mean() == pytest.approx(rate**2, abs=5 * rate / (steps * shared.sum()) ** 0.5)


def test_balls_and_bins_put_each_member_into_one_step_of_an_epoch() -> None:
    """All steps alike, anew every epoch, and members independent: batch sizes are as spread as balls in bins."""
    member = rows(2, 200)
    sampling = BallsAndBins(rows=member, indices=(3, 8), seed=5, steps=20)
    epochs = [counted(epoch, 2, 200) for epoch in sampling.epochs(30)]
    for drawn in epochs:
        assert (drawn.sum(axis=0) == member).all()
    sizes = np.array([drawn.sum(axis=2) for drawn in epochs])  # [epochs, steps, K]
    expected = member.sum(axis=1) / 20
    assert (sizes.var(axis=(0, 1)) / (expected * 0.95)).tolist() == pytest.approx([1, 1], abs=0.3)
    assert (sizes.mean(axis=0) - expected).std() < 2 * (expected.mean() / 30) ** 0.5
    assert not (epochs[0] == epochs[1]).all()


@pytest.mark.parametrize("kind", ["poisson", "balls-and-bins"])
def test_nobody_elses_coins_matter(kind: str) -> None:
    """A model's draws are its own: alone as in company, and of another seed others."""
    recipe = asked(privacy__sampling=kind)
    together = counted(next(sampler(recipe, MODELS, rows()).epochs(1)), 3, EXAMPLES)
    alone = counted(next(sampler(recipe, MODELS[1:2], rows()[1:2]).epochs(1)), 1, EXAMPLES)
    assert (together[:, 1] == alone[:, 0]).all()
    other = counted(next(sampler(asked(privacy__sampling=kind, training__seed=1), MODELS, rows()).epochs(1)), 3, EXAMPLES)
    assert (other != together).any()
    same = np.tile(rows(1), (2, 1))
    two = counted(next(sampler(recipe, (0, 1), same).epochs(1)), 2, EXAMPLES)
    assert (two[:, 0] != two[:, 1]).any()


def test_a_step_without_anybody_is_padding_of_ones_own() -> None:
    """The rate is so small that nobody is drawn: weights are zero, and positions are a member's."""
    member = rows(2)
    sampling = Poisson(rows=member, indices=(0, 1), seed=0, rate=1e-9, steps=3)
    for each in next(sampling.epochs(1)):
        assert not each.weights.any()
        assert member[np.arange(2)[:, None], each.positions].all()


# public constants


def test_constants_do_not_know_how_many_members_a_model_has() -> None:
    """The rate is the batch over the members that are expected, for every model: never over its own."""
    few, many = np.zeros((1, 1000), dtype=np.bool_), np.ones((1, 1000), dtype=np.bool_)
    few[0, :3] = True
    recipe = asked(data__pool=1000, training__batch_size=50, data__member_fraction=0.4)
    for member in (few, many):
        found = sampler(recipe, (0,), member)
        assert isinstance(found, Poisson)
        assert (found.rate, found.steps) == (50 / 400, 8)


@pytest.mark.parametrize(("size", "fraction", "size_of_batch"), [(60, 0.5, 8), (1000, 0.3, 37), (7, 0.5, 2), (40, 0.5, 30)])
def test_the_accountant_is_told_what_is_drawn(size: int, fraction: float, size_of_batch: int) -> None:
    """Rate, steps and sampler of the accountant are the sampler's own, over all epochs that are run."""
    recipe = asked(data__pool=size, data__member_fraction=fraction, training__batch_size=size_of_batch, training__epochs=7)
    told, drawn = mechanism(recipe), sampler(recipe, (0,), np.ones((1, size), dtype=np.bool_))
    assert isinstance(drawn, Poisson)
    assert told.rate == drawn.rate == constants(recipe, size).rate <= 1
    assert told.steps == len([each for epoch in drawn.epochs(recipe.training.last_epoch) for each in epoch])
    assert (told.noise_multiplier, told.sampling) == (0.7, "poisson")


def test_streams_of_private_training_are_apart() -> None:
    """Coins, noise and shuffles of one model never share a stream."""
    purposes = ("poisson", "balls and bins", "privacy noise", "shuffle", "noise", "init", "membership")
    assert len({stream(0, purpose, 3).integers(2**62) for purpose in purposes}) == len(purposes)


# the operating system's numbers


def test_the_systems_numbers_are_uniform_and_normal_and_never_the_same() -> None:
    """By their distributions, in whatever shape; two draws share nothing."""
    coins = SystemCoins()
    assert kstest(coins.random(5000), "uniform").pvalue > 1e-4
    assert chisquare(np.bincount(coins.integers(7, size=7000), minlength=7)).pvalue > 1e-4
    drawn = system.normal((3, 2000))
    assert drawn.shape == (3, 2000)
    assert kstest(drawn.ravel(), "norm").pvalue > 1e-4
    assert np.abs(np.corrcoef(np.concatenate([drawn, system.normal((3, 2000))])) - np.eye(6)).max() < 0.12
    assert system.normal(()).shape == ()


def test_secure_noise_is_noise_that_the_seed_does_not_give() -> None:
    """As much as is asked for, another one for every model and every time; and sampling too."""
    recipe = asked(privacy__secure_noise=True)
    first, again = flat(moved(recipe, (0, 0, 0))), flat(moved(recipe, (0, 0, 0)))
    assert (torch.corrcoef(torch.cat([first, again])) - torch.eye(6)).abs().max() < 5 / first.shape[1] ** 0.5
    for model in range(3):
        assert kstest(first[model].numpy() / (0.7 * 0.5 / BATCH), "norm").pvalue > 1e-4
    for kind in ("poisson", "balls-and-bins"):
        sampling = sampler(asked(privacy__secure_noise=True, privacy__sampling=kind), MODELS, rows())
        drawn = [counted(next(sampling.epochs(1)), 3, EXAMPLES) for _ in range(2)]
        assert (drawn[0] != drawn[1]).any()
        assert not drawn[0][:, ~rows()].any()
