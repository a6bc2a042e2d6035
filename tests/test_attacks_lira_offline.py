"""Offline LiRA: the z-value of the OUT models' Gaussian, whatever the IN models say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from mia_audit.attacks.lira_offline import OfflineLiRA
from mia_audit.attacks.observables import phi
from mia_audit.errors import RecipeError, ShadowBudgetError
from mia_audit.statistics.roc import auc
from tests.support.gaussian import gaussian_evidence


@pytest.mark.parametrize("pool", [True, False])
def test_the_p_value_is_the_slow_one(*, pool: bool) -> None:
    """1 - p of SciPy's Gaussian over the OUT models, example by example, is the score's own distribution function."""
    seen, _ = gaussian_evidence(gap=1.0, examples=50, shadows=16, classes=3, queries=2)
    target = phi(seen.target, seen.labels).mean(axis=0)
    shadow = np.array([phi(logits, seen.labels).mean(axis=0) for logits in seen.shadows])
    columns = [shadow[~seen.trained_on[:, i], i] for i in range(50)]
    pooled = np.sqrt(sum(((c - c.mean()) ** 2).sum() for c in columns) / sum(c.size - 1 for c in columns))
    slow = [norm.cdf(target[i], c.mean(), pooled if pool else max(c.std(ddof=1), 0.1 * pooled)) for i, c in enumerate(columns)]
    np.testing.assert_allclose(norm.cdf(OfflineLiRA(pool_variance=pool).score(seen)), slow, atol=1e-9)


def test_auc_is_that_of_two_gaussians() -> None:
    """With many shadow models the score is N(0, 1) for non-members and N(gap, 1) for members: Phi(gap / sqrt 2)."""
    seen, member = gaussian_evidence(gap=1.0, examples=20_000, shadows=128)
    scores = OfflineLiRA().score(seen)
    assert auc(scores, member) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.012)
    assert scores[~member].std() == pytest.approx(1.0, abs=0.03)


@given(st.integers(0, 99))
@settings(deadline=None, max_examples=10)
def test_models_that_saw_the_example_do_not_matter(seed: int) -> None:
    """Whatever IN models answer, the score stays: an offline attacker has none."""
    seen, _ = gaussian_evidence(gap=1.0, examples=30, shadows=12, seed=seed)
    seen = seen.only(np.flatnonzero(~seen.trained_on.all(axis=0)))
    other = np.where(seen.trained_on[:, None, :, None], 7.0 * seed, seen.shadows)
    np.testing.assert_array_equal(OfflineLiRA().score(replace(seen, shadows=other)), OfflineLiRA().score(seen))


def test_models_that_never_saw_any_example_are_enough() -> None:
    """An attacker whose shadow models are all OUT is served; one without an OUT model is not."""
    seen, member = gaussian_evidence(gap=1.0, examples=500, shadows=8)
    out = replace(seen, trained_on=np.zeros_like(seen.trained_on))
    assert auc(OfflineLiRA().score(out), member) > 0.6
    with pytest.raises(ShadowBudgetError, match="lira-offline needs a shadow model trained without each example; 500 of 500"):
        OfflineLiRA().score(replace(seen, trained_on=np.ones_like(seen.trained_on)))


def test_a_floor_outside_its_range_is_refused() -> None:
    """sigma_floor is a share."""
    with pytest.raises(RecipeError, match="sigma_floor needs 0 to 1"):
        OfflineLiRA(sigma_floor=2)
