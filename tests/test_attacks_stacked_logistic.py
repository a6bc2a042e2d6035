"""Stacked logistic regression: nine statistics by hand, scikit-learn's regression, the optimum, and nothing of the target in the fit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mia_audit.attacks.lira_shared_gap import SharedGapLiRA, shared
from mia_audit.attacks.nearly_one import unspread
from mia_audit.attacks.observables import phi
from mia_audit.attacks.stacked_logistic import StackedLogistic, statistics
from mia_audit.errors import EvidenceError, RecipeError
from mia_audit.statistics.roc import auc
from mia_audit.types import Floats, Ints
from tests.support.gaussian import gaussian_evidence


def phis(seen_logits: Floats, labels: Ints) -> Floats:
    """Return phi of models' logits [models, 1, examples, classes]."""
    return np.stack([phi(logits[0], labels) for logits in seen_logits])


def test_the_statistics_are_what_they_are_called() -> None:
    """By hand, example by example; where a side has no model, level and gap stand in."""
    seen, _ = gaussian_evidence(gap=1.0, examples=40, shadows=4)
    target, shadow = phi(seen.target[0], seen.labels), phis(seen.shadows, seen.labels)
    found = statistics(target, shadow, seen.trained_on)
    p, q = 1 / (1 + np.exp(-target)), 1 / (1 + np.exp(-shadow))
    np.testing.assert_allclose(found[:, 0], SharedGapLiRA().score(seen), atol=1e-9)
    np.testing.assert_allclose(unspread(found[:, 1]), np.log(p / q.mean(axis=0)), atol=1e-9)
    known, bare = shared(shadow, seen.trained_on), 0
    assert (known.gap > 0.2).all()
    for i in range(40):
        inside, outside = (shadow[side[:, i], i] for side in (seen.trained_on, ~seen.trained_on))
        if not (len(inside) and len(outside)):
            bare += 1
            stand_in = known.level[i] if len(inside) else known.level[i] + known.gap[i]
            assert found[i, 4 if not len(inside) else 5] == pytest.approx(target[i] - stand_in)
            continue
        mean = shadow[:, i].mean()
        by_hand = [
            target[i],
            target[i] - mean,
            target[i] - inside.mean(),
            target[i] - outside.mean(),
            mean,
            shadow[:, i].std(),
            np.log(p[i]),
        ]
        np.testing.assert_allclose(found[i, 2:], by_hand, atol=1e-9)
    assert 0 < bare < 20
    assert np.isfinite(found).all()


def test_the_score_is_scikit_learns() -> None:
    """Every turn against the others, all rows of the rarer side, standardised, with the penalty of so many models."""
    seen, _ = gaussian_evidence(gap=1.0, examples=120, shadows=6)
    shadow, rows, member = phis(seen.shadows, seen.labels), [], []
    for k in range(6):
        others = [j for j in range(6) if j != k]
        rows.append(statistics(shadow[k], shadow[others], seen.trained_on[others]))
        member.append(seen.trained_on[k])
    table, truth = np.concatenate(rows), np.concatenate(member)
    fitted = LogisticRegression(C=(6 / 40) ** 2, max_iter=1_000)
    scaler = StandardScaler().fit(table)
    fitted.fit(scaler.transform(table), truth)
    expected = fitted.decision_function(scaler.transform(statistics(phi(seen.target[0], seen.labels), shadow, seen.trained_on)))
    scores = StackedLogistic().score(seen)
    assert np.corrcoef(scores, expected)[0, 1] > 0.999  # a few rows of the commoner side are left out of the draw
    assert np.abs(scores - expected).max() < 0.15


@pytest.mark.parametrize("shadows", [4, 16])
def test_it_reaches_the_optimum(shadows: int) -> None:
    """With a gap that all share nothing beats the likelihood ratio, and what is learnt does not fall behind it."""
    seen, member = gaussian_evidence(gap=1.0, examples=8_000, shadows=shadows)
    assert auc(StackedLogistic().score(seen), member) == pytest.approx(norm.cdf(1 / np.sqrt(2 * (1 + 1 / shadows))), abs=0.015)


def test_nothing_of_the_target_enters_the_fit() -> None:
    """Other answers of the target to half of the examples leave the scores of the other half as they are, to the bit."""
    seen, _ = gaussian_evidence(gap=1.0, examples=400, shadows=6)
    other = seen.target.copy()
    other[:, :200] = -5 * other[:, :200] + 7
    before, after = StackedLogistic().score(seen), StackedLogistic().score(replace(seen, target=other))
    np.testing.assert_array_equal(after[200:], before[200:])
    assert (after[:200] != before[:200]).all()


def test_a_turns_own_model_is_none_of_its_references() -> None:
    """Coins that say nothing give scores that say nothing: a model among its own references would be found again on every turn."""
    rng = np.random.default_rng(0)
    seen, member = gaussian_evidence(gap=0.0, examples=4_000, shadows=5)
    assert abs(auc(StackedLogistic().score(seen), member) - 0.5) < 0.03
    shuffled = replace(seen, trained_on=rng.random(seen.trained_on.shape) < 0.5)
    assert np.abs(StackedLogistic().score(shuffled)).max() < 0.5  # log odds near 0: nothing was learnt


@given(st.permutations(range(6)))
@settings(deadline=None, max_examples=8)
def test_the_order_of_models_does_not_matter(order: list[int]) -> None:
    """Where every model takes a turn; rows are the same, in another order."""
    seen, _ = gaussian_evidence(gap=1.0, examples=150, shadows=6)
    np.testing.assert_allclose(StackedLogistic().score(seen.with_shadows(np.array(order))), StackedLogistic().score(seen), atol=0.15)


def test_two_shadow_models_teach_nothing() -> None:
    """Then the first statistic is the score."""
    seen, _ = gaussian_evidence(gap=1.0, examples=100, shadows=2)
    np.testing.assert_allclose(StackedLogistic().score(seen), SharedGapLiRA().score(seen), atol=1e-12)


def test_what_it_cannot_do_is_refused() -> None:
    """No shadow models, a target among them, and parameters out of range."""
    seen, _ = gaussian_evidence(gap=1.0, examples=20, shadows=4)
    with pytest.raises(EvidenceError, match="stacked-logistic needs shadows; the evidence offers logits alone"):
        StackedLogistic().score(seen.with_shadows(np.zeros(0, dtype=int)))
    with pytest.raises(EvidenceError, match="stacked-logistic needs shadow models other than the target"):
        StackedLogistic().score(replace(seen, target=seen.shadows[2]))
    for parameter, least in (("turns", 1), ("rows", 2), ("cost", 1e-06)):
        with pytest.raises(RecipeError, match=f"stacked-logistic: {parameter} needs {least:g} or more, got 0"):
            StackedLogistic(**{parameter: 0})
