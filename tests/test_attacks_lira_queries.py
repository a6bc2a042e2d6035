"""LiRA on several queries: SciPy's multivariate Gaussian, and LiRA itself where there is one query."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.lira_queries import MultiQueryLiRA
from mia_audit.attacks.observables import phi
from mia_audit.errors import EvidenceError, RecipeError, ShadowBudgetError
from mia_audit.statistics.roc import auc
from tests.support.gaussian import coins, evidence_of, gaussian_evidence


def test_the_score_is_the_slow_one() -> None:
    """Vectorised scores equal SciPy's densities, example by example, with queries that differ in spread and go together."""
    rng, member = np.random.default_rng(0), coins(15, 60, 0)
    noise = rng.normal(size=(15, 1, 60)) + rng.normal(size=(15, 3, 60)) * np.array([0.5, 1.0, 2.0])[:, None]
    seen, _ = evidence_of(noise + member[:, None], member)
    target, shadow = phi(seen.target, seen.labels), np.array([phi(logits, seen.labels) for logits in seen.shadows])
    slow = np.zeros(60)
    for sign, side in ((1, seen.trained_on), (-1, ~seen.trained_on)):
        vectors = [shadow[side[:, i], :, i] for i in range(60)]
        together = sum((v - v.mean(axis=0)).T @ (v - v.mean(axis=0)) for v in vectors) / sum(len(v) - 1 for v in vectors)
        together = together + 0.01 * np.trace(together) / 3 * np.eye(3)
        slow += [sign * multivariate_normal.logpdf(target[:, i], v.mean(axis=0), together) for i, v in enumerate(vectors)]
    np.testing.assert_allclose(MultiQueryLiRA(ridge=0.01).score(seen), slow, atol=1e-9)


def test_queries_that_say_the_same_count_once() -> None:
    """A query asked twice adds nothing: the scores stay those of LiRA on one."""
    seen, _ = gaussian_evidence(gap=1.0, examples=80, shadows=16)
    twice = replace(seen, target=np.repeat(seen.target, 2, axis=0), shadows=np.repeat(seen.shadows, 2, axis=1))
    np.testing.assert_allclose(MultiQueryLiRA(ridge=1e-9).score(twice), OnlineLiRA().score(seen), rtol=1e-4, atol=1e-4)


def test_independent_queries_add_up() -> None:
    """With q independent unit Gaussians `gap` apart the optimal AUC is Phi(gap sqrt(q / 2))."""
    seen, member = gaussian_evidence(gap=1.0, examples=8_000, shadows=96, queries=4)
    assert auc(MultiQueryLiRA().score(seen), member) == pytest.approx(norm.cdf(np.sqrt(4 / 2)), abs=0.015)


def test_a_query_that_only_cancels_noise_is_worth_having() -> None:
    """Noise that two queries share is subtracted: averaging them, as LiRA does, sees less."""
    rng, member = np.random.default_rng(0), coins(33, 4_000, 0)
    shared = rng.normal(size=(33, 4_000))
    values = np.stack([shared + member + 0.3 * rng.normal(size=member.shape), shared + 0.3 * rng.normal(size=member.shape)], axis=1)
    seen, truth = evidence_of(values, member)
    assert auc(MultiQueryLiRA().score(seen), truth) > auc(OnlineLiRA().score(seen), truth) + 0.15


def test_the_order_of_queries_does_not_matter() -> None:
    """Queries are a set."""
    seen, _ = gaussian_evidence(gap=1.0, examples=40, shadows=16, queries=3)
    turned = replace(seen, target=seen.target[::-1], shadows=seen.shadows[:, ::-1])
    np.testing.assert_allclose(MultiQueryLiRA().score(turned), MultiQueryLiRA().score(seen), atol=1e-9)


def test_one_query_is_refused() -> None:
    """That is what LiRA is for."""
    seen, _ = gaussian_evidence(gap=1.0, examples=10, shadows=16)
    with pytest.raises(EvidenceError, match="lira-queries needs queries; the evidence offers shadows"):
        MultiQueryLiRA().score(seen)
    short, _ = gaussian_evidence(gap=1.0, examples=10, shadows=2, queries=2)
    with pytest.raises(ShadowBudgetError, match="lira-queries needs at least 2"):
        MultiQueryLiRA().score(short)
    with pytest.raises(RecipeError, match="ridge needs 0 to 1, got -1"):
        MultiQueryLiRA(ridge=-1)
