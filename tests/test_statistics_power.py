"""Power says what an audit of this size would have seen."""

import numpy as np
import pytest
from scipy.stats import norm

from mia_audit.statistics.power import smallest_auc, smallest_resolved_fpr, smallest_tpr
from mia_audit.statistics.roc import auc, tpr_at_fpr


@pytest.mark.parametrize(("side", "smallest"), [(75, 0.618), (5_000, 0.514)])
def test_the_smallest_auc_is_the_designs(side: int, smallest: float) -> None:
    """Two figures of a simulation made beforehand."""
    assert smallest_auc(side, side) == pytest.approx(smallest, abs=5e-4)


def test_the_promised_auc_is_found_four_times_in_five() -> None:
    """Audits of the smallest AUC reject chance in 75 to 86 % of 600 trials, one-sided 5 %."""
    rng, member = np.random.default_rng(0), np.arange(150) < 75
    gap = np.sqrt(2) * norm.ppf(smallest_auc(75, 75))
    limit = 0.5 + norm.ppf(0.95) * np.sqrt(151 / (12 * 75 * 75))
    found = [auc(rng.normal(size=150) + gap * member, member) for _ in range(600)]
    assert 0.75 <= np.mean(np.array(found) > limit) <= 0.86


def test_the_promised_tpr_is_found_four_times_in_five() -> None:
    """The same for the TPR at 2 % of 1,000 non-members, against the TPRs that chance gives."""
    rng, member = np.random.default_rng(0), np.arange(2_000) < 1_000
    gap = norm.isf(0.02) - norm.isf(smallest_tpr(1_000, 1_000, 0.02))
    chance = [tpr_at_fpr(rng.normal(size=2_000), member, 0.02) for _ in range(600)]
    found = [tpr_at_fpr(rng.normal(size=2_000) + gap * member, member, 0.02) for _ in range(600)]
    assert 0.72 <= np.mean(np.array(found) > np.quantile(chance, 0.95)) <= 0.90


def test_more_examples_see_more() -> None:
    """Both limits fall towards chance as examples are added, and never beyond 1."""
    sizes = [1, 10, 100, 1_000, 100_000]
    areas, rates = [smallest_auc(n, n) for n in sizes], [smallest_tpr(n, n, 0.1) for n in sizes]
    assert areas == sorted(areas, reverse=True)
    assert rates == sorted(rates, reverse=True)
    assert areas[0] == 1.0
    assert 0.9 < rates[0] <= 1
    assert (areas[-1], rates[-1]) == pytest.approx((0.5, 0.1), abs=0.005)


def test_the_smallest_resolved_rate_expects_ten_false_positives() -> None:
    """10 of 2,000 is 0.5 %; with fewer than ten non-members nothing is resolved."""
    assert (smallest_resolved_fpr(2_000), smallest_resolved_fpr(5)) == (0.005, 1.0)
    assert smallest_tpr(50, 5, smallest_resolved_fpr(5)) == 1.0
