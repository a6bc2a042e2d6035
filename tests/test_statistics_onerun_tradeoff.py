"""One training against a whole trade-off: figures of another library, the linear program that the recursion solves, and its level."""

import math

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import norm

from mia_audit.statistics import onerun, onerun_tradeoff
from mia_audit.statistics.onerun import Guesses

Lines = list[tuple[float, float]]
"""A concave trade-off as the least of straight lines: slope and intercept of each."""


@pytest.mark.parametrize(
    ("right", "wrong", "thresholds", "gaussian"),
    [(379, 27, 386, 2.164749), (934, 4, 374, 4.7218075), (5_436, 0, 140, 9.133752)],
    ids=["shift 1", "shift 2", "shift 4"],
)
def test_the_figures_of_jax_privacy(right: int, wrong: int, thresholds: int, gaussian: float) -> None:
    """Normal quantiles of 10,000 a side, its best threshold of so many (Bonferroni), alpha 5 %, delta 1e-6: the epsilons its tests hold."""
    guesses = Guesses(examples=20_000, made=right + wrong, right=right)
    assert onerun_tradeoff.bound_gaussian(guesses, 1e-6, 0.05 / thresholds) == pytest.approx(gaussian, abs=2e-5)


def test_the_same_guesses_show_more_than_one_epsilon_does() -> None:
    """Where the one-run bound is at its best (1.133460), the trade-off of (epsilon, delta) shows more, and the Gaussian one more still."""
    guesses = Guesses(examples=20_000, made=2_807 + 569, right=2_807)
    level = 0.05 / 386
    found = [bound(guesses, 1e-6, level) for bound in (onerun.bound, onerun_tradeoff.bound, onerun_tradeoff.bound_gaussian)]
    assert found[0] == pytest.approx(1.133460, abs=1e-5)
    assert found[0] + 0.2 < found[1] < found[2] - 0.1


def most_likely(guesses: Guesses, lines: Lines) -> float:
    """Return the largest probability of so many right guesses that the theorem's inequalities permit: a linear program."""
    made, total = guesses.made, guesses.examples
    right = np.arange(made + 1)
    rows, limits = [], []
    for least in range(made + 1):
        known = np.where(right >= least, right, 0) / total
        wrong = np.where(right >= least - 1, made - right, 0) / total
        rows += [known - slope * wrong for slope, _ in lines]
        limits += [intercept for _, intercept in lines]
    found = linprog(-(right >= guesses.right).astype(float), A_ub=rows, b_ub=limits, A_eq=[np.ones(made + 1)], b_eq=[1.0])
    return -float(found.fun)


def two_lines(epsilon: float, delta: float) -> Lines:
    """Return the trade-off of (epsilon, delta): Kairouz, Oh and Viswanath's two lines."""
    return [(math.exp(epsilon), delta), (math.exp(-epsilon), 1 - (1 - delta) * math.exp(-epsilon))]


def tangents(mu: float) -> Lines:
    """Return the Gaussian trade-off as the least of its tangents."""
    at = norm.cdf(np.linspace(-6, 6, 200) - mu / 2)
    slopes = np.exp(-mu * norm.ppf(at) - mu**2 / 2)
    return list(zip(slopes, norm.cdf(norm.ppf(at) + mu) - slopes * at, strict=True))


@pytest.mark.parametrize("counts", [(30, 20, 17), (30, 30, 25), (60, 10, 10), (40, 40, 30)])
@pytest.mark.parametrize("delta", [0.0, 1e-3, 1e-2])
def test_the_recursion_solves_the_linear_program(counts: tuple[int, int, int], delta: float) -> None:
    """At the bound, the most that the inequalities permit is exactly the level; at 0 where nothing is refuted it is more."""
    examples, made, right = counts
    guesses = Guesses(examples=examples, made=made, right=right)
    found = onerun_tradeoff.bound(guesses, delta)
    permitted = most_likely(guesses, two_lines(found, delta))
    assert permitted == pytest.approx(0.05, abs=1e-5) if found else permitted > 0.05


def test_the_gaussian_recursion_solves_the_linear_program() -> None:
    """The same for mu, whose trade-off is as many tangents as it takes: at the bound, the level is just permitted."""
    guesses = Guesses(examples=30, made=20, right=17)
    assert most_likely(guesses, tangents(onerun_tradeoff.bound_mu(guesses))) == pytest.approx(0.05, abs=5e-4)


def test_guesses_at_all_coins_without_delta_are_no_worse_than_the_binomial() -> None:
    """Randomized response attains the binomial tail, so that no valid bound of pure epsilon lies above it."""
    for right in (60, 70, 95, 100):
        guesses = Guesses(examples=100, made=100, right=right)
        exact = onerun.bound(guesses, 0.0)
        assert exact - 0.03 <= onerun_tradeoff.bound(guesses, 0.0) <= exact + 1e-6


def test_it_holds_of_a_gaussian_mechanism() -> None:
    """Noisy coins, each seen through unit noise at distance mu: the bound of mu lies above the truth in at most 5 % of 200 trainings."""
    rng, mu = np.random.default_rng(0), 1.0
    over = 0
    for _ in range(200):
        coins = rng.random(300) < 0.5
        guesses = onerun.guess(rng.normal(size=300) + mu * coins, coins, 0.1, 0.1)
        over += onerun_tradeoff.bound_mu(guesses) > mu
    assert over <= 18  # the binomial's one-sided 99 % limit of 5 %


def test_nothing_is_shown_by_a_coin_and_all_by_a_perfect_attack() -> None:
    """Half right refutes no epsilon; all of 1,000 right refute a large one, and less where delta permits more."""
    assert onerun_tradeoff.bound(Guesses(examples=100, made=100, right=50), 1e-5) == 0.0
    assert onerun_tradeoff.bound_gaussian(Guesses(examples=100, made=100, right=50), 1e-5) == 0.0
    assert onerun_tradeoff.bound(Guesses(examples=100, made=0, right=0), 1e-5) == 0.0
    perfect = Guesses(examples=1_000, made=1_000, right=1_000)
    assert 5 < onerun_tradeoff.bound(perfect, 1e-3) < onerun_tradeoff.bound(perfect, 0.0)
    assert onerun_tradeoff.bound_gaussian(perfect, 0.0) == math.inf
