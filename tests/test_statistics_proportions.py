"""Intervals of proportions agree with SciPy and with published figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from mia_audit.errors import EvidenceError
from mia_audit.statistics.proportions import Share, accuracy, advantage, balanced_accuracy, difference, rates_above, wilson


@st.composite
def shares(draw: st.DrawFn) -> Share:
    """Draw a share of up to 200."""
    total = draw(st.integers(1, 200))
    return Share(hits=draw(st.integers(0, total)), total=total)


@given(shares())
def test_exact_and_score_intervals_equal_scipys(share: Share) -> None:
    """Clopper-Pearson and Wilson agree with SciPy's binomial test."""
    exact = binomtest(share.hits, share.total).proportion_ci(method="exact")
    score = binomtest(share.hits, share.total).proportion_ci(method="wilson")
    found = accuracy(share)
    assert found.value == share.hits / share.total
    np.testing.assert_allclose((found.low, found.high), (exact.low, exact.high), atol=1e-12)
    np.testing.assert_allclose(wilson(share), (score.low, score.high), atol=1e-12)


def test_the_difference_is_newcombes() -> None:
    """His table II, method 10: 56/70 - 48/80 = 0.2 (0.0524 to 0.3339), 9/10 - 3/10 = 0.6 (0.1705 to 0.8090), 10/10 - 0/10 = 1 (.6075)."""
    found = difference(Share(hits=56, total=70), Share(hits=48, total=80))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    small = difference(Share(hits=9, total=10), Share(hits=3, total=10))
    assert (small.low, small.high) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    sure = difference(Share(hits=10, total=10), Share(hits=0, total=10))
    assert (sure.low, sure.high) == pytest.approx((0.6075, 1.0), abs=5e-5)


@given(shares(), shares())
def test_advantage_and_balanced_accuracy_are_one_number(hits: Share, alarms: Share) -> None:
    """Balanced accuracy is (1 + advantage) / 2, ends included; neither leaves its range nor has zero width."""
    gain, balanced = advantage(hits, alarms), balanced_accuracy(hits, alarms)
    assert gain.value == pytest.approx(hits.value - alarms.value)
    assert balanced.value == pytest.approx((hits.value + 1 - alarms.value) / 2)
    assert (2 * balanced.low - 1, 2 * balanced.high - 1) == pytest.approx((gain.low, gain.high))
    assert -1 <= gain.low < gain.high <= 1


@given(shares(), shares())
def test_swapping_the_shares_mirrors_the_difference(first: Share, second: Share) -> None:
    """The interval of b - a is that of a - b turned round."""
    one, other = difference(first, second), difference(second, first)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_the_difference_covers() -> None:
    """Of 2,000 pairs of samples, 93 to 98 % hold the true difference in their 95 % interval."""
    rng = np.random.default_rng(1)
    pairs = zip(rng.binomial(60, 0.3, 2_000), rng.binomial(40, 0.1, 2_000), strict=True)
    found = [difference(Share(hits=int(a), total=60), Share(hits=int(b), total=40)) for a, b in pairs]
    assert 0.93 <= np.mean([one.low <= 0.2 <= one.high for one in found]) <= 0.98


def test_scores_above_a_threshold_are_members() -> None:
    """A score equal to the threshold is not above it; members count as true positives, others as false ones."""
    hits, alarms = rates_above(np.array([1.0, 2.0, 3.0, 2.0, 5.0]), np.array([True, True, True, False, False]), 2.0)
    assert (hits, alarms) == (Share(hits=1, total=3), Share(hits=1, total=2))


@pytest.mark.parametrize(("hits", "total"), [(0, 0), (3, 2), (-1, 2)])
def test_no_share_of_nothing(hits: int, total: int) -> None:
    """Counts that are no share are refused with the numbers."""
    with pytest.raises(EvidenceError, match=f"got {hits} of {total}"):
        Share(hits=hits, total=total)
