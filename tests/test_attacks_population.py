"""Attack P: the share of known non-members that the target finds harder."""

from dataclasses import replace

import numpy as np
import pytest

from mia_audit.attacks.observables import phi
from mia_audit.attacks.population import AttackP
from mia_audit.attacks.thresholds import LOSS
from mia_audit.errors import EvidenceError
from mia_audit.statistics.roc import auc
from tests.support.gaussian import gaussian_evidence, with_third_pool


def test_the_score_is_the_share_counted_one_by_one() -> None:
    """Each score lies at its share of the population data, within a quarter of a step."""
    seen = with_third_pool(gaussian_evidence(gap=1.0, examples=100, shadows=1, queries=2)[0], size=30)
    pool = seen.population
    assert pool is not None
    target, outside = phi(seen.target, seen.labels).mean(axis=0), phi(pool.target, pool.labels).mean(axis=0)
    slow = [(sum(z < x for z in outside) + 0.5 * sum(z == x for z in outside) + 0.5) / 31 for x in target]
    assert np.abs(AttackP().score(seen) - slow).max() < 0.25 / 31


def test_one_minus_the_score_is_a_p_value() -> None:
    """On non-members like the population data the share is uniform: the false positive rate is the threshold's promise."""
    seen, member = gaussian_evidence(gap=1.0, examples=20_000, shadows=1)
    scores = AttackP().score(with_third_pool(seen, size=20_000))
    for alpha in (0.5, 0.1, 0.01):
        assert np.mean(scores[~member] > 1 - alpha) == pytest.approx(alpha, abs=3.5 * np.sqrt(alpha / 10_000))


def test_it_ranks_as_the_loss_does() -> None:
    """One threshold for all: the population data sets the scale and no order, however small it is."""
    seen, member = gaussian_evidence(gap=1.0, examples=500, shadows=1)
    scores = [AttackP().score(with_third_pool(seen, size=size)) for size in (1, 7, 400)]
    for found in scores:
        np.testing.assert_array_equal(np.argsort(found, kind="stable"), np.argsort(LOSS.score(seen), kind="stable"))
        assert auc(found, member) == auc(LOSS.score(seen), member)


def test_saturated_confidence_keeps_its_order() -> None:
    """Where the probability rounds to 1, phi still tells examples apart."""
    seen = with_third_pool(gaussian_evidence(gap=1.0, examples=50, shadows=1)[0])
    sure = replace(seen, target=1e3 * seen.target)
    assert len(np.unique(AttackP().score(sure))) == 50


def test_without_a_third_pool_it_refuses() -> None:
    """Then there is no promise to make."""
    with pytest.raises(EvidenceError, match="attack-p needs population"):
        AttackP().score(gaussian_evidence(gap=1.0, examples=5, shadows=1)[0])
