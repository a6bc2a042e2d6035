"""Ratios and differences of probabilities that are nearly 1: exact in 60 digits, in order, and back again."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_audit.attacks.nearly_one import SMALL, difference, log_mean_missing, log_missing, log_ratio, spread, spread_values, unspread
from tests.support import exact

VALUES = st.floats(-1e6, 1e6).map(lambda value: value or 1.0)
LOGS = st.lists(st.floats(-2_000, 5), min_size=2, max_size=6)


@given(VALUES)
def test_the_scale_leaves_large_values_and_comes_back(value: float) -> None:
    """Values of 0.01 or more are as they were, and the way back gives all."""
    scaled = spread_values(np.array([value]))
    if abs(value) >= SMALL * (1 + 1e-9):
        assert scaled[0] == pytest.approx(value, rel=1e-12)
    assert unspread(scaled)[0] == pytest.approx(value, rel=1e-9)


def test_the_scale_keeps_order_where_floats_end() -> None:
    """Logs from -1e12 to 60, of either sign: strictly rising, odd, finite; 0 in the middle."""
    logs = np.array([-np.inf, -1e12, -1e6, -800.0, -745.0, -300.0, -299.999, -5.0, np.log(SMALL), -4.6, 0.0, 60.0])
    up = spread(np.ones_like(logs), logs)
    assert (np.diff(up) > 0).all()
    assert up[0] == 0
    assert np.isfinite(up).all()
    np.testing.assert_array_equal(spread(-np.ones_like(logs), logs), -up)
    assert spread_values(np.array([0.0]))[0] == 0


@given(LOGS, st.floats(-2_000, 5))
def test_ratios_are_those_of_exact_arithmetic(logs: list[float], own: float) -> None:
    """Log p / P of losses exp(logs), P the mean probability: sign and value, or its log where it is tiny."""
    with localcontext() as context:
        context.prec = exact.DIGITS
        log_p = [-Decimal(value).exp() for value in (own, *logs)]
        missing = -sum((exact.expm1(value) for value in log_p[1:]), start=Decimal(0)) / len(logs)
        total = sum((value.exp() for value in log_p[1:]), start=Decimal(0))
        mean = exact.log1p(-missing) if missing < Decimal("0.5") else (total / len(logs)).ln()
        ratio = log_p[0] - mean
        told = float(abs(ratio).ln()) if ratio else -np.inf
    found = log_ratio(np.array([own]), log_mean_missing(np.array(logs)[:, None]))[0]
    expected = spread(np.array([np.sign(float(ratio)) or (1.0 if ratio > 0 else -1.0 if ratio < 0 else 0.0)]), np.array([told]))[0]
    closest = min(abs(own - value) for value in logs)
    if closest > 1e-6:
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_what_is_missing_is_the_loss_where_that_is_small() -> None:
    """1 - p of a loss of exp(-800) is as small; of a loss of 100 it is 1."""
    np.testing.assert_allclose(log_missing(np.array([-800.0, np.log(100.0), np.log(np.log(2))])), [-800, 0, np.log(0.5)], atol=1e-12)
    np.testing.assert_allclose(log_missing(np.array([-80.0, 3.0], dtype=np.float32)), [-80, 0], atol=1e-6)


def test_only_one_side_is_averaged() -> None:
    """Models where the side is False do not count."""
    logs, side = np.array([[-5.0, 0.0], [-700.0, -700.0], [2.0, 3.0]]), np.array([[True, False], [True, True], [False, True]])
    for column in range(2):
        there, missing = log_mean_missing(logs, side)
        alone = log_mean_missing(logs[side[:, column], column][:, None])
        np.testing.assert_allclose([there[column], missing[column]], [alone[0][0], alone[1][0]], rtol=1e-12)


def test_equal_values_differ_by_nothing() -> None:
    """Sign 0 and the log of 0; else the sign and log of the difference."""
    sign, size = difference(np.array([-300.0, 1.0, 0.0]), np.array([-300.0, 0.0, 1.0]))
    np.testing.assert_array_equal(sign, [0, 1, -1])
    assert size[0] == -np.inf
    np.testing.assert_allclose(size[1:], np.log(np.e - 1))
