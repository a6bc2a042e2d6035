"""Attacks R and difficulty calibration: what models without the example say of it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import norm

from mia_audit.attacks.nearly_one import spread_values
from mia_audit.attacks.observables import phi
from mia_audit.attacks.references import AttackR, DifficultyCalibration
from mia_audit.errors import ShadowBudgetError
from mia_audit.statistics.roc import auc
from mia_audit.types import Evidence, Floats
from tests.support.gaussian import gaussian_evidence


def losses(logits: Floats, seen: Evidence) -> Floats:
    """Return the cross-entropy of one model by SciPy, averaged over queries."""
    return -log_softmax(logits, axis=-1)[:, np.arange(seen.examples), seen.labels].mean(axis=0)


def test_calibration_is_the_slow_one() -> None:
    """Mean loss of the models without the example, less the target's loss, small differences drawn out."""
    seen, _ = gaussian_evidence(gap=1.0, examples=60, shadows=12, classes=4, queries=2)
    target, shadow = losses(seen.target, seen), np.array([losses(logits, seen) for logits in seen.shadows])
    slow = [shadow[~seen.trained_on[:, i], i].mean() - target[i] for i in range(60)]
    np.testing.assert_allclose(DifficultyCalibration().score(seen), spread_values(np.array(slow)), atol=1e-9)


def test_attack_r_has_the_papers_levels() -> None:
    """Scores of one example group by how many of its models find it harder; between groups the share decides."""
    seen, _ = gaussian_evidence(gap=1.0, examples=400, shadows=9)
    seen = replace(seen, trained_on=np.zeros_like(seen.trained_on))
    target, shadow = phi(seen.target, seen.labels)[0], np.array([phi(logits, seen.labels)[0] for logits in seen.shadows])
    share, scores = (shadow < target).mean(axis=0), AttackR().score(seen)
    assert np.abs(scores - (9 * share + 0.5) / 10).max() < 0.25 / 10
    for lower, upper in zip(np.unique(share)[:-1], np.unique(share)[1:], strict=True):
        assert scores[share == lower].max() < scores[share == upper].min()
    assert len(np.unique(scores)) == 400


def test_ties_count_half() -> None:
    """A target that answers as its reference models do is as hard as they find it: one half."""
    seen, _ = gaussian_evidence(gap=1.0, examples=5, shadows=4)
    same = replace(seen, shadows=np.repeat(seen.target[None], 4, axis=0), trained_on=np.zeros_like(seen.trained_on))
    np.testing.assert_allclose(AttackR().score(same), 0.5)


def test_auc_is_that_of_two_gaussians() -> None:
    """With many models both know each example's ease: Phi(gap / sqrt 2)."""
    seen, member = gaussian_evidence(gap=1.0, examples=10_000, shadows=96)
    assert auc(AttackR().score(seen), member) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.02)
    hard = replace(seen, target=seen.target - 12 * np.eye(2)[seen.labels], shadows=seen.shadows - 12 * np.eye(2)[seen.labels])
    assert auc(DifficultyCalibration().score(hard), member) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.02)


def test_models_that_saw_the_example_do_not_matter() -> None:
    """Whatever IN models answer, the scores stay."""
    seen, _ = gaussian_evidence(gap=1.0, examples=60, shadows=12)
    seen = seen.only(np.flatnonzero(~seen.trained_on.all(axis=0)))
    other = np.where(seen.trained_on[:, None, :, None], 5.0, seen.shadows)
    for attack in (AttackR(), DifficultyCalibration()):
        np.testing.assert_array_equal(attack.score(replace(seen, shadows=other)), attack.score(seen))


@pytest.mark.parametrize("attack", [AttackR(), DifficultyCalibration()], ids=lambda attack: attack.name)
def test_an_example_that_was_never_out_is_refused(attack: AttackR | DifficultyCalibration) -> None:
    """There is nothing to compare with."""
    seen, _ = gaussian_evidence(gap=1.0, examples=20, shadows=12)
    rows = seen.trained_on.copy()
    rows[:, 3] = True
    with pytest.raises(ShadowBudgetError, match=f"{attack.name} needs a shadow model trained without each example; 1 of 20"):
        attack.score(replace(seen, trained_on=rows))
