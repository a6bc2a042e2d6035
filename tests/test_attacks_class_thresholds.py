"""Modified entropy by class: the thresholds of a loop over classes and cuts, learnt on shadow models alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_audit.attacks.class_thresholds import ModifiedEntropyByClass, best_cut
from mia_audit.attacks.observables import modified_entropy
from mia_audit.attacks.thresholds import MODIFIED_ENTROPY
from mia_audit.errors import ShadowBudgetError
from mia_audit.statistics.roc import auc
from tests.support.gaussian import coins, evidence_of, gaussian_evidence


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40))
def test_the_cut_is_the_best_of_all(rows: list[tuple[int, bool]]) -> None:
    """No other value used as a threshold gives a larger TPR - FPR, ties included."""
    values, member = np.array([value for value, _ in rows], dtype=float), np.array([side for _, side in rows])

    def advantage(cut: float) -> float:
        called = values >= cut
        return (called & member).sum() / max(1, member.sum()) - (called & ~member).sum() / max(1, (~member).sum())

    assert advantage(best_cut(values, member)) == pytest.approx(max(advantage(value) for value in values))


def test_decisions_are_those_of_a_loop_over_classes() -> None:
    """The score is 0 or more exactly where the entropy is at most the class's threshold."""
    seen, _ = gaussian_evidence(gap=1.0, examples=300, shadows=20, classes=3)
    entropies = np.array([modified_entropy(logits, seen.labels).mean(axis=0) for logits in seen.shadows])
    target, scores = modified_entropy(seen.target, seen.labels).mean(axis=0), ModifiedEntropyByClass().score(seen)
    for label in range(3):
        here = seen.labels == label
        rows, member = entropies[:, here].ravel(), seen.trained_on[:, here].ravel()
        cuts = np.unique(rows)
        advantages = [np.mean(rows[member] <= cut) - np.mean(rows[~member] <= cut) for cut in cuts]
        best = cuts[np.flatnonzero(np.isclose(advantages, max(advantages)))[-1]]
        np.testing.assert_array_equal(scores[here] >= 0, target[here] <= best * (1 + 1e-12))


def test_classes_that_differ_in_difficulty_are_told_apart() -> None:
    """Where one class is far easier than the other, one threshold serves neither; with two, all classes meet at 0."""
    member, labels = coins(17, 4_000, 0), np.random.default_rng([0, 2]).integers(0, 2, 4_000)
    phi = np.random.default_rng(0).normal(size=(17, 1, 4_000)) + 1.5 * member[:, None] + np.where(labels == 0, -1.0, 6.0)
    seen, truth = evidence_of(phi, member)
    np.testing.assert_array_equal(seen.labels, labels)
    can = np.minimum(seen.trained_on.sum(axis=0), (~seen.trained_on).sum(axis=0)) >= 1
    scores = ModifiedEntropyByClass().score(seen.only(can))
    assert auc(scores, truth[can]) > auc(MODIFIED_ENTROPY.score(seen), truth) + 0.1
    assert np.mean((scores >= 0) == truth[can]) > 0.75


def test_within_a_class_nothing_changes_rank() -> None:
    """A class's threshold shifts all of its examples alike."""
    seen, _ = gaussian_evidence(gap=1.0, examples=100, shadows=20, classes=2)
    scores, plain = ModifiedEntropyByClass().score(seen), MODIFIED_ENTROPY.score(seen)
    for label in range(2):
        np.testing.assert_array_equal(np.argsort(scores[seen.labels == label]), np.argsort(plain[seen.labels == label]))


def test_a_class_with_few_rows_takes_the_common_threshold() -> None:
    """An absent class changes nothing; a rare one shares what all classes together give."""
    seen, _ = gaussian_evidence(gap=1.0, examples=200, shadows=8)
    seen = seen.only(np.minimum(seen.trained_on.sum(axis=0), (~seen.trained_on).sum(axis=0)) >= 1)
    wide = replace(seen, target=np.pad(seen.target, [(0, 0)] * 2 + [(0, 2)], constant_values=-50.0),
                   shadows=np.pad(seen.shadows, [(0, 0)] * 3 + [(0, 2)], constant_values=-50.0))  # fmt: skip
    np.testing.assert_allclose(ModifiedEntropyByClass().score(wide), ModifiedEntropyByClass().score(seen), atol=1e-6)
    few = seen.only(np.arange(2))
    assert np.isfinite(ModifiedEntropyByClass().score(few)).all()


def test_an_example_that_was_never_in_is_refused() -> None:
    """Thresholds are judged as all shadow attacks are."""
    seen, _ = gaussian_evidence(gap=1.0, examples=20, shadows=12)
    rows = seen.trained_on.copy()
    rows[:, 3] = False
    with pytest.raises(ShadowBudgetError, match="modified-entropy-class needs at least 1"):
        ModifiedEntropyByClass().score(replace(seen, trained_on=rows))
