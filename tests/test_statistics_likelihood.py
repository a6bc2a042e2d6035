"""The score of a canary against densities written out, what canaries are worth, and the estimate from two normal laws."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from mia_audit.errors import EvidenceError
from mia_audit.statistics import gaussian_pair, likelihood
from mia_audit.statistics.gaussian_pair import Pair
from mia_audit.statistics.tradeoff import gaussian_delta


@pytest.mark.parametrize(("noise", "rate"), [(0.5, 0.05), (2.0, 0.3), (1.0, 1.0)])
def test_the_score_is_the_ratio_of_two_densities(noise: float, rate: float) -> None:
    """Mixture over plain noise, step by step."""
    z = np.random.default_rng(0).normal(0, noise, (50, 7))
    inside = (1 - rate) * norm.pdf(z, 0, noise) + rate * norm.pdf(z, 1, noise)
    assert np.allclose(likelihood.log_ratio(z, noise, rate), np.log(inside / norm.pdf(z, 0, noise)).sum(axis=0))


def test_one_step_an_epoch_is_the_mean_over_its_steps() -> None:
    """Balls and bins: the density of an epoch is the mean over where the canary may have been."""
    z = np.random.default_rng(1).normal(0, 1, (6, 5))
    slow = np.zeros(5)
    for start in (0, 3):
        plain = norm.pdf(z[start : start + 3]).prod(axis=0)
        with_canary = [norm.pdf(z[start : start + 3] - np.eye(3)[place][:, None]).prod(axis=0) for place in range(3)]
        slow += np.log(np.mean(with_canary, axis=0) / plain)
    assert np.allclose(likelihood.allocation_log_ratio(z, 1.0, 3), slow)


def test_it_beats_the_sum_of_inner_products() -> None:
    """Where canaries are in few steps and noise is small: Neyman and Pearson's lemma, seen."""
    rng = np.random.default_rng(2)
    coins = rng.random(2_000) < 0.5
    z = rng.normal(0, 0.5, (100, 2_000)) + ((rng.random((100, 2_000)) < 0.05) & coins)
    best = roc_auc_score(coins, likelihood.log_ratio(z, 0.5, 0.05))
    assert best > float(roc_auc_score(coins, likelihood.inner_products(z))) + 0.05


def test_dead_short_and_parallel_canaries_are_named() -> None:
    """By their places."""
    gradients = np.zeros((6, 8))
    gradients[[0, 1, 2, 3], [0, 1, 2, 3]] = 10.0
    gradients[3, 3] = 0.5
    gradients[5, :2] = 3.0, 4.0
    found = likelihood.examined(gradients, 1.0)
    assert found.dead.tolist() == [4]
    assert found.short.tolist() == [3]
    assert found.cosine == pytest.approx(0.8)
    assert set(found.pair) == {1, 5}
    assert not found.sound
    assert likelihood.examined(10 * np.eye(5), 1.0).sound


def test_projections_are_in_clipping_norms() -> None:
    """A sum that holds a clipped canary has 1 along it; a dead canary has nothing."""
    gradients = np.array([[0.0, 20.0, 0.0], [0.0, 0.0, 0.0]])
    z = likelihood.projected(np.array([[5.0, 2.0, 1.0], [0.0, 0.0, 9.0]]), gradients, 2.0)
    assert z.tolist() == [[1.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("upper", "lower", "epsilon"),
    [((1.0, 2.0), (0.0, 1.0), 0.7), ((0.0, 1.0), (1.0, 2.0), 0.3), ((0.0, 1.0), (0.0, 3.0), 0.2), ((0.0, 3.0), (0.0, 1.0), 2.0)],
)
def test_two_normal_laws_of_unequal_width_integrated(upper: tuple[float, float], lower: tuple[float, float], epsilon: float) -> None:
    """The mass of one above e^epsilon times the other."""

    def surplus(x: float) -> float:
        return max(0.0, float(norm.pdf(x, *upper)) - math.exp(epsilon) * float(norm.pdf(x, *lower)))

    slow, _ = quad(surplus, -60, 60, points=[-3, -1, 0, 1, 3], limit=2_000)
    assert gaussian_pair._hockey(upper, lower, epsilon) == pytest.approx(slow, abs=1e-6)


def test_equal_widths_are_the_gaussian_mechanism() -> None:
    """And epsilon is what gives delta back."""
    pair = Pair(inside=(1.0, 1.0), outside=(0.0, 1.0))
    assert pair.delta(1.0) == pytest.approx(gaussian_delta(1.0, 1.0), rel=1e-9)
    assert pair.delta(pair.epsilon(1e-4)) == pytest.approx(1e-4, rel=1e-5)
    rng = np.random.default_rng(3)
    coins = rng.random(20_000) < 0.5
    fitted = gaussian_pair.fitted(rng.normal(size=20_000) + coins, coins)
    assert fitted.inside == pytest.approx((1.0, 1.0), abs=0.04)


@pytest.mark.parametrize(
    ("z", "noise", "rate", "said"),
    [
        (np.zeros(3), 1.0, 0.5, "projections \\[steps, canaries\\]"),
        (np.zeros((2, 2)), 0.0, 0.5, "noise above 0"),
        (np.zeros((2, 2)), 1.0, 0.0, "rate from 0"),
    ],
)
def test_what_cannot_be_scored_is_refused(z: np.ndarray, noise: float, rate: float, said: str) -> None:
    """In one line."""
    with pytest.raises(EvidenceError, match=said):
        likelihood.log_ratio(z, noise, rate)
