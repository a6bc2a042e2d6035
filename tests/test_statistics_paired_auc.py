"""Two correlated AUCs: the test agrees with a slow one, with the bootstrap, and is at its level."""

import numpy as np
import pytest
from scipy.stats import norm

from mia_audit.statistics.delong import auc_interval
from mia_audit.statistics.paired_auc import auc_difference
from mia_audit.types import Bools, Floats


def drawn(rng: np.random.Generator, gaps: tuple[float, float], size: int = 120, shared: float = 0.7) -> tuple[Floats, Floats, Bools]:
    """Return scores of two attacks whose noise is shared in part, and who was a member."""
    member = rng.random(size) < 0.4
    common = rng.normal(size=size)
    first, second = (shared * common + (1 - shared) * rng.normal(size=size) + gap * member for gap in gaps)
    return first, second, member


def slowly(first: Floats, second: Floats, member: Bools) -> tuple[float, float]:
    """Return difference and its variance by DeLong's covariance matrices, one pair at a time."""
    inside, outside = np.flatnonzero(member), np.flatnonzero(~member)
    wins = np.array([[[(s[i] > s[j]) + 0.5 * (s[i] == s[j]) for j in outside] for i in inside] for s in (first, second)])
    areas, contrast = wins.mean(axis=(1, 2)), np.array([1.0, -1.0])
    matrix = np.cov(wins.mean(axis=2)) / inside.size + np.cov(wins.mean(axis=1)) / outside.size
    return float(contrast @ areas), float(contrast @ matrix @ contrast)


def test_it_is_delongs_test() -> None:
    """Against the paper's matrices, ties included; turned round, the difference changes its sign alone."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        first, second, member = drawn(rng, (0.5, 0.2), size=40)
        first = np.round(first, 1)
        found, p = auc_difference(first, second, member) or pytest.fail("nothing came out")
        value, variance = slowly(first, second, member)
        assert found.value == pytest.approx(value)
        assert (found.high - found.low) / 2 == pytest.approx(norm.ppf(0.975) * np.sqrt(variance))
        assert p == pytest.approx(2 * norm.sf(abs(value) / np.sqrt(variance)))
        back, again = auc_difference(second, first, member) or pytest.fail("nothing came out")
        assert (back.value, back.low, back.high, again) == pytest.approx((-value, -found.high, -found.low, p))


def test_it_is_at_its_level_and_sees_what_intervals_hide() -> None:
    """Equal attacks: about 5 % below 5 %. Unequal ones that share their noise are told apart although their intervals overlap."""
    rng = np.random.default_rng(1)
    p = [(auc_difference(*drawn(rng, (0.3, 0.3))) or pytest.fail("nothing came out"))[1] for _ in range(1500)]
    assert 0.035 < np.mean(np.array(p) < 0.05) < 0.065
    first, second, member = drawn(rng, (0.6, 0.3), size=400, shared=0.9)
    found, p_apart = auc_difference(first, second, member) or pytest.fail("nothing came out")
    assert p_apart < 0.01
    assert found.low > 0
    assert auc_interval(first, member).low < auc_interval(second, member).high


def test_without_spread_there_is_no_interval() -> None:
    """The same ranks, or one example on a side."""
    first, _, member = drawn(np.random.default_rng(2), (0.3, 0.3))
    assert auc_difference(first, np.exp(first), member) is None
    one = np.arange(member.size) == 3
    assert auc_difference(first, first[::-1].copy(), one) is None
