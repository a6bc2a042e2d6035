"""Threshold attacks: each score is the paper's formula, and its direction is the paper's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import norm

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.thresholds import (
    CONFIDENCE,
    CORRECTNESS,
    ENTROPY,
    LOSS,
    MARGIN,
    MODIFIED_ENTROPY,
)
from mia_audit.errors import EvidenceError
from mia_audit.statistics.roc import auc
from mia_audit.types import Evidence, Floats
from tests.support.gaussian import coins, evidence_of


def seen(logits: Floats, labels: list[int]) -> Evidence:
    """Return evidence without shadow models, [queries, examples, classes]."""
    logits = np.asarray(logits, dtype=np.float64)
    return Evidence(
        target=logits,
        shadows=np.zeros((0, *logits.shape)),
        trained_on=np.zeros((0, logits.shape[1]), dtype=np.bool_),
        labels=np.array(labels),
    )


def slow(attack: Attack, p: Floats, label: int) -> float:
    """Return the score of one probability vector, as the paper writes it."""
    others = [q for i, q in enumerate(p) if i != label]
    formulas = {
        "loss": np.log(p[label]),
        "confidence": np.log(max(p)),
        "entropy": sum(q * np.log(q) for q in p),
        "modified-entropy": (1 - p[label]) * np.log(p[label]) + sum(q * np.log(1 - q) for q in others),
        "margin": np.log(p[label] / max(others)),
        "correctness": float(max(p) == p[label]),
    }
    return float(formulas[attack.name])


THRESHOLDS: list[Attack] = [
    LOSS,
    CONFIDENCE,
    ENTROPY,
    MODIFIED_ENTROPY,
    MARGIN,
    CORRECTNESS,
]


@pytest.mark.parametrize("attack", THRESHOLDS, ids=lambda attack: attack.name)
def test_a_score_is_its_papers_formula(attack: Attack) -> None:
    """Scores are the formulas on the softmax, averaged over queries; losses and entropies by their logs."""
    logits, labels = np.random.default_rng(0).normal(size=(3, 20, 4)) * 2, [0, 1, 2, 3] * 5
    by_hand = [np.mean([slow(attack, softmax(logits[q, i]), labels[i]) for q in range(3)]) for i in range(20)]
    logs = attack.name not in ("margin", "correctness")
    np.testing.assert_allclose(attack.score(seen(logits, labels)), -np.log(-np.array(by_hand)) if logs else by_hand, rtol=1e-9)


@pytest.mark.parametrize("attack", THRESHOLDS, ids=lambda attack: attack.name)
def test_a_surer_right_answer_looks_more_like_a_member(attack: Attack) -> None:
    """Logits (4, 0, 0) with label 0 score above (0.5, 0, 0.6): no attack has its sign or direction turned."""
    scores = attack.score(seen(np.array([[[4.0, 0, 0], [0.5, 0, 0.6]]]), [0, 0]))
    assert scores[0] > scores[1]


def test_a_confident_wrong_answer_is_no_member() -> None:
    """Entropy and confidence cannot tell right from wrong; modified entropy, loss and margin can: that is what it was made for."""
    right_and_wrong = seen(np.array([[[9.0, 0, 0], [0, 9.0, 0]]]), [0, 0])
    for attack in (ENTROPY, CONFIDENCE):
        right, wrong = attack.score(right_and_wrong)
        assert right == pytest.approx(wrong)
    for attack in (MODIFIED_ENTROPY, LOSS, MARGIN, CORRECTNESS):
        right, wrong = attack.score(right_and_wrong)
        assert right > wrong + 0.5


@pytest.mark.parametrize("attack", [LOSS, MARGIN], ids=lambda attack: attack.name)
def test_auc_is_the_one_of_two_gaussians(attack: Attack) -> None:
    """Where phi is Gaussian and members' is `gap` further up, the AUC is Phi(gap / sqrt 2)."""
    member = coins(1, 40_000, 3)
    phi = np.random.default_rng(1).normal(size=(1, 1, 40_000)) + 1.0 * member[:, None]
    evidence, truth = evidence_of(phi, member)
    assert auc(attack.score(evidence), truth) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.01)


def test_correctness_reaches_half_the_gap_above_a_coin() -> None:
    """With accuracies 1 and 0.6 the AUC is 1/2 + (1 - 0.6) / 2."""
    logits, labels = np.zeros((1, 20, 2)), [0] * 20
    logits[0, :, 0] = [1.0] * 10 + [1.0] * 6 + [-1.0] * 4
    assert auc(CORRECTNESS.score(seen(logits, labels)), np.arange(20) < 10) == pytest.approx(0.7)


@pytest.mark.parametrize("attack", THRESHOLDS, ids=lambda attack: attack.name)
@given(shift=st.floats(-40, 40), seed=st.integers(0, 99))
def test_scores_do_not_see_a_shift_of_the_logits(attack: Attack, shift: float, seed: int) -> None:
    """A constant added to all logits of a model leaves every score as it was."""
    logits, labels = np.random.default_rng(seed).normal(size=(1, 6, 3)), [0, 1, 2, 0, 1, 2]
    np.testing.assert_allclose(attack.score(seen(logits + shift, labels)), attack.score(seen(logits, labels)), atol=1e-9)


def test_saturated_predictions_are_still_ranked() -> None:
    """Logit gaps of 40, 80 and 700 all have p = 1 in floating point; the scores still tell them apart."""
    logits = np.array([[[40.0, 0], [80.0, 0], [700.0, 0]]])
    for attack in (LOSS, CONFIDENCE, ENTROPY, MODIFIED_ENTROPY, MARGIN):
        assert (np.diff(attack.score(seen(logits, [0, 0, 0]))) > 0).all(), attack.name


@pytest.mark.parametrize("attack", THRESHOLDS[:5], ids=lambda attack: attack.name)
def test_one_class_is_refused(attack: Attack) -> None:
    """A model with one output is refused, with the way out."""
    with pytest.raises(EvidenceError, match="give a binary model two outputs"):
        attack.score(seen(np.zeros((1, 4, 1)), [0] * 4))
