"""The AUC's interval: DeLong's variance, agreed with a direct computation, and ends that cover."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from mia_audit.statistics.delong import auc_interval, delong, newcombe
from mia_audit.statistics.roc import auc
from mia_audit.types import Bools, Floats


def slow_delong(scores: Floats, member: Bools) -> tuple[float, float]:
    """Return AUC and variance from the full matrix of comparisons, as the paper writes it."""
    members, others = scores[member], scores[~member]
    psi = (members[:, None] > others).astype(float) + 0.5 * (members[:, None] == others)
    rows, columns = psi.mean(axis=1), psi.mean(axis=0)
    variance = ((rows - psi.mean()) ** 2).sum() / (rows.size - 1) / rows.size
    return psi.mean(), variance + ((columns - psi.mean()) ** 2).sum() / (columns.size - 1) / columns.size


@given(st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=4, max_size=60))
def test_the_fast_variance_is_the_slow_one(rows: list[tuple[int, bool]]) -> None:
    """Mid-ranks give the area and variance of the full comparison matrix, ties included."""
    scores, member = np.array([row[0] for row in rows], dtype=float), np.array([row[1] for row in rows])
    if 1 < member.sum() < member.size - 1:
        np.testing.assert_allclose(delong(scores, member), slow_delong(scores, member), atol=1e-12)


@given(st.lists(st.tuples(st.integers(-2, 2), st.booleans()), min_size=2, max_size=30))
def test_an_interval_has_width_and_stays_within_the_square(rows: list[tuple[int, bool]]) -> None:
    """However few and tied the scores, 0 <= low <= AUC <= high <= 1 and low < high."""
    scores, member = np.array([row[0] for row in rows], dtype=float), np.array([row[1] for row in rows])
    if 0 < member.sum() < member.size:
        found = auc_interval(scores, member)
        assert found.value == pytest.approx(auc(scores, member))
        assert found.value is not None
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert found.high - found.low > 1e-3


@pytest.mark.parametrize("separation", [0.0, 1.0, 2.5])
def test_the_interval_covers(separation: float) -> None:
    """Of 400 audits of two Gaussians, 92 to 98 % hold Phi(separation / sqrt 2) in their 95 % interval."""
    rng = np.random.default_rng(5)
    member = np.arange(160) < 80
    found = [auc_interval(rng.normal(size=160) + separation * member, member) for _ in range(400)]
    covered = np.mean([one.low <= norm.cdf(separation / np.sqrt(2)) <= one.high for one in found])
    assert 0.92 <= covered <= 0.98


def test_perfect_separation_is_not_certainty() -> None:
    """AUC 1 of 20 + 20 has a lower end well below 1, mirrored at AUC 0."""
    member = np.arange(40) < 20
    best, worst = auc_interval(member.astype(float), member), auc_interval(-member.astype(float), member)
    assert (best.value, best.high) == (1.0, 1.0)
    assert 0.80 < best.low < 0.95
    assert (worst.low, worst.high) == pytest.approx((0.0, 1 - best.low))


def test_constant_scores_say_so() -> None:
    """Equal scores give 1/2, an interval of the width that chance has, and the reason in words."""
    found = auc_interval(np.zeros(200), np.arange(200) < 100)
    assert found.value == 0.5
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(201 / 12) / 100, rel=0.02)
    assert "all scores are equal" in found.method


def test_newcombes_ends_solve_his_equation() -> None:
    """At each end the distance to the AUC is 1.96 standard deviations, as Hanley and McNeil give them there."""
    for end in newcombe(0.7, 30, 50):
        spread = end * (1 - end) * (1 + 39 * (1 - end) / (2 - end) + 39 * end / (1 + end)) / 1500
        assert abs(end - 0.7) == pytest.approx(norm.ppf(0.975) * np.sqrt(spread))


def test_one_example_on_a_side_gets_a_wide_interval() -> None:
    """A single member leaves no variance to estimate; the interval spans most of the square instead of being too narrow."""
    found = auc_interval(np.array([0.5, 0.0, 1.0, 2.0]), np.array([True, False, False, False]))
    assert found.high - found.low > 0.6
    assert "Newcombe" in found.method
