"""A claim as a whole trade-off: closed forms, its mirror image, and the two lines of one epsilon."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from mia_audit.errors import EvidenceError
from mia_audit.statistics.curve import Curve
from mia_audit.statistics.tradeoff import Claim, gaussian_delta, gaussian_epsilon

FPR = np.concatenate([[0.0], np.logspace(-8, 0, 60)])


@pytest.mark.parametrize("mu", [0.01, 0.3, 1.0, 3.0, 8.0])
def test_tangents_enclose_the_gaussian_trade_off(mu: float) -> None:
    """Never below it, and nowhere far above; epsilon and delta come back."""
    curve = Curve.gaussian(mu)
    above = curve.most_tpr(FPR) - Claim(mu=mu).most_tpr(FPR)
    assert above.min() >= -1e-12
    assert above.max() < 5e-5
    assert curve.delta_at(0.7 * mu) == pytest.approx(gaussian_delta(mu, 0.7 * mu), abs=3e-5)
    assert curve.epsilon_at(1e-5) == pytest.approx(gaussian_epsilon(mu, 1e-5), rel=3e-4, abs=1e-5)


def test_one_epsilon_is_its_two_lines() -> None:
    """Kairouz, Oh and Viswanath's, at every FPR, and their corner."""
    curve = Curve.of_lines(np.array([1.0]), np.array([0.01]))
    assert np.allclose(curve.most_tpr(FPR), Claim(epsilon=1.0, delta=0.01).most_tpr(FPR), atol=1e-12)
    assert curve.epsilon_at(0.01) == pytest.approx(1.0, abs=1e-6)
    assert math.isinf(curve.epsilon_at(0.001))


def test_several_epsilons_are_the_least_of_all_lines() -> None:
    """A slow way: every line and every mirrored line at every FPR."""
    epsilons, deltas = np.array([0.0, 0.5, 2.0, 4.0]), np.array([0.3, 0.15, 0.02, 0.001])
    curve = Curve.of_lines(epsilons, deltas)
    x = np.linspace(0, 1, 501)
    lines = [np.exp(e) * x + d for e, d in zip(epsilons, deltas, strict=True)]
    mirrored = [1 - np.maximum(0.0, 1 - d - x) * np.exp(-e) for e, d in zip(epsilons, deltas, strict=True)]
    assert np.allclose(curve.most_tpr(x), np.minimum(1.0, np.min([*lines, *mirrored], axis=0)), atol=1e-12)


@pytest.mark.parametrize("mu", [0.5, 2.0])
def test_guesses_in_and_out_are_held_to_the_same(mu: float) -> None:
    """The curve is its own mirror image, and `least` is its inverse."""
    curve = Curve.gaussian(mu)
    tpr = np.linspace(0, 1, 101)
    assert np.allclose(curve.least_fpr(tpr), 1 - curve.most_tpr(1 - tpr), atol=1e-12)
    least = curve.least()
    assert np.allclose([least(float(each)) for each in tpr], curve.least_fpr(tpr), atol=1e-15)
    assert np.allclose(curve.steepness(np.array([0.2])), math.exp(-mu * norm.ppf(0.2) - mu**2 / 2), rtol=0.02)


def test_no_privacy_lost_is_the_diagonal() -> None:
    """At mu 0 nothing but chance is permitted."""
    assert np.allclose(Curve.gaussian(0.0).most_tpr(FPR), FPR)


@pytest.mark.parametrize(
    ("epsilons", "deltas", "said"),
    [
        ([1.0, 0.5], [0.1, 0.2], "ascending epsilons"),
        ([1.0], [0.1, 0.2], "a delta for each"),
        ([-1.0], [0.1], "epsilons from 0 to 700"),
        ([1.0], [1.5], "deltas from 0 to 1"),
    ],
)
def test_what_is_no_claim_is_refused(epsilons: list[float], deltas: list[float], said: str) -> None:
    """In one line."""
    with pytest.raises(EvidenceError, match=said):
        Curve.of_lines(np.array(epsilons), np.array(deltas))
