"""The null test: two-sided, with ties, and Holm over the attacks."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from mia_audit.statistics.nulltest import holm, mann_whitney_p


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=60))
def test_the_p_value_is_scipys(rows: list[tuple[int, bool]]) -> None:
    """It equals SciPy's asymptotic test with tie and continuity corrections, and is 1 where SciPy has no answer."""
    scores, member = np.array([row[0] for row in rows], dtype=float), np.array([row[1] for row in rows])
    if 0 < member.sum() < member.size:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = mannwhitneyu(scores[member], scores[~member], alternative="two-sided", method="asymptotic").pvalue
        assert mann_whitney_p(scores, member) == pytest.approx(1.0 if np.ptp(scores) == 0 else expected)


def test_noise_is_rejected_one_time_in_twenty() -> None:
    """Of 2,000 noise audits 3.5 to 6.5 % have p below 5 %, and both directions count."""
    rng, member = np.random.default_rng(0), np.arange(100) < 50
    p = np.array([mann_whitney_p(rng.normal(size=100), member) for _ in range(2_000)])
    assert 0.035 <= np.mean(p < 0.05) <= 0.065
    assert mann_whitney_p(member.astype(float), member) == mann_whitney_p(-member.astype(float), member) < 1e-10


def test_holm_is_the_textbooks() -> None:
    """Smallest times four, next times three and so on, never falling, never above 1, in the order given."""
    assert holm([0.04, 0.01, 0.03, 0.005]) == pytest.approx((0.06, 0.03, 0.06, 0.02))
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_raw_and_bonferroni(p_values: list[float]) -> None:
    """No adjusted p is below its own, nor above Bonferroni's, and the order is kept."""
    adjusted = holm(p_values)
    assert all(p <= q <= min(1, len(p_values) * p) + 1e-12 for p, q in zip(p_values, adjusted, strict=True))
    assert list(np.argsort(adjusted, kind="stable")[:1]) == list(np.argsort(np.minimum(1, adjusted), kind="stable")[:1])


def test_many_noise_attacks_fail_together_one_time_in_twenty() -> None:
    """Of 500 audits with ten independent noise attacks each, 2.5 to 7.5 % have an adjusted p below 5 %."""
    rng = np.random.default_rng(2)
    assert 0.025 <= np.mean([min(holm(rng.random(10).tolist())) < 0.05 for _ in range(500)]) <= 0.075
