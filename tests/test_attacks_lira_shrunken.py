"""Shrunken LiRA: Student densities under an estimated prior, between the pooled and the per-example attack."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from mia_audit.attacks.gaussians import moments
from mia_audit.attacks.lira import OnlineLiRA, PerExampleLiRA
from mia_audit.attacks.lira_shrunken import ShrunkenLiRA, prior
from mia_audit.attacks.observables import phi
from mia_audit.errors import RecipeError, ShadowBudgetError
from mia_audit.statistics.roc import auc
from mia_audit.types import Bools, Evidence, Floats
from tests.support.gaussian import coins, evidence_of, gaussian_evidence


def uneven(*, examples: int, shadows: int, spread: float, gap: float = 1.0, seed: int = 0) -> tuple[Evidence, Bools]:
    """Return evidence in which every example has a spread of its own, log-normal around 1."""
    rng, member = np.random.default_rng(seed), coins(1 + shadows, examples, seed)
    sigma = np.exp(spread * rng.normal(size=examples))
    seen, truth = evidence_of((sigma * rng.normal(size=member.shape) + gap * member)[:, None], member)
    can = np.minimum(seen.trained_on.sum(axis=0), (~seen.trained_on).sum(axis=0)) >= 2
    return seen.only(can), truth[can]


def slow(seen: Evidence) -> Floats:
    """Return the log ratio of SciPy's Student densities with location and scale, example by example."""
    target = phi(seen.target, seen.labels).mean(axis=0)
    shadow = np.array([phi(logits, seen.labels).mean(axis=0) for logits in seen.shadows])
    total = np.zeros(seen.examples)
    for sign, side in ((1, seen.trained_on), (-1, ~seen.trained_on)):
        degrees, variance = prior(moments(shadow, side), 1_000.0)
        for i in range(seen.examples):
            values = shadow[side[:, i], i]
            n = values.size
            squares = ((values - values.mean()) ** 2).sum()
            scale = np.sqrt((degrees * variance + squares) / (degrees + n - 1) * (1 + 1 / n))
            total[i] += sign * student.logpdf(target[i], degrees + n - 1, loc=values.mean(), scale=scale)
    return total


def test_the_score_is_the_slow_one() -> None:
    """Vectorised scores equal those of a loop over examples."""
    seen, _ = uneven(examples=60, shadows=12, spread=0.7)
    np.testing.assert_allclose(ShrunkenLiRA().score(seen), slow(seen), atol=1e-9)


@pytest.mark.parametrize("degrees", [3.0, 8.0, 30.0])
def test_the_prior_is_found_again(degrees: float) -> None:
    """Variances drawn from a scaled inverse chi-square of known weight and centre give both back."""
    rng = np.random.default_rng(0)
    sigma = np.sqrt(4.0 * degrees / rng.chisquare(degrees, 40_000))
    values = sigma * rng.normal(size=(10, 40_000))
    worth, variance = prior(moments(values, np.ones_like(values, dtype=np.bool_)), 1_000.0)
    assert worth == pytest.approx(degrees, rel=0.15)
    assert variance == pytest.approx(4.0, rel=0.05)


def test_equal_spreads_are_pooled() -> None:
    """Where all examples have one spread, the prior outweighs every example, and the AUC is that of two Gaussians."""
    seen, member = gaussian_evidence(gap=1.0, examples=20_000, shadows=64)
    assert prior(moments(phi(seen.shadows[:, 0], seen.labels), seen.trained_on), 1_000.0)[0] > 150
    assert auc(ShrunkenLiRA().score(seen), member) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.012)


def test_it_loses_to_neither_extreme() -> None:
    """With few models and uneven spreads, pooling everything or nothing costs more than shrinking."""
    seen, member = uneven(examples=20_000, shadows=12, spread=0.8)
    shrunken, pooled, own = (auc(attack.score(seen), member) for attack in (ShrunkenLiRA(), OnlineLiRA(), PerExampleLiRA()))
    assert shrunken > max(pooled, own) + 0.005


def test_the_per_example_attack_is_lira_without_pooling() -> None:
    """Its card is a choice of LiRA's parameters, the paper's."""
    seen, _ = uneven(examples=60, shadows=12, spread=0.7)
    np.testing.assert_array_equal(PerExampleLiRA(sigma_floor=0.2).score(seen), OnlineLiRA(pool_variance=False, sigma_floor=0.2).score(seen))


def test_units_do_not_matter() -> None:
    """A common scale of every phi cancels in the ratio."""
    seen, _ = uneven(examples=60, shadows=12, spread=0.7)
    moved = replace(seen, target=3 * seen.target, shadows=3 * seen.shadows)
    np.testing.assert_allclose(ShrunkenLiRA().score(moved), ShrunkenLiRA().score(seen), atol=1e-7)


def test_one_model_a_side_is_refused() -> None:
    """A spread needs two values."""
    seen, _ = gaussian_evidence(gap=1.0, examples=10, shadows=2)
    with pytest.raises(ShadowBudgetError, match="lira-shrunken needs at least 2"):
        ShrunkenLiRA().score(seen)
    with pytest.raises(ShadowBudgetError, match="lira-per-example needs at least 2"):
        PerExampleLiRA().score(seen)
    with pytest.raises(RecipeError, match="most_degrees needs 1 or more, got 0"):
        ShrunkenLiRA(most_degrees=0)
    with pytest.raises(RecipeError, match="sigma_floor needs 0 to 1, got 2"):
        PerExampleLiRA(sigma_floor=2)
