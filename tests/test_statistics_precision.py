"""Precision at a prior, against counting, against a closed form, and against its own promise to cover."""

import itertools

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from mia_audit.errors import EvidenceError
from mia_audit.statistics.precision import precision, strict_threshold
from mia_audit.statistics.proportions import Share


def share(hits: int, total: int) -> Share:
    """Return so many of so many."""
    return Share(hits=hits, total=total)


@pytest.mark.parametrize(("members", "others"), [(100, 100), (100, 900), (10, 990)])
def test_it_is_what_counting_names_gives(members: int, others: int) -> None:
    """Where the audited examples themselves have that share of members, it is the share of right names among the names."""
    hits, alarms = members // 5, others // 50
    found = precision(share(hits, members), share(alarms, others), members / (members + others))
    assert found.value == pytest.approx(hits / (hits + alarms))


def test_a_name_is_worth_the_prior_odds_times_the_likelihood_ratio() -> None:
    """Odds after = odds before x TPR / FPR, at every prior."""
    for prior in (0.5, 0.1, 0.01):
        value = precision(share(30, 300), share(4, 200), prior).value
        assert value is not None
        assert value / (1 - value) == pytest.approx(prior / (1 - prior) * (30 / 300) / (4 / 200))


def test_an_attack_that_guesses_is_worth_the_prior() -> None:
    """Equal rates: a name is right as often as members are common, and the interval says so."""
    for prior in (0.5, 0.1, 0.01):
        found = precision(share(12, 400), share(12, 400), prior)
        assert found.value == pytest.approx(prior)
        assert found.low < prior < found.high


def test_who_names_nobody_has_no_precision() -> None:
    """No names: no value, and every precision agrees with that."""
    found = precision(share(0, 50), share(0, 50), 0.1)
    assert found.value is None
    assert (found.low, found.high) == (0.0, 1.0)


def test_no_false_accusation_is_no_proof() -> None:
    """All names right: the value is 1, the lower end is not, and it falls with the prior."""
    ends = [precision(share(5, 50), share(0, 50), prior) for prior in (0.5, 0.1, 0.01)]
    assert [end.value for end in ends] == [1.0, 1.0, 1.0]
    assert [end.high for end in ends] == [1.0, 1.0, 1.0]
    assert 0.5 > ends[0].low > ends[1].low > ends[2].low > 0


def test_more_examples_narrow_it_and_the_value_lies_within() -> None:
    """Ten times the counts, a narrower interval inside the other."""
    few, many = (precision(share(4 * k, 100 * k), share(k, 100 * k), 0.1) for k in (1, 10))
    assert few.value == many.value
    assert few.value is not None
    assert few.low < many.low < few.value < many.high < few.high


@pytest.mark.parametrize("rates", [(0.02, 0.01), (0.01, 0.01), (0.3, 0.002), (0.6, 0.4)])
def test_it_covers(rates: tuple[float, float]) -> None:
    """Exactly, over all pairs of counts: at least 95 %, and at most half of the error on either side."""
    members, others, prior = 24, 20, 0.1
    (tpr, fpr) = rates
    truth = prior * tpr / (prior * tpr + (1 - prior) * fpr)
    below = above = 0.0
    for hits, alarms in itertools.product(range(members + 1), range(others + 1)):
        chance = float(binom.pmf(hits, members, tpr) * binom.pmf(alarms, others, fpr))
        if chance > 1e-12:
            found = precision(share(hits, members), share(alarms, others), prior)
            below += chance * (truth > found.high + 1e-12)
            above += chance * (truth < found.low - 1e-12)
    assert below <= 0.025
    assert above <= 0.025


def test_the_interval_is_not_wider_than_its_promise() -> None:
    """Its ends are those of SciPy's exact intervals of the two rates at 97.5 %, put through Bayes: no error is left unspent."""
    (hits, members), (alarms, others) = (31, 640), (9, 720)
    of_hits, of_alarms = (binomtest(k, n).proportion_ci(0.975, "exact") for k, n in ((hits, members), (alarms, others)))
    found = precision(share(hits, members), share(alarms, others), 0.1)
    assert found.low == pytest.approx(1 / (1 + 9 * of_alarms.high / of_hits.low))
    assert found.high == pytest.approx(1 / (1 + 9 * of_alarms.low / of_hits.high))


@pytest.mark.parametrize("prior", [0.0, 1.0, -0.1, float("nan")])
def test_a_prior_that_is_no_share_is_refused(prior: float) -> None:
    """At 0 or 1 there is nothing to find out."""
    with pytest.raises(EvidenceError, match="a prior needs a share above 0 and below 1"):
        precision(share(1, 2), share(1, 2), prior)


@pytest.mark.parametrize("fpr", [0.0, 0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("tied", [False, True])
def test_the_strict_bar_lets_at_most_so_many_pass(fpr: float, tied: bool) -> None:
    """Against trying every score: the lowest that accuses at most that share, ties never counted twice."""
    rng = np.random.default_rng(1)
    scores = rng.integers(0, 40, 100).astype(float) if tied else rng.normal(size=100)
    bar = strict_threshold(scores, fpr)
    lowest = min([*(value for value in np.unique(scores) if np.mean(scores > value) <= fpr), np.inf])
    assert bar == (-np.inf if fpr == 1 else lowest)
    assert np.mean(scores > bar) <= fpr
