"""The budget is judged from the shadow models alone, and nothing is attacked that cannot be judged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_audit.attacks.budget import judged, require_budget, require_shadows
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.shadow_classifier import SHADOW_LOGISTIC
from mia_audit.attacks.thresholds import LOSS
from mia_audit.errors import EvidenceError, ShadowBudgetError
from mia_audit.statistics.roc import auc
from mia_audit.types import Evidence
from tests.support.gaussian import coins, gaussian_evidence


@given(st.integers(0, 40), st.integers(1, 30), st.integers(0, 5), st.integers(0, 99))
def test_judged_counts_both_sides(models: int, examples: int, need: int, seed: int) -> None:
    """An example is judged where as many models as needed were trained with it, and as many without."""
    trained_on = coins(models, examples, seed)
    slow = [sum(row[i] for row in trained_on) >= need and sum(not row[i] for row in trained_on) >= need for i in range(examples)]
    assert judged(trained_on, need).tolist() == slow


def test_the_neediest_attack_decides() -> None:
    """The audited examples are those that every attack can judge, with a model to spare a side where one rehearses."""
    trained_on = coins(12, 2_000, 0)
    attacks = (LOSS, OnlineLiRA(), SHADOW_LOGISTIC)
    np.testing.assert_array_equal(require_budget(trained_on, attacks), judged(trained_on, 2))
    np.testing.assert_array_equal(require_budget(trained_on, attacks, spare=1), judged(trained_on, 3))


def test_attacks_without_shadow_models_judge_everything() -> None:
    """A threshold needs no shadow model, so none is asked for, with or without rehearsals."""
    assert require_budget(np.zeros((0, 7), dtype=np.bool_), [LOSS], spare=1).tolist() == [True] * 7


def test_too_few_shadow_models_are_refused_with_numbers() -> None:
    """Below 90 % of the pool the audit is refused: numbers, reason, way out; at 90 % it runs on those it can judge."""
    trained_on = np.repeat(np.array([True, True, False, False])[:, None], 10, axis=1)
    trained_on[:, 0] = True
    assert require_budget(trained_on, [OnlineLiRA()]).tolist() == [False] + [True] * 9
    trained_on[:, 1] = False
    expected = (
        r"lira-online needs at least 2 shadow models trained with and 2 without each example; 2 of 10 examples have fewer among 4\. "
        r"Train more shadow models \(--shadows\), or use attacks that need none \(suite thresholds\)\."
    )
    with pytest.raises(ShadowBudgetError, match=expected):
        require_budget(trained_on, [OnlineLiRA()])
    with pytest.raises(ShadowBudgetError, match=r"at least 3 .* \(1 of them to rehearse as the target\); 10 of 10"):
        require_budget(trained_on, [OnlineLiRA()], spare=1)


def test_a_target_among_its_own_shadow_models_is_refused() -> None:
    """Published defect: target and shadow are one object. Here equal answers are an error."""
    seen, _ = gaussian_evidence(gap=1.0, examples=40, shadows=20)
    shadows = seen.shadows.copy()
    shadows[3] = seen.target
    with pytest.raises(EvidenceError, match="got one with the target's very answers; train shadow models with objects and seeds"):
        require_shadows(Evidence(target=seen.target, shadows=shadows, trained_on=seen.trained_on, labels=seen.labels), OnlineLiRA())


def test_dead_models_that_answer_alike_are_no_fraud() -> None:
    """Models that never learnt may all give the same constant; that is no sign of the target among its shadow models."""
    seen, _ = gaussian_evidence(gap=1.0, examples=40, shadows=20)
    dead = Evidence(target=seen.target * 0, shadows=seen.shadows * 0, trained_on=seen.trained_on, labels=seen.labels)
    require_shadows(dead, OnlineLiRA())


def test_shadow_models_that_share_the_targets_split_are_refused() -> None:
    """Published defect: shadow members are a subset of target members. Then no example is in for one model and out for another."""
    seen, member = gaussian_evidence(gap=1.0, examples=400, shadows=20)
    copied = Evidence(target=seen.target, shadows=seen.shadows, trained_on=np.repeat(member[None], 20, axis=0), labels=seen.labels)
    for attack in (OnlineLiRA(), SHADOW_LOGISTIC):
        with pytest.raises(ShadowBudgetError, match="400 of 400 examples have fewer"):
            attack.score(copied)


def leave_one_out(trained_on: np.ndarray, seed: int) -> float:
    """Return the mean AUC of LiRA on noise, each model as the target of the others."""
    phi = np.random.default_rng(seed).normal(size=(*trained_on.shape, 1))
    logits = np.stack([phi, -phi], axis=-1)[:, None, :, 0]
    labels = np.zeros(trained_on.shape[1], dtype=int)
    found = []
    for target in range(len(trained_on)):
        rest = np.arange(len(trained_on)) != target
        can = judged(trained_on[rest], 2)
        seen = Evidence(target=logits[target], shadows=logits[rest], trained_on=trained_on[rest], labels=labels).only(can)
        found.append(auc(OnlineLiRA(pool_variance=False).score(seen), trained_on[target, can]))
    return float(np.mean(found))


def test_balanced_designs_bias_leave_one_out_and_coins_do_not() -> None:
    """Each example in exactly half of 8 models: the others give the held-out one away (AUC 0.43 on noise). Coins: one half."""
    balanced = np.random.default_rng(0).permuted(np.repeat(np.arange(8) % 2 == 0, 2_000).reshape(8, 2_000), axis=0)
    assert leave_one_out(balanced, 1) < 0.45
    assert leave_one_out(coins(8, 2_000, 0), 1) == pytest.approx(0.5, abs=0.015)
