"""ROC, AUC and TPR at FPR are exact with ties, at both ends and upside down."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from mia_audit.errors import EvidenceError
from mia_audit.statistics.proportions import balanced_accuracy, rates_above
from mia_audit.statistics.roc import allowed_false_positives, auc, best_threshold, counts_above, counts_from, roc, tpr_at_fpr
from mia_audit.types import Bools, Floats


@st.composite
def tied(draw: st.DrawFn) -> tuple[Floats, Bools]:
    """Draw scores with many ties, and membership with both kinds."""
    member = draw(st.lists(st.booleans(), min_size=2, max_size=40).filter(lambda coins: 0 < sum(coins) < len(coins)))
    scores = draw(st.lists(st.integers(-3, 3), min_size=len(member), max_size=len(member)))
    return np.array(scores, dtype=np.float64), np.array(member)


@given(tied())
def test_the_curve_equals_scikit_learns(case: tuple[Floats, Bools]) -> None:
    """Points, thresholds, anchors and area agree with scikit-learn on scores full of ties."""
    scores, member = case
    curve = roc(scores, member)
    fpr, tpr, thresholds = roc_curve(member, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.fpr, fpr, rtol=1e-15)
    np.testing.assert_allclose(curve.tpr, tpr, rtol=1e-15)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    assert auc(scores, member) == pytest.approx(roc_auc_score(member, scores), abs=1e-12)


@given(tied())
def test_the_curve_runs_from_corner_to_corner(case: tuple[Floats, Bools]) -> None:
    """Every curve begins at (0, 0), ends at (1, 1) and never falls."""
    curve = roc(*case)
    assert (curve.fpr[0], curve.tpr[0], curve.fpr[-1], curve.tpr[-1]) == (0, 0, 1, 1)
    assert (np.diff(curve.fpr) >= 0).all()
    assert (np.diff(curve.tpr) >= 0).all()


@given(tied())
def test_upside_down_scores_mirror_the_area(case: tuple[Floats, Bools]) -> None:
    """Turning the scores round, or the sides, turns the AUC into 1 - AUC."""
    scores, member = case
    assert auc(-scores, member) == pytest.approx(1 - auc(scores, member))
    assert auc(scores, ~member) == pytest.approx(1 - auc(scores, member))


@given(tied(), st.floats(0, 1))
def test_tpr_at_fpr_is_the_best_real_threshold(case: tuple[Floats, Bools], fpr: float) -> None:
    """It equals a search over every real threshold; nothing is interpolated."""
    scores, member = case
    points = [(np.mean(scores[~member] > t), np.mean(scores[member] > t)) for t in (-np.inf, *scores)]
    assert tpr_at_fpr(scores, member, fpr) == max(tpr for rate, tpr in points if rate <= fpr + 1e-12)


@given(tied())
def test_rank_metrics_see_only_ranks(case: tuple[Floats, Bools]) -> None:
    """A monotone transform of the scores changes no area and no rate."""
    scores, member = case
    assert auc(np.exp(3 * scores), member) == auc(scores, member)
    assert tpr_at_fpr(np.exp(3 * scores), member, 0.2) == tpr_at_fpr(scores, member, 0.2)


def test_a_tied_block_is_one_step() -> None:
    """Two tied pairs give AUC 1/2 and no true positive for free; a published tool says 0.375 and 0.5."""
    scores, member = np.array([1.0, 1.0, 0.0, 0.0]), np.array([True, False, True, False])
    assert auc(scores, member) == 0.5
    assert tpr_at_fpr(scores, member, 0.0) == 0.0
    assert roc(scores, member).fpr.tolist() == [0.0, 0.5, 1.0]


def test_larger_scores_mean_members() -> None:
    """Scores that put members above have AUC 1; a published tool reports 0.08 for such an attack."""
    scores, member = np.array([3.0, 2.0, 1.0, 0.0]), np.array([True, True, False, False])
    assert auc(scores, member) == 1.0
    assert tpr_at_fpr(scores, member, 0.0) == 1.0
    assert rates_above(scores, member, best_threshold(scores, member))[0].hits == 2


def test_constant_scores_tell_nothing_apart() -> None:
    """Equal scores give the diagonal: AUC 1/2 and no TPR at any FPR below 1."""
    scores, member = np.ones(10), np.arange(10) < 5
    assert auc(scores, member) == 0.5
    assert tpr_at_fpr(scores, member, 0.99) == 0.0
    assert tpr_at_fpr(scores, member, 1.0) == 1.0


def test_false_positives_allowed_are_counted_exactly() -> None:
    """0.1 % of 3,000 is 3, and 29 % of 100 is 29, although the products fall short of it in floating point."""
    assert (allowed_false_positives(3_000, 0.001), allowed_false_positives(100, 0.29), allowed_false_positives(999, 0.001)) == (3, 29, 0)


@given(tied())
def test_the_best_threshold_is_best(case: tuple[Floats, Bools]) -> None:
    """No threshold has a larger balanced accuracy, and its own is never below one half."""
    scores, member = case
    reached = balanced_accuracy(*rates_above(scores, member, best_threshold(scores, member))).value
    every = [balanced_accuracy(*rates_above(scores, member, t)).value for t in (-np.inf, *scores)]
    assert reached is not None
    assert reached == pytest.approx(max(value for value in every if value is not None))


def test_the_best_threshold_lies_between_two_scores() -> None:
    """It is midway between members and others, and the lower score where no float lies between."""
    member = np.array([False, True])
    assert best_threshold(np.array([1.0, 2.0]), member) == 1.5
    lower, upper = 1 + 2.0**-52, 1 + 2.0**-51  # their mean rounds to the upper one
    assert best_threshold(np.array([lower, upper]), member) == lower


def test_a_worse_than_chance_score_calls_nobody_a_member() -> None:
    """Where no threshold beats a coin, the threshold is the largest score: finite, and above it is nobody."""
    assert best_threshold(np.array([1.0, 2.0, 3.0]), np.array([True, True, False])) == 3.0


def test_counts_differ_only_in_ties() -> None:
    """An equal score counts in "from" and not in "above"."""
    scores, values = np.array([1.0, 2.0, 2.0, 3.0]), np.array([2.0])
    assert (counts_from(scores, values).item(), counts_above(scores, values).item()) == (3.0, 1.0)


@pytest.mark.parametrize(
    ("scores", "member", "message"),
    [
        ([1.0, np.nan], [True, False], "finite scores, got 1 NaN"),
        ([1.0, np.inf], [True, False], "finite scores"),
        ([1.0, 2.0], [True, True], "got 2 members of 2"),
        ([1.0, 2.0], [False, False], "got 0 members of 2"),
        ([1.0, 2.0], [1, 0], "one bool per example"),
        ([1.0], [True, False], "one score"),
    ],
)
def test_no_curve_is_refused_in_one_line(scores: list[float], member: list[bool], message: str) -> None:
    """NaN, one side alone and wrong shapes are errors, never a silent 0.5."""
    with pytest.raises(EvidenceError, match=message):
        auc(np.array(scores), np.array(member))
