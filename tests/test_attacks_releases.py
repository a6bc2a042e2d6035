"""Several releases together: the ratio of all phi at once, the optimum where noise is independent, and a leak in a difference alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.gaussians import projected_log_ratio
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.observables import correct, log_likelihood, margin, phi
from mia_audit.attacks.releases import RELEASES_CLASSIFIER, RELEASES_LIRA, features
from mia_audit.errors import EvidenceError, RecipeError, ShadowBudgetError
from mia_audit.statistics.roc import auc
from mia_audit.types import Bools, Evidence, Floats
from tests.support.planted import planted
from tests.support.vectors import gaussian_vectors
from tests.test_attacks_signals import bare, by_phi, with_signal


def released(values: Floats, member: Bools) -> Evidence:
    """Return evidence whose phi is values [models, releases, examples]: the target's own first, the others as a signal."""
    seen = bare(member)
    logits = by_phi(values, seen)
    seen = replace(seen, target=logits[0, :, 0][None], shadows=logits[1:, :, 0][:, None])
    return with_signal("releases", logits[:, :, 1:], seen)


def test_the_ratio_is_of_all_releases_at_once() -> None:
    """With gaps 1.0, 0.5 and 0.5: Phi(sqrt(1.5 / 2)), above LiRA's on the target alone; scores are the projection's of all phi."""
    values, member = gaussian_vectors(np.array([1.0, 0.5, 0.5]), examples=5_000, shadows=64)
    seen = released(values, member)
    scores = RELEASES_LIRA.score(seen)
    np.testing.assert_allclose(scores, projected_log_ratio(values[0], values[1:], member[1:], 0.001), atol=1e-6)
    assert auc(scores, member[0]) == pytest.approx(norm.cdf(np.sqrt(1.5 / 2)), abs=0.02)
    assert auc(scores, member[0]) > auc(OnlineLiRA().score(seen), member[0]) + 0.02


@pytest.mark.parametrize("attack", [RELEASES_LIRA, RELEASES_CLASSIFIER], ids=lambda attack: attack.name)
def test_a_leak_in_the_difference_alone_is_found(attack: Attack) -> None:
    """Noise that both releases share hides what each says; what compression takes from members is seen when both are held."""
    values, member = gaussian_vectors(np.array([1.5, 0.0]), examples=2_000, shadows=24)
    values = values - values.mean(axis=0)
    shared = 3 * np.random.default_rng(1).normal(size=(25, 1, 2_000))
    can = np.minimum(member[1:].sum(axis=0), (~member[1:]).sum(axis=0)) >= 2
    seen = released(0.3 * values + shared, member).only(can)
    assert abs(auc(OnlineLiRA().score(seen), member[0, can]) - 0.5) < 0.06
    assert auc(attack.score(seen), member[0, can]) > 0.7


def test_the_order_of_releases_changes_nothing() -> None:
    """Whichever comes first, the log ratio is the same."""
    values, member = gaussian_vectors(np.array([1.0, 0.5, 0.2]), examples=500, shadows=24)
    turned = released(values[:, [0, 2, 1]], member)
    np.testing.assert_allclose(RELEASES_LIRA.score(turned), RELEASES_LIRA.score(released(values, member)), atol=1e-6)


def test_features_are_what_each_release_says() -> None:
    """By hand: phi, loss, margin, correctness of every release, then what phi loses from the target to each other one."""
    rng, labels = np.random.default_rng(0), np.array([0, 2, 1])
    own, others = rng.normal(size=(2, 3, 4)), rng.normal(size=(3, 2, 4))
    found = features(own, others, labels)
    for i in range(3):
        row = []
        for observe in (phi, log_likelihood, margin, correct):
            row.append(np.mean([observe(query[[i]], labels[[i]])[0] for query in own]))
            row += [observe(others[[i], release], labels[[i]])[0] for release in range(2)]
        np.testing.assert_allclose(found[i], [*row, row[1] - row[0], row[2] - row[0]])


def test_what_it_cannot_do_is_refused() -> None:
    """Missing releases, too few shadow models, parameters out of range: one line each."""
    seen, _ = planted(1.0, examples=60)
    with pytest.raises(EvidenceError, match="releases-lira needs releases; the evidence offers"):
        RELEASES_LIRA.score(replace(seen, signals={}))
    with pytest.raises(ShadowBudgetError, match="releases-lira needs at least 2 shadow models"):
        RELEASES_LIRA.score(seen.with_shadows(np.arange(2)))
    with pytest.raises(RecipeError, match="releases-lira: ridge needs 0 or more, got -1"):
        replace(RELEASES_LIRA, ridge=-1.0)
    with pytest.raises(RecipeError, match="releases-classifier: trees needs 1 or more, got 0"):
        replace(RELEASES_CLASSIFIER, trees=0)
    with pytest.raises(RecipeError, match="releases-classifier: rows needs 2 or more, got 1"):
        replace(RELEASES_CLASSIFIER, rows=1)
