"""TPR at FPR: the threshold is estimated anew in each bootstrap sample, and unresolved rates show a limit alone."""

import numpy as np
import pytest
from scipy.stats import norm

from mia_audit.statistics.proportions import Share, accuracy
from mia_audit.statistics.rates import bootstrap, resolved, tpr_interval
from mia_audit.statistics.roc import tpr_at_fpr
from mia_audit.types import Bools, Floats


def slow_bootstrap(scores: Floats, member: Bools, fpr: float, draws: int, rng: np.random.Generator) -> Floats:
    """Redraw both sides with replacement, score by score, and read the TPR off each sample."""
    members, others = scores[member], scores[~member]
    found = []
    for _ in range(draws):
        sample = np.concatenate([rng.choice(members, members.size), rng.choice(others, others.size)])
        found.append(tpr_at_fpr(sample, np.sort(member)[::-1], fpr))
    return np.array(found)


def gaussian(seed: int, side: int, gap: float) -> tuple[Floats, Bools]:
    """Return scores of two Gaussians and who is who."""
    member = np.arange(2 * side) < side
    return np.random.default_rng(seed).normal(size=2 * side) + gap * member, member


@pytest.mark.parametrize("digits", [8, 0])
def test_the_order_statistic_draw_is_the_bootstrap(digits: int) -> None:
    """Drawing the threshold's rank gives the distribution that resampling every score gives, with ties (digits = 0) and without."""
    scores, member = gaussian(3, 60, 1.0)
    scores = np.round(scores, digits)
    fast = bootstrap(scores, member, 0.2, 20_000, np.random.default_rng(0))
    slow = slow_bootstrap(scores, member, 0.2, 4_000, np.random.default_rng(1))
    assert fast.mean() == pytest.approx(slow.mean(), abs=0.01)
    assert fast.std() == pytest.approx(slow.std(), rel=0.06)
    np.testing.assert_allclose(np.quantile(fast, [0.025, 0.25, 0.75, 0.975]), np.quantile(slow, [0.025, 0.25, 0.75, 0.975]), atol=0.035)


@pytest.mark.parametrize(("gap", "fpr"), [(0.0, 0.1), (1.0, 0.1), (2.5, 0.1), (1.0, 0.02)])
def test_the_interval_covers(gap: float, fpr: float) -> None:
    """Of 300 audits, 92 to 99 % hold the TPR at the population's own threshold in their 95 % interval."""
    truth = norm.sf(norm.isf(fpr) - gap)
    rng = np.random.default_rng(0)
    found = [tpr_interval(*gaussian(seed, 500, gap), fpr, rng) for seed in range(300)]
    assert 0.92 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.99


def test_a_known_threshold_would_cover_less() -> None:
    """Clopper-Pearson at the estimated threshold covers under 90 %: the reason for the bootstrap."""
    truth = norm.sf(norm.isf(0.1) - 1.0)
    found = [accuracy(Share(hits=round(500 * tpr_at_fpr(*gaussian(seed, 500, 1.0), 0.1)), total=500)) for seed in range(300)]
    assert np.mean([one.low <= truth <= one.high for one in found]) < 0.9


def test_an_unresolved_rate_has_a_limit_and_no_value() -> None:
    """At 0.1 % of 200 non-members there is no value; the limit is the upper end at 10 / 200, which holds by monotony."""
    scores, member = gaussian(0, 200, 1.0)
    found = tpr_interval(scores, member, 0.001, np.random.default_rng(0))
    assert (found.value, found.low) == (None, 0.0)
    assert found.high == tpr_interval(scores, member, 0.05, np.random.default_rng(0)).high


@pytest.mark.parametrize("nonmembers", [4, 9, 10])
def test_too_few_non_members_resolve_nothing(nonmembers: int) -> None:
    """With ten non-members or fewer no limit below 1 is known."""
    member = np.arange(50) >= nonmembers
    found = tpr_interval(np.arange(50.0), member, 0.1, np.random.default_rng(0))
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)


def test_ten_false_positives_resolve_a_rate() -> None:
    """1,000 non-members resolve 1 %, 999 do not, and rounding does not decide."""
    assert resolved(0.01, 1_000)
    assert not resolved(0.01, 999)
    assert all(resolved(10 / n, n) for n in range(10, 2_000))


def test_non_members_alone_decide_what_is_resolved() -> None:
    """10 % of 200 non-members is resolved beside 50 members; of 50 non-members it is not, beside 200 members."""
    scores, few = np.random.default_rng(0).normal(size=250), np.arange(250) < 50
    assert tpr_interval(scores, few, 0.1, np.random.default_rng(0)).value is not None
    assert tpr_interval(scores, ~few, 0.1, np.random.default_rng(0)).value is None


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_rate_of_nought_or_one_has_width(sign: float) -> None:
    """Where every bootstrap sample agrees, the interval is still as wide as so many examples allow."""
    member = np.arange(200) < 100
    found = tpr_interval(sign * member, member, 0.1, np.random.default_rng(0))
    assert found.value == (1.0 if sign > 0 else 0.0)
    assert 0.03 < found.high - found.low < 0.05


def test_tied_scores_give_no_free_positives() -> None:
    """Scores that are all equal have TPR 0 below FPR 1, and an interval that begins there."""
    member = np.arange(400) < 200
    found = tpr_interval(np.zeros(400), member, 0.1, np.random.default_rng(0))
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high < 0.03


def test_every_false_positive_allowed_is_every_member_found() -> None:
    """At FPR 1 each bootstrap sample has TPR 1."""
    scores, member = gaussian(0, 20, 0.0)
    assert (bootstrap(scores, member, 1.0, 50, np.random.default_rng(0)) == 1).all()


def test_the_seed_alone_decides() -> None:
    """The same generator state gives the same interval."""
    first, second = (tpr_interval(*gaussian(1, 300, 1.0), 0.1, np.random.default_rng(7)) for _ in range(2))
    assert first == second
