"""How far a canary moves a sum: the noncentral t law by simulation, its limits, its power, and noise that was not drawn anew."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from mia_audit.errors import EvidenceError
from mia_audit.statistics import shift
from mia_audit.statistics.shift import Shift


def test_a_claim_of_nothing_is_the_t_test() -> None:
    """At mu 0 the p is SciPy's, one-sided."""
    rng = np.random.default_rng(0)
    inside, outside = rng.normal(0.1, 1, 300), rng.normal(0, 1, 200)
    found = shift.p_value(shift.measured(inside, outside), 0.0)
    _, p = ttest_ind(inside, outside, alternative="greater")
    assert found == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize("mu", [0.3, 1.0, 5.0])
def test_a_true_claim_has_uniform_p(mu: float) -> None:
    """Of 2,000 pairs of samples, as many below a level as the level says."""
    rng = np.random.default_rng(1)
    ps = np.array([shift.p_value(shift.measured(rng.normal(mu, 1, 60), rng.normal(0, 1, 80)), mu) for _ in range(2000)])
    for level in (0.01, 0.05, 0.5):
        assert abs(float((ps <= level).mean()) - level) < 3.3 * math.sqrt(level * (1 - level) / 2000)


def test_five_percent_more_is_seen_by_ten_thousand_replays() -> None:
    """At sigma 1 and level 1 %: with 80 % power; a true claim is refuted as often as the level says, less noise more often."""
    assert shift.power(1.05, 1.0, 10_000, 0.01) > 0.8
    assert shift.power(1.0, 1.0, 10_000, 0.01) == pytest.approx(0.01, rel=1e-6)
    assert shift.power(1.05, 1.0, 10_000, 0.01) > shift.power(1.05, 1.0, 5_000, 0.01) > shift.power(1.02, 1.0, 5_000, 0.01)


def test_the_power_is_what_simulation_gives() -> None:
    """Of 1,000 pairs with 20 % more than claimed."""
    rng = np.random.default_rng(2)
    seen = np.mean([shift.p_value(shift.measured(rng.normal(1.2, 1, 200), rng.normal(0, 1, 200)), 1.0) <= 0.05 for _ in range(1000)])
    assert float(seen) == pytest.approx(shift.power(1.2, 1.0, 200, 0.05), abs=0.05)


def test_the_lower_limit_is_where_p_is_the_level() -> None:
    """And 0 where nothing is shown, infinite where nothing is random."""
    found = Shift(mu=1.1, inside=500, outside=400)
    assert shift.p_value(found, shift.least_mu(found, 0.05)) == pytest.approx(0.05, rel=1e-6)
    assert shift.least_mu(Shift(mu=-1.0, inside=500, outside=400), 0.05) == 0
    still = shift.measured(np.ones(50), np.zeros(50))
    assert math.isinf(shift.least_mu(still, 0.05))
    assert shift.p_value(still, 100.0) == 0
    assert shift.measured(np.ones(50), np.ones(50)).mu == 0


def test_far_out_the_normal_law_takes_over_without_a_step() -> None:
    """SciPy's series and the stabilised law agree where both are good."""
    freedom, centre = 20_000, 480.0
    near, far = shift._above(485.0, freedom, centre), shift._above(490.0, freedom, centre)
    root = math.sqrt(2 * freedom)
    stabilised = [0.5 * math.erfc(root * (math.asinh(t / root) - math.asinh(centre / root)) / math.sqrt(2)) for t in (485.0, 490.0)]
    assert [near, far] == pytest.approx(stabilised, rel=0.15)
    assert shift.p_value(Shift(mu=80.0, inside=10_000, outside=10_000), 1.0) < 1e-100


def test_units_do_not_matter() -> None:
    """Sums in other units have the same mu."""
    rng = np.random.default_rng(3)
    inside, outside = rng.normal(1, 1, 100), rng.normal(0, 1, 100)
    assert shift.measured(1e-6 * inside + 3, 1e-6 * outside + 3).mu == pytest.approx(shift.measured(inside, outside).mu, rel=1e-6)


def test_noise_that_is_too_quiet_is_seen_and_louder_noise_is_not() -> None:
    """A chi-squared p: half way at the claim, nothing at a louder one."""
    squares = float((np.random.default_rng(4).normal(size=5_000) ** 2).sum())
    assert shift.too_quiet(squares, 5_000, 1.0) > 0.01
    assert shift.too_quiet(squares, 5_000, 1.1) < 1e-3
    assert shift.too_quiet(squares, 5_000, 0.9) > 0.999


def test_repeated_draws_are_counted() -> None:
    """Exact copies and copies up to rounding, never independent draws."""
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(5_000, 4))
    assert shift.repeated(rows) == 0
    assert shift.repeated(np.concatenate([rows, rows[:7]])) == 7
    assert shift.repeated(np.zeros((10, 4))) == 9


def test_too_few_replays_are_refused() -> None:
    """With their number."""
    with pytest.raises(EvidenceError, match="a step test needs 20 replays on each side, got 19 and 30"):
        shift.measured(np.zeros(19), np.zeros(30))
