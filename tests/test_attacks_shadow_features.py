"""The shadow attack on features: the features themselves by hand, and trees fitted on shadow rows alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingClassifier

from mia_audit.attacks.shadow_features import SHADOW_FEATURES, features
from mia_audit.errors import RecipeError, ShadowBudgetError
from mia_audit.statistics.roc import auc
from tests.support.gaussian import coins, evidence_of, gaussian_evidence
from tests.support.planted import planted


def test_the_features_are_those_of_a_loop() -> None:
    """Posteriors in falling order, log p_y, phi, margin, correctness; each the mean over queries."""
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(2, 7, 12)), rng.integers(0, 12, 7)
    found = features(logits, labels)
    for i, label in enumerate(labels):
        rows = []
        for query in logits[:, i]:
            logp = log_softmax(query)
            others = np.delete(logp, label)
            odds = logp[label] - np.log(np.exp(others).sum())
            rows.append([*sorted(logp, reverse=True)[:10], logp[label], odds, logp[label] - others.max(), float(logp.argmax() == label)])
        np.testing.assert_allclose(found[i], np.mean(rows, axis=0), atol=1e-9)


def test_the_score_is_that_of_trees_fitted_on_every_row() -> None:
    """With both sides of equal size and all rows drawn, scores are scikit-learn's."""
    seen, _ = planted(1.0, examples=80, shadows=12)
    balanced = seen.trained_on.copy()
    balanced[1::2] = ~balanced[::2]
    rows = np.concatenate([features(logits, seen.labels) for logits in seen.shadows])
    fitted = HistGradientBoostingClassifier(max_iter=50, max_leaf_nodes=8, early_stopping=False, random_state=0)  # pyright: ignore[reportArgumentType]
    slow = fitted.fit(rows, balanced.ravel()).decision_function(features(seen.target, seen.labels))
    np.testing.assert_allclose(SHADOW_FEATURES.score(replace(seen, trained_on=balanced)), slow, atol=1e-2)


def test_auc_is_that_of_two_gaussians_in_either_direction() -> None:
    """Where all examples are alike the AUC is Phi(gap / sqrt 2), whether members are surer or less sure."""
    for gap in (1.2, -1.2):
        member = coins(9, 4_000, 0)
        seen, truth = evidence_of(np.random.default_rng(0).normal(size=(9, 1, 4_000)) + gap * member[:, None], member, classes=3)
        can = np.minimum(seen.trained_on.sum(axis=0), (~seen.trained_on).sum(axis=0)) >= 1
        assert auc(SHADOW_FEATURES.score(seen.only(can)), truth[can]) == pytest.approx(norm.cdf(1.2 / np.sqrt(2)), abs=0.025)


def test_the_names_of_wrong_classes_do_not_matter() -> None:
    """Posteriors are sorted: exchanging two classes everywhere changes nothing."""
    seen, _ = planted(1.0, examples=100, shadows=10)
    swap = np.array([2, 1, 0, 3])
    turned = replace(seen, target=seen.target[..., swap], shadows=seen.shadows[..., swap], labels=swap[seen.labels])
    np.testing.assert_allclose(replace(SHADOW_FEATURES, rows=200).score(turned), replace(SHADOW_FEATURES, rows=200).score(seen), atol=1e-9)


def test_what_cannot_be_fitted_is_refused() -> None:
    """Too few models, rows or trees."""
    seen, _ = gaussian_evidence(gap=1.0, examples=10, shadows=1)
    with pytest.raises(ShadowBudgetError, match="shadow-features needs at least 1"):
        SHADOW_FEATURES.score(seen)
    with pytest.raises(RecipeError, match="shadow-features: rows needs 2 or more, got 1"):
        replace(SHADOW_FEATURES, rows=1)
    with pytest.raises(RecipeError, match="shadow-features: trees needs 1 or more, got 0"):
        replace(SHADOW_FEATURES, trees=0)
