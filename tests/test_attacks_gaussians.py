"""Moments and ratios by side: equal to loops over examples, whatever the chunk, and optimal where the optimum is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from mia_audit.attacks import gaussians
from mia_audit.attacks.gaussians import both_moments, log_mean, moments, projected_log_ratio, vector_log_ratio
from mia_audit.statistics.roc import auc
from mia_audit.types import Bools
from tests.support.gaussian import coins
from tests.support.vectors import gaussian_vectors


@given(models=st.integers(4, 12), examples=st.integers(1, 30), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_moments_are_those_of_a_loop(models: int, examples: int, seed: int) -> None:
    """Count, mean, squared deviations and log mean of the chosen models, example by example."""
    rng = np.random.default_rng(seed)
    values, side = rng.normal(size=(models, examples)), rng.random((models, examples)) < 0.5
    side[0], side[1] = True, False
    found, logs = moments(values, side), log_mean(values, side)
    for i in range(examples):
        column = values[side[:, i], i]
        assert found.count[i] == column.size
        assert found.mean[i] == pytest.approx(column.mean())
        assert found.squares[i] == pytest.approx(((column - column.mean()) ** 2).sum())
        assert found.sigma[i] == pytest.approx(column.std(ddof=1) if column.size > 1 else 0.0)
        assert logs[i] == pytest.approx(logsumexp(column) - np.log(column.size))
    degrees = (found.count - 1).sum()
    assert found.pooled == pytest.approx(np.sqrt(found.squares.sum() / max(1, degrees)))


@pytest.mark.parametrize("scale", [1.0, 1e30])
def test_both_sides_at_once_are_each_side_alone(scale: float) -> None:
    """One pass gives the moments of two, in float32 to its precision and beyond its squares too."""
    values, side = np.random.default_rng(0).normal(3, 1, (20, 300)), coins(20, 300, 0)
    for kind, close in ((np.float64, 1e-9), (np.float32, 1e-5)):
        shadow = (values * scale).astype(kind)
        for found, there in zip(both_moments(shadow, side), (side, ~side), strict=True):
            alone = moments(shadow, there)
            np.testing.assert_array_equal(found.count, alone.count)
            np.testing.assert_allclose(found.mean, alone.mean, rtol=close)
            np.testing.assert_allclose(found.squares, alone.squares, rtol=10 * close)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at few examples at once gives the same moments as all at once."""
    values, side = np.random.default_rng(0).normal(size=(8, 100)), coins(8, 100, 0)
    side[0] = True
    whole, logs = moments(values, side), log_mean(values, side)
    monkeypatch.setattr(gaussians, "_CHUNK", 56)
    np.testing.assert_array_equal(moments(values, side).squares, whole.squares)
    np.testing.assert_allclose(log_mean(values, side), logs, rtol=1e-13)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("side", [None, np.ones((2, 2), dtype=np.bool_)])
def test_small_probabilities_do_not_vanish(side: Bools | None, kind: type) -> None:
    """Means of exp(-1000) and of exp(0) are both kept; without a side all models count."""
    logs = np.array([[-1000.0, 0.0], [-1001.0, -1000.0]], dtype=kind)
    assert log_mean(logs, side) == pytest.approx([np.log((1 + np.exp(-1)) / 2) - 1000, -np.log(2)])


def test_the_projection_is_fishers() -> None:
    """Projected by hand onto pooled covariance inverse times mean difference, SciPy's one-dimensional densities give the scores."""
    values, member = gaussian_vectors(np.array([1.0, 0.3, 0.0]), examples=50, shadows=14)
    side, shadow = member[1:], values[1:]
    inside, outside = (np.array([shadow[s[:, i], :, i].mean(axis=0) for i in range(50)]) for s in (side, ~side))
    covariances = []
    for s, mu in ((side, inside), (~side, outside)):
        deviations = np.concatenate([shadow[s[:, i], :, i] - mu[i] for i in range(50)])
        covariances.append(deviations.T @ deviations / (s.sum(axis=0) - 1).sum())
    pooled = np.mean(covariances, axis=0)
    direction = np.linalg.solve(pooled + 0.01 * np.trace(pooled) / 3 * np.eye(3), (inside - outside).mean(axis=0))
    direction = direction / np.abs(direction).max()
    slow = np.zeros(50)
    for sign, s, c in zip((1, -1), (side, ~side), covariances, strict=True):
        sigma = np.sqrt(direction @ c @ direction + 1e-6)
        means = np.array([(shadow[s[:, i], :, i] @ direction).mean() for i in range(50)])
        slow += sign * norm.logpdf(direction @ values[0], means, sigma)
    np.testing.assert_allclose(projected_log_ratio(values[0], shadow, side, 0.01), slow, atol=1e-8)


def test_whole_vectors_are_weighed_as_scipy_does() -> None:
    """Multivariate densities around each example's own means."""
    values, member = gaussian_vectors(np.array([1.0, 0.3]), examples=20, shadows=12)
    side, shadow = member[1:], values[1:]
    slow = np.zeros(20)
    for sign, s in ((1, side), (-1, ~side)):
        mu = np.array([shadow[s[:, i], :, i].mean(axis=0) for i in range(20)])
        deviations = np.concatenate([shadow[s[:, i], :, i] - mu[i] for i in range(20)])
        pooled = deviations.T @ deviations / (s.sum(axis=0) - 1).sum()
        slow += [sign * multivariate_normal.logpdf(values[0][:, i], mu[i], pooled + 1e-6 * np.eye(2)) for i in range(20)]
    np.testing.assert_allclose(vector_log_ratio(values[0], shadow, side, 0.0), slow, atol=1e-8)


def test_few_models_are_better_projected() -> None:
    """With many values and few models the projection comes near the optimum, Phi(|gap| / sqrt 2), and whole vectors do not."""
    gaps = np.array([1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    values, member = gaussian_vectors(gaps, examples=6_000, shadows=16)
    can = np.minimum(member[1:].sum(axis=0), (~member[1:]).sum(axis=0)) >= 2
    target, shadow, side = values[0][:, can], values[1:, :, can], member[1:, can]
    projected, whole = (auc(ratio(target, shadow, side, 0.0), member[0, can]) for ratio in (projected_log_ratio, vector_log_ratio))
    best = norm.cdf(np.sqrt(1.25) / np.sqrt(2))
    assert projected > whole + 0.05
    assert best - 0.07 < projected < best + 0.01


@given(st.integers(0, 50), st.floats(0.1, 10))
@settings(deadline=None, max_examples=15)
def test_units_and_shifts_do_not_matter(seed: int, scale: float) -> None:
    """A common scale and shift of all values cancel."""
    values, member = gaussian_vectors(np.array([1.0, 0.5]), examples=30, shadows=14, seed=seed)
    can = np.minimum(member[1:].sum(axis=0), (~member[1:]).sum(axis=0)) >= 2
    target, shadow, side = values[0][:, can], values[1:, :, can], member[1:, can]
    for ratio in (projected_log_ratio, vector_log_ratio):
        moved = ratio(100 * scale * target + 3, 100 * scale * shadow + 3, side, 0.01)
        np.testing.assert_allclose(moved, ratio(100 * target, 100 * shadow, side, 0.01), atol=1e-5)
