"""Quantile regression: honest about its false positive rate whatever the regression is worth, and better where inputs tell ease."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingRegressor

from mia_audit.attacks.observables import phi
from mia_audit.attacks.quantile import QuantileRegression, honest_quantile
from mia_audit.attacks.thresholds import LOSS
from mia_audit.errors import EvidenceError, RecipeError
from mia_audit.statistics.roc import auc
from mia_audit.streams import stream
from mia_audit.types import Bools, Evidence, Floats, PopulationData
from tests.support.gaussian import evidence_of


def told(*, examples: int = 4_000, outside: int = 4_000, gap: float = 1.0, spread: float = 3.0, seed: int = 0) -> tuple[Evidence, Bools]:
    """Return evidence without shadow models in which the first feature tells an example's ease, and the second nothing."""
    rng = np.random.default_rng(seed)
    features, member = rng.normal(size=(examples + outside, 2)), rng.random(examples) < 0.5
    values = spread * features[:, 0] + rng.normal(size=examples + outside)
    values[:examples] += gap * member
    seen, _ = evidence_of(values[None, None, :examples], member[None])
    third, _ = evidence_of(values[None, None, examples:], np.zeros((1, outside), dtype=np.bool_), seed=seed + 1)
    pool = PopulationData(target=third.target, shadows=third.shadows, labels=third.labels, features=features[examples:])
    return replace(seen, population=pool, features=features[:examples]), member


def slow(seen: Evidence, attack: QuantileRegression) -> Floats:
    """Return the same three regressions, split and calibration written out."""
    pool = seen.population
    assert pool is not None
    assert pool.features is not None
    assert seen.features is not None
    n = pool.labels.size
    order = stream(attack.seed, "split of the third pool").permutation(n)
    inside, left = order[: n // 2], order[n // 2 :]
    z = np.hstack([pool.features, np.eye(seen.classes)[pool.labels]])
    x = np.hstack([seen.features, np.eye(seen.classes)[seen.labels]])
    values = phi(pool.target, pool.labels).mean(axis=0)
    chosen: Any = {"loss": "quantile", "max_iter": attack.trees, "max_leaf_nodes": 8, "early_stopping": False, "random_state": 0}
    models = [HistGradientBoostingRegressor(quantile=q, **chosen).fit(z[inside], values[inside]) for q in (0.25, 0.5, 0.75)]
    floor = 0.1 * np.subtract(*np.quantile(values[inside], [0.75, 0.25]))

    def standing(inputs: Floats, at: Floats) -> Floats:
        low, middle, high = np.sort([model.predict(inputs) for model in models], axis=0)
        return (at - middle) / np.maximum(high - low, floor)

    held = np.sort(standing(z[left], values[left]))
    bar = held[int(np.ceil((1 - attack.alpha) * (left.size + 1))) - 1]
    return standing(x, phi(seen.target, seen.labels).mean(axis=0)) - bar


def test_the_score_is_the_slow_one() -> None:
    """The same regressions, split and calibration give the same scores."""
    seen, _ = told(examples=60, outside=200)
    attack = QuantileRegression(alpha=0.2, trees=10)
    np.testing.assert_allclose(attack.score(seen), slow(seen, attack), atol=1e-9)


@pytest.mark.parametrize("trees", [1, 200])
def test_the_promised_false_positive_rate_is_kept(trees: int) -> None:
    """Scores above 0 are at most alpha of the non-members, for a poor regression and for an overfitted one alike."""
    rates = []
    for seed in range(8):
        seen, member = told(examples=1_000, outside=300, seed=seed)
        rates.append(np.mean(QuantileRegression(alpha=0.1, trees=trees, seed=seed).score(seen)[~member] > 0))
    assert np.mean(rates) == pytest.approx(0.1, abs=0.025)


def test_auc_comes_near_that_of_known_ease() -> None:
    """With enough outside examples the regression knows the ease: near Phi(gap / sqrt 2), where the loss sees almost nothing."""
    seen, member = told()
    best = norm.cdf(1 / np.sqrt(2))
    assert best - 0.05 < auc(QuantileRegression().score(seen), member) < best + 0.015
    assert auc(LOSS.score(seen), member) < best - 0.1


def test_a_tiny_third_pool_leaves_the_order_of_the_loss() -> None:
    """With nothing to learn from, the quartiles are constants and the score ranks by phi."""
    seen, _ = told(examples=100, outside=6)
    np.testing.assert_array_equal(np.argsort(QuantileRegression().score(seen)), np.argsort(LOSS.score(seen)))
    one = told(examples=5, outside=1)[0]
    assert np.isfinite(QuantileRegression().score(one)).all()


def test_units_of_the_inputs_do_not_matter() -> None:
    """Trees split by order: scaled inputs give the same scores."""
    seen, _ = told(examples=100, outside=300)
    pool = seen.population
    assert pool is not None
    assert pool.features is not None
    assert seen.features is not None
    scaled = replace(seen, features=4 * seen.features, population=replace(pool, features=4 * pool.features))
    np.testing.assert_allclose(QuantileRegression().score(scaled), QuantileRegression().score(seen), atol=1e-9)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=50), st.floats(0.01, 0.99))
def test_the_honest_quantile_counts_the_newcomer(scores: list[float], alpha: float) -> None:
    """At most floor(alpha (n + 1)) of n scores exceed it; with too few scores it is their largest."""
    values = np.array(scores)
    above = np.sum(values > honest_quantile(values, alpha))
    assert above <= alpha * (values.size + 1) + 1e-9


def test_what_is_missing_is_refused() -> None:
    """It needs both the inputs and population data."""
    seen, _ = told(examples=20, outside=20)
    with pytest.raises(EvidenceError, match="quantile-regression needs population; the evidence offers features"):
        QuantileRegression().score(replace(seen, population=None))
    with pytest.raises(EvidenceError, match="quantile-regression needs features"):
        QuantileRegression().score(replace(seen, features=None))
    with pytest.raises(RecipeError, match="alpha needs a share between 0 and 1, got 1"):
        QuantileRegression(alpha=1)
    with pytest.raises(RecipeError, match="quantile-regression: trees needs 1 or more"):
        QuantileRegression(trees=0)
