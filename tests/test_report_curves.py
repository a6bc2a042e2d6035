"""The report's own ROC curves and bins, against scikit-learn and by counting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from mia_audit.errors import RecordError
from mia_audit.record import Record
from mia_audit.report.curves import audited_membership, resolution_limit, roc, scores, thinned
from mia_audit.report.figures import score_bins
from tests.support.records import auc_of, make_record, tpr_of


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 3, 10, 1000]))
def test_the_curve_is_scikit_learns_with_ties(seed: int, levels: int) -> None:
    """Vertices equal scikit-learn's, few or many distinct scores."""
    rng = np.random.default_rng(seed)
    member = np.concatenate([[True, False], rng.random(30) < 0.5])
    values = rng.integers(0, levels, member.size).astype(float)
    curve = roc(values, member)
    fpr, tpr, _ = roc_curve(member, values, drop_intermediate=False)
    assert np.array_equal(curve.fpr, fpr)
    assert np.array_equal(curve.tpr, tpr)


def test_a_larger_score_means_a_member() -> None:
    """A perfect attack and its mirror image."""
    curve = roc(np.array([2.0, 3.0, 0.0, 1.0]), np.array([True, True, False, False]))
    assert curve.tpr_within(0.0) == 1.0
    assert roc(np.array([0.0, 1.0, 2.0, 3.0]), np.array([True, True, False, False])).tpr_within(0.99) == 0.0


def test_the_area_under_the_drawn_curve_is_the_records_auc() -> None:
    """What is drawn and what is printed are the same."""
    record = make_record()
    member = audited_membership(record)
    for attack in record.summary.attacks:
        curve = roc(scores(record, attack.name), member)
        assert np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(auc_of(scores(record, attack.name), member))
        assert np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(attack.auc.value)
        assert curve.tpr_within(0.05) == pytest.approx(tpr_of(scores(record, attack.name), member, 0.05))


def test_points_added_for_log_axes_lie_on_the_curve() -> None:
    """They change the drawing, not the curve."""
    curve = roc(np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0]), np.array([True, True, True, False, False, False]))
    finer = curve.for_log_axes(1e-3)
    assert np.all(np.diff(finer.fpr) >= 0)
    assert np.all(np.diff(finer.tpr) >= 0)
    assert np.allclose(finer.tpr, np.interp(finer.fpr, curve.fpr, curve.tpr))


def test_the_resolution_limit_is_ten_false_positives() -> None:
    """As in docs/method.md, rule 4."""
    record = make_record()
    assert resolution_limit(record) == pytest.approx(10 / record.summary.counts.audited_nonmembers)


def test_bins_hold_every_example_once() -> None:
    """Tails and infinities go to the outermost bins and do not stretch them."""
    rng = np.random.default_rng(0)
    values, member = rng.normal(size=500), rng.random(500) < 0.5
    values[:3] = (1e9, -1e9, np.inf)
    bins = score_bins(values, member)
    assert bins.members.sum() == pytest.approx(1)
    assert bins.nonmembers.sum() == pytest.approx(1)
    assert np.all(np.abs(bins.edges) < 10)


def test_bins_of_equal_scores_do_not_fail() -> None:
    """An attack that says the same of everybody has a histogram."""
    bins = score_bins(np.zeros(10), np.arange(10) < 5)
    assert bins.members.sum() == bins.nonmembers.sum() == 1


def test_a_record_without_its_scores_is_refused_in_one_line() -> None:
    """The message names the array and the way out."""
    whole = make_record()
    arrays = {name: value for name, value in whole.arrays.items() if name != "scores/loss"}
    with pytest.raises(RecordError, match="'scores/loss', which the record lacks; run the audit again") as caught:
        scores(Record(summary=whole.summary, arrays=arrays, run={}), "loss")
    assert "\n" not in str(caught.value)


def test_a_thinned_curve_has_points_of_the_whole_one() -> None:
    """With ties or without: each is on the curve, none of the rates that were wanted is far off, and both ends are there."""
    rng = np.random.default_rng(0)
    for digits in (1, 9):
        member = rng.random(4_000) < 0.3
        values = (rng.normal(size=4_000) + 0.5 * member).round(digits).astype(np.float32)
        whole, wanted = roc(values, member), np.linspace(0, 1, 50)
        few = thinned(values, member, wanted)
        points = set(zip(whole.fpr.tolist(), whole.tpr.tolist(), strict=True))
        assert set(zip(few.fpr.tolist(), few.tpr.tolist(), strict=True)) <= points
        assert (few.fpr[0], few.tpr[0], few.fpr[-1], few.tpr[-1]) == (0, 0, 1, 1)
        assert (np.diff(few.fpr) >= 0).all()
        assert few.tpr[few.fpr == 0].max() == whole.tpr[whole.fpr == 0].max()
        step = np.diff(whole.fpr).max() + 1e-3
        assert max(np.abs(few.fpr - each).min() for each in wanted) <= step
