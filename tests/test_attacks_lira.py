"""Online LiRA: agrees with a loop over examples, reaches the Neyman-Pearson AUC, and refuses what it cannot judge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.observables import phi
from mia_audit.errors import RecipeError, ShadowBudgetError
from mia_audit.statistics.roc import auc
from mia_audit.types import Evidence, Floats
from tests.support.gaussian import coins, evidence_of, gaussian_evidence


def slow(seen: Evidence, *, pool: bool, floor: float) -> Floats:
    """Return log Lambda example by example, with SciPy's Gaussian."""
    shadow = np.array([[phi(queries[:, [i]], seen.labels[[i]]).mean() for i in range(seen.examples)] for queries in seen.shadows])
    target = phi(seen.target, seen.labels).mean(axis=0)
    total = np.zeros(seen.examples)
    for sign, side in ((1, seen.trained_on), (-1, ~seen.trained_on)):
        columns = [shadow[side[:, i], i] for i in range(seen.examples)]
        degrees = sum(column.size - 1 for column in columns)
        pooled = np.sqrt(sum(((column - column.mean()) ** 2).sum() for column in columns) / degrees)
        for i, column in enumerate(columns):
            sigma = pooled if pool else max(column.std(ddof=1), floor * pooled)
            total[i] += sign * norm.logpdf(target[i], column.mean(), sigma)
    return total


@pytest.mark.parametrize("pool", [True, False])
@pytest.mark.parametrize("queries", [1, 3])
def test_the_score_is_the_slow_one(*, pool: bool, queries: int) -> None:
    """Vectorised scores equal those of a loop over examples, with spreads that differ between examples and sides."""
    seen, _ = gaussian_evidence(gap=1.0, examples=60, shadows=14, classes=4, queries=queries, seed=4)
    mixed = Evidence(
        target=seen.target * 1.5,
        shadows=seen.shadows * np.where(seen.trained_on, 0.5, 2.0)[:, None, :, None],
        trained_on=seen.trained_on,
        labels=seen.labels,
    )
    attack = OnlineLiRA(pool_variance=pool, sigma_floor=0.3)
    np.testing.assert_allclose(attack.score(mixed), slow(mixed, pool=pool, floor=0.3), rtol=1e-9, atol=1e-9)


def test_auc_is_the_one_neyman_and_pearson_promise() -> None:
    """For two unit Gaussians `gap` apart the optimal AUC is Phi(gap / sqrt 2), however easy or hard the examples."""
    seen, member = gaussian_evidence(gap=1.0, examples=20_000, shadows=256)
    for attack in (OnlineLiRA(), OnlineLiRA(pool_variance=False)):
        assert auc(attack.score(seen), member) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.012)


def test_a_difference_in_spread_alone_is_found() -> None:
    """Members whose phi varies half as much are told apart at the same mean: the ratio uses both sigmas."""
    member, rng = coins(201, 4_000, 0), np.random.default_rng(0)
    seen, truth = evidence_of(rng.normal(size=(201, 1, 4_000)) * np.where(member, 0.5, 1.0)[:, None], member)
    x = rng.normal(size=200_000) * np.where(np.arange(200_000) < 100_000, 0.5, 1.0)
    best = auc(norm.logpdf(x, 0, 0.5) - norm.logpdf(x, 0, 1.0), np.arange(200_000) < 100_000)
    assert auc(OnlineLiRA().score(seen), truth) == pytest.approx(best, abs=0.02)


@given(scale=st.floats(0.2, 5), shift=st.floats(-20, 20), pool=st.booleans())
@settings(deadline=None)
def test_units_do_not_matter(scale: float, shift: float, *, pool: bool) -> None:
    """A common scale and shift of every phi cancel in the ratio."""
    seen, _ = gaussian_evidence(gap=1.0, examples=30, shadows=20, seed=2)
    sign = np.where(np.arange(2) == seen.labels[:, None], 0.5, -0.5)
    moved = Evidence(
        target=seen.target * scale + sign * shift,
        shadows=seen.shadows * scale + sign * shift,
        trained_on=seen.trained_on,
        labels=seen.labels,
    )
    attack = OnlineLiRA(pool_variance=pool)
    np.testing.assert_allclose(attack.score(moved), attack.score(seen), atol=1e-7)


def test_the_order_of_shadow_models_does_not_matter() -> None:
    """Shadow models are exchangeable."""
    seen, _ = gaussian_evidence(gap=1.0, examples=50, shadows=20)
    turned = Evidence(target=seen.target, shadows=seen.shadows[::-1], trained_on=seen.trained_on[::-1], labels=seen.labels)
    np.testing.assert_allclose(OnlineLiRA().score(turned), OnlineLiRA().score(seen), rtol=1e-9)


def test_exchanging_the_sides_turns_the_score() -> None:
    """With IN and OUT exchanged the score changes its sign: neither side is treated apart."""
    seen, _ = gaussian_evidence(gap=1.0, examples=50, shadows=20)
    turned = Evidence(target=seen.target, shadows=seen.shadows, trained_on=~seen.trained_on, labels=seen.labels)
    np.testing.assert_allclose(OnlineLiRA().score(turned), -OnlineLiRA().score(seen), rtol=1e-9)


@pytest.mark.parametrize("pool", [True, False])
def test_shadow_models_that_agree_give_finite_scores(*, pool: bool) -> None:
    """Shadow values without any spread (spike counts, saturated logits) give large scores, never NaN or infinity."""
    member = coins(9, 300, 0)
    rows = member.sum(axis=0) - member[0]
    member = member[:, (rows >= 2) & (rows <= 6)]
    seen, truth = evidence_of(np.where(member, 5.0, 3.0)[:, None], member)
    scores = OnlineLiRA(pool_variance=pool).score(seen)
    assert np.isfinite(scores).all()
    assert auc(scores, truth) == 1.0


def test_the_floor_tames_a_chance_agreement() -> None:
    """Two shadow values that nearly agree by chance must not decide an example with certainty."""
    member = np.repeat(np.array([True, True, True, False, False, True, False])[:, None], 50, axis=1)
    values = np.random.default_rng(0).normal(size=(7, 1, 50))
    values[1:3, 0, 0] = values[5, 0, 0] = 0.0
    seen, _ = evidence_of(values, member)
    free, floored = (np.abs(OnlineLiRA(pool_variance=False, sigma_floor=f).score(seen)) for f in (0.0, 0.5))
    assert free[0] > 1_000
    assert floored[0] < 20


def test_noise_leaks_nothing() -> None:
    """Without a gap the AUC is within four standard errors of one half, also with few shadow models."""
    for shadows in (8, 64):
        seen, member = gaussian_evidence(gap=0.0, examples=6_000, shadows=shadows, seed=shadows)
        judged = np.minimum(seen.trained_on.sum(axis=0), shadows - seen.trained_on.sum(axis=0)) >= 2
        scores = OnlineLiRA().score(seen.only(judged))
        assert abs(auc(scores, member[judged]) - 0.5) < 4 * np.sqrt(1 / (3 * judged.sum()))


def test_too_few_shadow_models_are_refused() -> None:
    """The message says how many are needed, how many examples have fewer, and the way out."""
    seen, _ = gaussian_evidence(gap=1.0, examples=5, shadows=8)
    rows = seen.trained_on.copy()
    rows[:] = (np.arange(8) % 2 == 0)[:, None]
    rows[:, 3] = np.arange(8) == 0
    short = Evidence(target=seen.target, shadows=seen.shadows, trained_on=rows, labels=seen.labels)
    expected = (
        "lira-online needs at least 2 shadow models trained with and 2 without each example; 1 of 5 examples have fewer among 8. "
        r"Train more shadow models \(--shadows\), or use attacks that need none"
    )
    with pytest.raises(ShadowBudgetError, match=expected):
        OnlineLiRA().score(short)


@pytest.mark.parametrize("floor", [-0.1, 1.5, float("nan")])
def test_a_floor_outside_its_range_is_refused(floor: float) -> None:
    """sigma_floor is a share."""
    with pytest.raises(RecipeError, match="sigma_floor needs 0 to 1"):
        OnlineLiRA(sigma_floor=floor)
