"""The inverse-Hessian attack: the log odds of a model whose theory holds exactly, and a likelihood ratio on its terms."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from mia_audit.attacks.gaussians import projected_log_ratio
from mia_audit.attacks.inverse_hessian import INVERSE_HESSIAN, INVERSE_HESSIAN_LIRA, logs
from mia_audit.errors import EvidenceError, RecipeError
from mia_audit.statistics.roc import auc
from mia_audit.types import Evidence, Floats
from tests.support.planted import planted
from tests.support.vectors import gaussian_vectors
from tests.test_attacks_signals import bare, with_signal


def told(terms: Floats) -> Evidence:
    """Return evidence whose terms of the target are as given, [examples, 3]; loss and product of either sign."""
    member = np.zeros((5, len(terms)), dtype=np.bool_)
    member[1:3] = True
    return with_signal("curvature", np.repeat(kept(terms)[None], 5, axis=0), bare(member))


def kept(terms: Floats) -> Floats:
    """Return terms [..., 3] as the signal keeps them, [..., 4]."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.abs(terms)).clip(-1e4)
    found: Floats = np.concatenate([logs, np.sign(terms[..., 2:])], axis=-1)
    return found


def test_it_is_the_log_odds_where_the_theory_is_exact() -> None:
    """SGD on a quadratic loss ends as a Gaussian around its minimum, with and without the example: the score is their log ratio.

    L0 has its minimum at 0 and the Hessian H, the example's loss is g w, and gradient noise has covariance `noise` H, so that the ends
    have the precision (2 / rate - H) / noise. Then noise n log odds = score + g' H^-1 g / 2n, for every end w.
    """
    rng, rate, n, noise = np.random.default_rng(0), 0.3, 20, 0.7
    h, g = np.diag([2.0, 1.0, 0.5]), rng.normal(size=3)
    minimum = -np.linalg.solve(h, g) / n
    ends = rng.normal(size=(40, 3))
    precision = (2 / rate * np.eye(3) - h) / noise
    with_it, without = (-0.5 * np.einsum("ei,ij,ej->e", ends - mean, precision, ends - mean) for mean in (minimum, np.zeros(3)))
    odds = with_it - without
    seen = np.linalg.solve(h, g)
    away = 10.0  # a loss is above 0: the example's is g w + 10
    terms = np.column_stack([ends @ g + away, np.full(40, seen @ seen / n / rate), 2 / rate * np.linalg.solve(h, h @ ends.T).T @ seen])
    assert (terms[:, 0] > 0).all()
    scores = INVERSE_HESSIAN.score(told(terms)) - away
    np.testing.assert_allclose(noise * n * odds, scores + g @ seen / (2 * n), atol=1e-9)


def test_the_ratio_of_the_terms_is_the_projections() -> None:
    """Loss and square enter by their logs, and gaps of 1.0 and 0.5 in them give Phi(sqrt(1.25 / 2))."""
    values, member = gaussian_vectors(np.array([-1.0, -0.5]), examples=3_000, shadows=48)
    terms = kept(np.concatenate([np.exp(values), np.zeros_like(values[:, :1])], axis=1).transpose(0, 2, 1))
    seen = with_signal("curvature", terms, bare(member))
    flat = np.concatenate([values, np.zeros_like(values[:, :1])], axis=1)
    scores = INVERSE_HESSIAN_LIRA.score(seen)
    np.testing.assert_allclose(scores, projected_log_ratio(flat[0], flat[1:], member[1:], 0.001), atol=1e-6)
    assert auc(scores, member[0]) == pytest.approx(norm.cdf(np.sqrt(1.25 / 2)), abs=0.025)


def test_the_product_enters_beside_the_square() -> None:
    """By hand, either sign; nothing at all gives 0 and no warning."""
    found = logs(kept(np.array([[2.0, 3.0, -1.0], [1.0, 1.0, 3.0], [0.0, 0.0, 0.0]])), np.zeros(3, dtype=np.int64))
    np.testing.assert_allclose(found[:, :2].T, [[np.log(2), np.log(3), -np.log(4 / 3)], [0, 0, np.log(4)]])
    assert found[2, 2] == 0
    assert np.isfinite(found).all()


@given(unit=st.floats(1e-3, 1e3), seed=st.integers(0, 20))
def test_units_change_nothing(unit: float, seed: int) -> None:
    """Another unit of the loss leaves the order of the scores, and the likelihood ratio altogether."""
    seen, _ = planted(1.0, examples=80, seed=seed)
    signal = seen.signals["curvature"]
    up = np.log(unit) * np.array([1.0, 1.0, 1.0, 0.0])
    scaled = replace(seen, signals={"curvature": replace(signal, target=signal.target + up, shadows=signal.shadows + up)})
    order = np.argsort(INVERSE_HESSIAN.score(seen), kind="stable")
    assert (np.diff(INVERSE_HESSIAN.score(scaled)[order]) >= -1e-6 * unit).all()
    np.testing.assert_allclose(INVERSE_HESSIAN_LIRA.score(scaled), INVERSE_HESSIAN_LIRA.score(seen), atol=1e-3)


def test_what_it_cannot_do_is_refused() -> None:
    """Without the terms, or with a ridge below 0."""
    seen, _ = planted(1.0, examples=60)
    with pytest.raises(EvidenceError, match="inverse-hessian needs curvature; the evidence offers features"):
        INVERSE_HESSIAN.score(replace(seen, signals={}))
    with pytest.raises(EvidenceError, match="inverse-hessian-lira needs curvature; the evidence offers features"):
        INVERSE_HESSIAN_LIRA.score(replace(seen, signals={}))
    with pytest.raises(RecipeError, match="inverse-hessian-lira: ridge needs 0 or more, got -1"):
        replace(INVERSE_HESSIAN_LIRA, ridge=-1.0)
