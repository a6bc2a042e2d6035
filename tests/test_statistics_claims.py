"""What a privacy claim permits, held to the riskcal package over claims drawn at random, and to definitions where it has none."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from riskcal.analysis import (
    get_advantage_from_adp,
    get_advantage_from_gdp,
    get_beta_from_adp,
    get_beta_from_gdp,
    get_epsilon_from_err_rates,
)
from scipy.stats import norm

from mia_audit.statistics.tradeoff import Claim, gaussian_epsilon

GRID = np.concatenate([np.geomspace(1e-6, 0.1, 30), np.linspace(0.1, 1 - 1e-9, 40)])
EPSILONS, DELTAS, MUS = st.floats(0.0, 12.0), st.floats(0.0, 0.3), st.floats(1e-3, 6.0)


@given(epsilon=EPSILONS, delta=DELTAS)
def test_an_epsilon_and_delta_permit_what_riskcal_says(epsilon: float, delta: float) -> None:
    """The largest TPR at every FPR, and the largest advantage."""
    claim = Claim(epsilon=epsilon, delta=delta)
    np.testing.assert_allclose(claim.most_tpr(GRID), 1 - get_beta_from_adp(epsilon, delta, GRID), atol=1e-12)
    assert claim.most_advantage == pytest.approx(get_advantage_from_adp(epsilon, delta), abs=1e-12)


@given(mu=MUS)
def test_a_mu_permits_what_riskcal_says(mu: float) -> None:
    """The largest TPR at every FPR, and the largest advantage."""
    claim = Claim(mu=mu)
    np.testing.assert_allclose(claim.most_tpr(GRID), 1 - get_beta_from_gdp(mu, GRID), atol=1e-12)
    assert claim.most_advantage == pytest.approx(float(get_advantage_from_gdp(mu)), abs=1e-12)


@given(fpr=st.floats(0.001, 0.5), gain=st.floats(1.1, 5.0), delta=st.floats(0.0, 0.01))
def test_the_epsilon_of_two_rates_is_where_they_touch_the_ceiling(fpr: float, gain: float, delta: float) -> None:
    """The smallest epsilon that riskcal finds for an attack's rates permits exactly its TPR, and a smaller one less."""
    tpr = min(0.99, gain * fpr + delta)
    epsilon = get_epsilon_from_err_rates(delta, fpr, 1 - tpr)
    permitted = [float(Claim(epsilon=max(0.0, e), delta=delta).most_tpr(np.array([fpr]))[0]) for e in (epsilon, epsilon - 0.02)]
    assert permitted[0] == pytest.approx(tpr, abs=1e-9)
    assert permitted[1] < tpr or epsilon < 0.02


@given(mu=MUS, delta=st.floats(1e-9, 0.1))
def test_a_mu_permits_no_more_than_its_epsilons(mu: float, delta: float) -> None:
    """mu-Gaussian privacy is (epsilon, delta)-private at every delta, so its ceiling lies below all of those, and touches each."""
    epsilon = gaussian_epsilon(mu, delta)
    loose, tight = Claim(epsilon=epsilon, delta=delta).most_tpr(GRID), Claim(mu=mu).most_tpr(GRID)
    assert (tight <= loose + 1e-9).all()
    if epsilon > 0:
        touching = float(norm.cdf(-epsilon / mu - mu / 2))
        at = np.array([touching])
        assert float(Claim(mu=mu).most_tpr(at)[0]) == pytest.approx(math.exp(epsilon) * touching + delta, abs=1e-7)


@given(epsilon=EPSILONS, delta=DELTAS)
def test_the_ceiling_is_fair_to_both_sides(epsilon: float, delta: float) -> None:
    """A curve that is its own mirror image in the falling diagonal: whoever clears non-members is limited alike."""
    claim = Claim(epsilon=epsilon, delta=delta)
    tpr = claim.most_tpr(GRID)
    inner = tpr < 1
    np.testing.assert_allclose(claim.most_tpr(1 - tpr[inner]), 1 - GRID[inner], atol=1e-9)
