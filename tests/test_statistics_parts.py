"""Bands, slices, calibrated probabilities and lists of names: joint statements that hold jointly."""

import numpy as np
import pytest
from scipy.stats import beta, binom, f, norm

from mia_audit.errors import EvidenceError
from mia_audit.statistics.band import Band, _Boxes, _Curve, _gaussian, _Limits, _tail, band
from mia_audit.statistics.calibration import brier, calibrate, conformal_p, named
from mia_audit.statistics.delong import auc_interval
from mia_audit.statistics.nulltest import holm, mann_whitney_p
from mia_audit.statistics.roc import auc, roc
from mia_audit.statistics.slices import differ, slices
from mia_audit.types import Bools, Floats

GRID = np.geomspace(1e-3, 1, 60)


def gaussian(seed: int, side: int, gap: float) -> tuple[Floats, Bools]:
    """Return scores of two Gaussians and who is who."""
    member = np.arange(2 * side) < side
    return np.random.default_rng(seed).normal(size=2 * side) + gap * member, member


def banded(scores: Floats, member: Bools) -> Band:
    """Return the band on a grid, from one stream."""
    return band(scores, member, GRID, np.random.default_rng(0))


def test_the_band_holds_the_whole_curve() -> None:
    """The true curve lies within at every FPR at once in 86 % or more of 50 audits."""
    truth = norm.sf(norm.isf(GRID) - 1.0)
    found = [banded(*gaussian(seed, 60, 1.0)) for seed in range(50)]
    assert np.mean([((one.low <= truth + 1e-12) & (truth <= one.high + 1e-12)).all() for one in found]) >= 0.86


@pytest.mark.parametrize(("sizes", "area"), [((60, 60), 0.5), ((400, 100), 0.8), ((30, 900), 0.97)])
def test_the_bands_tail_is_the_joint_one(sizes: tuple[int, int], area: float) -> None:
    """Of samples of another stream 92.5 to 98.5 % meet their curve (thirty members move in steps); with a tail of 5 % far fewer do."""
    true = _gaussian(area, sizes)
    tail = _tail(true, np.random.default_rng(0))
    fresh = [true.redrawn(np.random.default_rng(seed)) for seed in (1, 2, 3)]
    assert 0.925 <= np.mean([true.meets(one.boxes(_Limits.of(sizes, tail))).mean() for one in fresh]) <= 0.985
    assert np.mean([true.meets(one.boxes(_Limits.of(sizes, 0.05))).mean() for one in fresh]) < 0.9


@pytest.mark.parametrize("size", [7, 5_000])
def test_the_bands_limits_are_clopper_and_pearsons(size: int) -> None:
    """At every count, or where there are many straight between some of them to a thousandth of the range."""
    limits = _Limits.of((size, size), 0.01)
    counts = np.arange(size + 1)
    seen = _Curve(members=counts[None], others=counts[None], sizes=(size, size)).boxes(limits)
    low, high = beta.ppf(0.01, counts, size + 1 - counts), beta.ppf(0.99, counts + 1, size - counts)
    within = 1e-9 if size == 7 else 1e-3
    np.testing.assert_allclose(seen.tpr_low[0], np.nan_to_num(low), atol=within)
    np.testing.assert_allclose(seen.fpr_high[0], np.where(counts == size, 1.0, high), atol=within)
    np.testing.assert_array_equal(seen.tpr_high, seen.fpr_high)


def test_a_box_is_met_where_the_curve_passes_it() -> None:
    """Of a curve through (0.5, 0.5): a box above its upper left corner, one below its lower right one, and one that it crosses."""
    curve = _Curve(members=np.array([[5]]), others=np.array([[5]]), sizes=(10, 10))

    def meets(fpr: tuple[float, float], tpr: tuple[float, float]) -> bool:
        one = [np.array([[value]]) for value in (*fpr, *tpr)]
        return bool(curve.meets(_Boxes(fpr_low=one[0], fpr_high=one[1], tpr_low=one[2], tpr_high=one[3]))[0])

    assert not meets((0.1, 0.4), (0.41, 0.9))
    assert not meets((0.6, 0.9), (0.1, 0.59))
    assert meets((0.1, 0.4), (0.39, 0.9))
    assert meets((0.6, 0.9), (0.1, 0.61))


def test_the_band_holds_the_sample_curve_and_closes() -> None:
    """The sample's own curve lies within; with more scores the band narrows; ties are one step."""
    widths = []
    for side in (50, 500, 5_000):
        scores, member = gaussian(1, side, 1.0)
        curve, found = roc(scores, member), banded(scores, member)
        sample = np.array([curve.tpr[curve.fpr <= rate + 1e-12].max() for rate in GRID])
        assert ((found.low <= sample) & (sample <= found.high)).all()
        assert (np.diff(found.low) >= 0).all()
        assert (np.diff(found.high) >= 0).all()
        widths.append((found.high - found.low).mean())
    assert widths[0] > 2 * widths[1] > 4 * widths[2]
    tied = banded(np.repeat([0.0, 1.0], 50), np.tile([True, False], 50))
    assert tied.low[0] == 0.0


def test_each_slice_is_measured_alone_and_corrected_together() -> None:
    """AUCs are those of the parts, intervals are at Bonferroni's level, p is Holm's; a small part has no number."""
    scores, member = gaussian(2, 300, 0.6)
    groups = np.random.default_rng(0).integers(0, 3, 600)
    groups[:5] = 3
    found = slices(scores, member, groups, {0: "a", 1: "b", 2: "c", 3: "few"})
    for group, one in enumerate(found[:3]):
        here = groups == group
        assert one.auc is not None
        assert one.auc.value == pytest.approx(auc(scores[here], member[here]))
        assert one.auc.low < auc_interval(scores[here], member[here]).low
        assert one.auc.low == pytest.approx(auc_interval(scores[here], member[here], 1 - 0.05 / 3).low)
    p = [mann_whitney_p(scores[groups == group], member[groups == group]) for group in range(3)]
    assert [one.p_holm for one in found[:3]] == pytest.approx(holm(p))
    assert (found[3].auc, found[3].p_holm, found[3].members) == (None, 1.0, 5)


def test_noise_raises_a_slice_rarely() -> None:
    """Ten slices of noise: one or more below 5 % in at most 9 % of 200 audits, and "they differ" as rarely."""
    groups = np.tile(np.arange(10), 60)
    names = {group: str(group) for group in range(10)}
    audits = [(np.random.default_rng(seed).normal(size=600), np.random.default_rng([seed, 1]).random(600) < 0.5) for seed in range(200)]
    assert np.mean([min(one.p_holm for one in slices(*audit, groups, names)) < 0.05 for audit in audits]) <= 0.09
    assert np.mean([differ(*audit, groups) < 0.05 for audit in audits]) <= 0.10
    scores, member = audits[0]
    assert differ(scores + 2 * (member & (groups == 3)), member, groups) < 1e-5


@pytest.mark.parametrize("gap", [0.0, 1.0])
def test_small_slices_that_leak_alike_are_called_different_at_the_level(gap: float) -> None:
    """Ten slices of thirty, the same leak in each: alarms at 5 % in at most the one-sided 99.9 % binomial limit of 400 audits."""
    groups, alarms = np.repeat(np.arange(10), 30), 0
    for seed in range(400):
        rng = np.random.default_rng([seed, 2])
        member = rng.random(300) < 0.5
        alarms += differ(rng.normal(size=300) + gap * member, member, groups) < 0.05
    assert alarms <= binom.isf(0.001, 400, 0.05)


def test_no_slice_resolved_is_said() -> None:
    """All parts too small: no numbers, and nothing differs."""
    scores, member = gaussian(3, 8, 1.0)
    found = slices(scores, member, np.zeros(16, dtype=int), {0: "all"})
    assert found[0].auc is None
    assert differ(scores, member, np.zeros(16, dtype=int)) == 1.0
    with pytest.raises(EvidenceError, match="one group for each"):
        slices(scores, member, np.zeros(3, dtype=int), {0: "all"})


def test_calibrated_probabilities_are_frequencies() -> None:
    """Fitted on other models, nine in ten of those called 90 % are members; it beats always saying one half."""
    scores, member = gaussian(4, 5_000, 2.0)
    fresh, truth = gaussian(5, 5_000, 2.0)
    found = calibrate(scores, member)(fresh)
    for low, high in ((0.0, 0.1), (0.4, 0.6), (0.9, 1.0)):
        here = (found >= low) & (found <= high)
        assert truth[here].mean() == pytest.approx(found[here].mean(), abs=0.04)
    assert brier(found, truth) < 0.15 < brier(np.full(truth.size, 0.5), truth)
    assert found.min() > 0
    assert found.max() < 1


def test_calibration_rises_and_forgets_units() -> None:
    """A larger score is never less likely a member; a rising transform changes no probability; constant scores say one half."""
    scores, member = gaussian(6, 200, 1.0)
    found = calibrate(scores, member)
    assert (np.diff(found(np.sort(scores))) >= 0).all()
    np.testing.assert_allclose(calibrate(np.exp(scores), member)(np.exp(scores)), found(scores))
    np.testing.assert_allclose(calibrate(np.zeros(400), member)(np.array([-1.0, 0.0, 1.0])), 0.5)


def test_the_list_holds_few_wrong_names() -> None:
    """At 10 % the mean share of wrong names over 200 audits is at most 10 %; noise names somebody in at most 10 % of audits or so."""
    wrong, noise = [], []
    for seed in range(200):
        scores, member = gaussian(seed, 300, 3.0)
        other = np.random.default_rng([seed, 9]).normal(size=2_000)
        chosen = named(scores, other, 0.1)
        wrong.append((chosen & ~member).sum() / max(1, chosen.sum()))
        assert chosen.sum() > 50
        noise.append(named(gaussian(seed, 300, 0.0)[0], other, 0.1).any())
    assert np.mean(wrong) <= 0.1
    assert np.mean(noise) <= 0.16


def test_a_conformal_p_counts_those_as_high() -> None:
    """Ties count as high, and the example itself is one of them, so that p is never 0."""
    np.testing.assert_allclose(conformal_p(np.array([0.0, 1.0, 5.0]), np.array([0.0, 1.0, 1.0])), [1.0, 3 / 4, 1 / 4])
    with pytest.raises(EvidenceError, match="needs non-members"):
        conformal_p(np.zeros(2), np.zeros(0))


def test_too_few_on_one_side_are_no_slice() -> None:
    """Forty members and nine non-members say nothing."""
    member = np.arange(100) < 50
    groups = np.where((np.arange(100) < 40) | (np.arange(100) >= 91), 0, 1)
    few, many = slices(np.arange(100.0), member, groups, {0: "few", 1: "many"})
    assert (few.members, few.nonmembers, few.auc) == (40, 9, None)
    assert many.auc is not None


def test_whether_slices_differ_is_an_f_test_by_hand() -> None:
    """Shares counted pair by pair, their variances pooled over slices, the spread of the AUCs against them."""
    rng = np.random.default_rng(5)
    member, groups = rng.random(600) < 0.5, rng.integers(0, 3, 600)
    scores = rng.normal(size=600) + 0.5 * member * groups
    areas, weights, squares, freedom, sizes = [], [], [0.0, 0.0], [0, 0], []
    for group in range(3):
        inside, outside = (scores[(groups == group) & side] for side in (member, ~member))
        wins = inside[:, None] > outside
        for side, shares in enumerate((wins.mean(axis=1), wins.mean(axis=0))):
            squares[side] += ((shares - shares.mean()) ** 2).sum()
            freedom[side] += shares.size - 1
        areas.append(wins.mean())
        sizes.append((inside.size, outside.size))
    pooled = np.array(squares) / freedom
    weights = np.array([1 / (pooled[0] / many + pooled[1] / others) for many, others in sizes])
    centre = (weights * areas).sum() / weights.sum()
    spread = (weights * (np.array(areas) - centre) ** 2).sum() / 2
    assert differ(scores, member, groups) == pytest.approx(f.sf(spread, 2, sum(freedom)))
