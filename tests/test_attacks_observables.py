"""Observables agree with 320-digit arithmetic, also where a softmax in floating point is 0 or 1."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mia_audit.attacks import observables
from mia_audit.errors import EvidenceError
from mia_audit.types import Floats

LOGITS = arrays(np.float64, (5,), elements=st.floats(-300, 300, width=32))


def slow(logits: Floats, label: int) -> dict[str, float]:
    """Return every observable of one logit vector, from its softmax in 320 digits."""
    with localcontext() as context:
        context.prec = 320
        weights = [Decimal(float(z)).exp() for z in logits]
        p = [w / sum(weights) for w in weights]
        others = [q for i, q in enumerate(p) if i != label]
        cross = sum(q * (1 - q).ln() for q in others)
        found = {
            "phi": (p[label] / sum(others)).ln(),
            "log_likelihood": p[label].ln(),
            "log_confidence": max(p).ln(),
            "entropy": -sum(q * q.ln() for q in p),
            "modified_entropy": -(1 - p[label]) * p[label].ln() - cross,
            "margin": (p[label] / max(others)).ln(),
        }
        return {key: float(value) for key, value in found.items()}


@given(LOGITS, st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_observables_are_exact_where_a_softmax_saturates(logits: Floats, label: int) -> None:
    """phi, log p_y, largest probability, both entropies and the margin agree to ten digits, however extreme the logits."""
    labels = np.array([label])
    found = {
        "phi": observables.phi(logits[None], labels),
        "log_likelihood": observables.log_likelihood(logits[None], labels),
        "log_confidence": observables.log_confidence(logits[None]),
        "entropy": observables.entropy(logits[None]),
        "modified_entropy": observables.modified_entropy(logits[None], labels),
        "margin": observables.margin(logits[None], labels),
    }
    for name, expected in slow(logits, label).items():
        assert found[name].item() == pytest.approx(expected, rel=1e-10, abs=1e-11 if name in ("phi", "margin") else 1e-290), name


@given(LOGITS)
def test_log_probabilities_sum_to_one(logits: Floats) -> None:
    """Probabilities of all classes sum to 1, and each to 1 with its complement."""
    logp, complements = observables.log_probabilities(logits), observables.log_complements(logits)
    assert np.exp(logp).sum() == pytest.approx(1)
    np.testing.assert_allclose(np.exp(logp) + np.exp(complements), 1)


@given(LOGITS, st.integers(0, 4), st.floats(-50, 50))
def test_a_shift_of_all_logits_changes_nothing(logits: Floats, label: int, shift: float) -> None:
    """Observables of probabilities do not see a constant added to every logit."""
    labels = np.array([label])
    for observe in (observables.phi, observables.margin):
        assert observe(logits[None] + shift, labels) == pytest.approx(observe(logits[None], labels), abs=1e-9)


def test_phi_of_two_classes_is_the_difference_of_logits() -> None:
    """log(p / (1 - p)) = z_y - z_other, exactly, for each example's own label."""
    logits = np.array([[3.0, 1.0], [3.0, 1.0]])
    assert observables.phi(logits, np.array([0, 1])).tolist() == [2.0, -2.0]


@pytest.mark.parametrize("size", [np.float32(3e38), np.float32(1e-30), np.float64(1e300)])
def test_the_largest_floats_stay_finite(size: np.floating) -> None:
    """Logits at the end of their type give finite observables with finite squares, without a warning."""
    logits = np.array([[size, -size, 0], [size, size, size]])
    labels = np.array([1, 0])
    for observe in (observables.phi, observables.log_likelihood, observables.margin, observables.modified_entropy):
        assert np.isfinite(np.square(observe(logits, labels))).all()
    assert np.isfinite(observables.entropy(logits)).all()


def test_queries_and_models_keep_their_axes() -> None:
    """Labels belong to the examples, whatever comes before; `each_model` averages queries and keeps models."""
    logits = np.random.default_rng(0).normal(size=(3, 2, 4, 5))
    labels = np.array([0, 4, 2, 2])
    by_hand = [[np.mean([slow(logits[m, q, i], labels[i])["phi"] for q in range(2)]) for i in range(4)] for m in range(3)]
    np.testing.assert_allclose(observables.each_model(observables.phi, logits, labels), by_hand, rtol=1e-12)


def test_a_single_logit_is_refused() -> None:
    """One output is no distribution over classes; the message says what to do."""
    with pytest.raises(EvidenceError, match="two classes or more, got 1; give a binary model two outputs"):
        observables.phi(np.zeros((4, 1)), np.zeros(4, dtype=int))


@given(st.integers(2, 12), st.floats(0.1, 60), st.integers(0, 99))
@settings(deadline=None)
def test_float32_is_quick_and_right(classes: int, scale: float, seed: int) -> None:
    """In float32 phi and loss come by a shorter way; they agree with float64, also where the odds leave float32."""
    rng = np.random.default_rng(seed)
    logits, labels = (scale * rng.normal(size=(2, 30, classes))).astype(np.float32), rng.integers(0, classes, 30)
    for observe in (observables.phi, observables.log_likelihood):
        exact = observe(logits.astype(np.float64), labels)
        np.testing.assert_allclose(observe(logits, labels), exact, rtol=1e-5, atol=1e-5)
        assert observe(logits, labels).dtype == np.float64
