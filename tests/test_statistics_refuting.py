"""Right and wrong accusations against a curve: enumeration, level, and how much of epsilon is shown."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from mia_audit.statistics import epsilon, refuting
from mia_audit.statistics.curve import Curve
from mia_audit.statistics.proportions import Share
from mia_audit.statistics.refuting import Permits
from mia_audit.statistics.tradeoff import gaussian_epsilon


def counts(right: int, wrong: int, total: int) -> tuple[Share, Share]:
    """Return two shares of the same total."""
    return Share(hits=right, total=total), Share(hits=wrong, total=total)


@pytest.mark.parametrize(("right", "wrong"), [(12, 3), (5, 5)])
def test_every_outcome_counted_one_by_one(right: int, wrong: int) -> None:
    """The probability of outcomes as far out, at one FPR, is the sum over all pairs of counts."""
    permits, total, fpr = Permits.gaussian(0.5), 14, 0.25

    def distance(rights: int, wrongs: int) -> float:
        tpr, at = (rights + 0.5) / (total + 1), (wrongs + 0.5) / (total + 1)
        most = float(norm.cdf(norm.ppf(at) + 0.5))
        slope = float(norm.pdf(norm.ppf(at) + 0.5) / norm.pdf(norm.ppf(at)))
        return (tpr - most) / np.sqrt(most * (1 - most) / total + slope**2 * at * (1 - at) / total + 0.25 / total**2)

    reached, tpr = distance(right, wrong), float(norm.cdf(norm.ppf(fpr) + 0.5))
    slow = sum(
        binom.pmf(a, total, tpr) * binom.pmf(b, total, fpr)
        for a in range(total + 1)
        for b in range(total + 1)
        if distance(a, b) >= reached - 1e-12
    )
    assert refuting._exceeded(fpr, reached, total, total, permits) == pytest.approx(slow, abs=1e-8)


@pytest.mark.parametrize(("mu", "least"), [(1.0, 0.88), (2.0, 0.92)])
def test_most_of_epsilon_is_shown_by_two_thousand_trials(mu: float, least: float) -> None:
    """Both counts together show more than two Clopper-Pearson limits, and those more than one (epsilon, delta)."""
    right, wrong = counts(round(1000 * float(norm.cdf(mu / 2))), round(1000 * float(norm.cdf(-mu / 2))), 1000)
    true = gaussian_epsilon(mu, 1e-5)
    shown = gaussian_epsilon(refuting.least_mu(right, wrong, 0.05), 1e-5) / true
    assert least < shown < 1
    assert epsilon.exact(right, wrong, 1e-5) / true < epsilon.gaussian(right, wrong, 1e-5) / true < shown


@pytest.mark.parametrize(("mu", "fpr"), [(0.0, 0.3), (1.0, 0.2)])
def test_a_true_claim_is_refuted_no_more_often_than_promised(mu: float, fpr: float) -> None:
    """Of all outcomes of 24 trials a side, weighted: exactly the level, no simulation."""
    total, tpr, permits = 24, float(norm.cdf(norm.ppf(fpr) + mu)), Permits.gaussian(mu)
    refuted = 0.0
    for wrong in range(total + 1):
        for right in range(total, -1, -1):
            weight = binom.pmf(right, total, tpr) * binom.pmf(wrong, total, fpr)
            if weight < 1e-5:
                continue
            if refuting.p_value(*counts(right, wrong, total), permits) > 0.05:
                break
            refuted += weight
    assert 0.01 < refuted <= 0.05


def test_a_curve_and_its_formula_agree() -> None:
    """Tangents permit a little more, so that their p is a little larger."""
    right, wrong = counts(80, 30, 100)
    exact = refuting.p_value(right, wrong, Permits.gaussian(1.0))
    assert exact <= refuting.p_value(right, wrong, Permits.curve(Curve.gaussian(1.0))) <= exact * 1.2


def test_nothing_is_shown_by_chance_and_more_by_more() -> None:
    """Equal rates show no mu; the limit grows with right accusations and shrinks with wrong ones."""
    assert refuting.least_mu(*counts(25, 25, 50), 0.05) == 0
    limits = [refuting.least_mu(*counts(*pair, 50), 0.05) for pair in ((35, 20), (40, 20), (40, 15), (50, 0))]
    assert 0 < limits[0] < limits[1] < limits[2] < limits[3]
