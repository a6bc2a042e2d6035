"""Variants compared: frontiers read at a common accuracy, replicate by replicate, and a page that says what was found."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.stats import permutation_test, ttest_rel

from mia_audit.audit.comparing.variants import compare, variant
from mia_audit.catalogue import override
from mia_audit.errors import EvidenceError
from mia_audit.record import Record
from mia_audit.record.compared import Compared
from mia_audit.report import render
from mia_audit.report.comparison_page import compared
from mia_audit.statistics.frontier import Frontier, common_accuracy, least_sign_p, paired, paired_p, sign_p, varies
from mia_audit.statistics.nulltest import holm
from tests.support.html import text
from tests.support.records import make_record


def frontier(*points: tuple[float, float]) -> Frontier:
    """Return a frontier of these points."""
    accuracy, leak = np.array(points).T
    return Frontier(accuracy=accuracy, leak=leak)


def test_a_frontier_is_straight_between_its_points() -> None:
    """In any order, equal accuracies by their mean, never beyond the ends."""
    found = frontier((0.9, 0.7), (0.8, 0.5), (0.9, 0.8))
    assert found.at(0.85) == pytest.approx(0.625)
    assert found.ends == (0.8, 0.9)
    assert common_accuracy([found, frontier((0.7, 0.5), (0.84, 0.6))]) == pytest.approx(0.82)
    assert common_accuracy([found, frontier((0.6, 0.5), (0.7, 0.6))]) is None
    with pytest.raises(EvidenceError, match="finite points"):
        frontier((0.9, np.nan))


def test_pairs_are_tested_as_pairs() -> None:
    """Student's interval and the exact p are SciPy's; one replicate is no comparison, nor are equal differences."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 7)) + np.array([[0.8], [0.0]])
    found = paired(first - second)
    reference = ttest_rel(first, second).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high))
    assert paired_p(first - second) == pytest.approx(ttest_rel(first, second).pvalue)
    assert not varies(np.array([0.1, 0.1 + 1e-17, 0.1]))
    for alike in (np.zeros(5), np.ones(5), np.array([1.0])):
        for judged in (paired, paired_p):
            with pytest.raises(EvidenceError, match="do not all differ alike"):
                judged(alike)
    exact = permutation_test((first, second), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples", vectorized=True)
    assert sign_p(first - second, rng) == pytest.approx(exact.pvalue)
    for replicates in (2, 5, 14):
        assert sign_p(np.ones(replicates), rng) == pytest.approx(least_sign_p(replicates)) == pytest.approx(2 / 2**replicates)
    assert least_sign_p(20) <= sign_p(np.ones(20), rng) < 0.001


def records(strengths: dict[str, float], seeds: range, accuracies: tuple[float, ...]) -> list[Record]:
    """Return records of variants by name, replicates sharing coins, and several fits of each."""
    found = []
    for (name, strength), seed, (fit, accuracy) in product(strengths.items(), seeds, enumerate(accuracies)):
        made = make_record(
            name, weight_bits=4 if name == "a" else 8, strength=strength * (1 + fit), accuracy=accuracy, seed=seed, training_seed=seed,
            pool=400, shadows=5,
        )  # fmt: skip
        recipe = made.summary.recipe
        fitted = recipe.model_copy(update={"training": recipe.training.model_copy(update={"epochs": 10 + fit})})
        utility = made.summary.utility.model_copy(update={"shadow_test_accuracy_mean": accuracy})
        data = made.summary.data.model_copy(update={"sha256": f"{seed:064x}"})
        found.append(replace(made, summary=made.summary.model_copy(update={"recipe": fitted, "utility": utility, "data": data})))
    return found


def test_a_leakier_variant_is_found_at_common_accuracy() -> None:
    """Five replicates, two fits each: variant a leaks more at the middle of the common range; the page says so."""
    made = records({"a": 1.0, "b": 0.3}, range(5), (0.8, 0.9))
    (found,) = compare(made).variants
    assert (found.first[:3], found.second[:3], found.replicates) == ("a (", "b (", 5)
    assert found.accuracy == pytest.approx(0.85)
    assert found.difference.low > 0
    assert found.p == found.p_holm < 0.001
    assert found.p_sign == found.p_sign_least == pytest.approx(2 / 32)
    page = render(made, compare(made))
    assert f"{found.first} leaks more than {found.second}, at a common test accuracy of 85.0" in page
    assert "at least 0.0625" in text(page)
    assert "4-bit weights" in found.first
    assert "8-bit weights" in found.second


def test_the_sentence_follows_the_corrected_p() -> None:
    """An interval that leaves 0 out says "leaks more" only when the p holds after correction; the side that leaks less is never named."""
    (found,) = compare(records({"a": 1.0, "b": 0.3}, range(5), (0.8, 0.9))).variants
    found = found.model_copy(update={"first": "a", "second": "b"})
    assert compared(found).startswith("a leaks more than b, ")
    turned = {"low": -found.difference.high, "high": -found.difference.low, "value": -(found.difference.value or 0)}
    backwards = found.model_copy(update={"difference": found.difference.model_copy(update=turned)})
    assert compared(backwards).startswith("b leaks more than a, ")
    corrected = found.model_copy(update={"p_holm": 0.06})
    assert compared(corrected).startswith("a and b are told apart by their own interval, but not once all comparisons are corrected for")
    nothing = corrected.model_copy(update={"difference": found.difference.model_copy(update={"low": -0.01})})
    assert compared(nothing).startswith("a and b are not told apart, ")


def test_many_comparisons_are_corrected_together() -> None:
    """Among variants that differ by noise alone some pairs have an interval that leaves 0 out; none of them is called apart."""
    rng, plain = np.random.default_rng(0), records({"a": 0.5}, range(5), (0.9,))
    made = [noisy(changed(record, {"training.weight_decay": 0.01 * number}), rng) for number in range(8) for record in plain]
    found = compare(made).variants
    assert len(found) == 28
    assert [one.p_holm for one in found] == list(holm([one.p for one in found]))
    alone = [one for one in found if one.difference.low > 0 or one.difference.high < 0]
    assert alone
    assert alone == [one for one in found if one.p < 0.05]
    assert not any("leaks more than" in compared(one) for one in found)


def noisy(record: Record, rng: np.random.Generator) -> Record:
    """Return a record whose rehearsals came out a little differently."""
    attacks = tuple(
        attack.model_copy(update={"rehearsal_auc": attack.rehearsal_auc + 0.02 * rng.normal()}) for attack in record.summary.attacks
    )
    return replace(record, summary=record.summary.model_copy(update={"attacks": attacks}))


def test_unmatched_accuracies_and_few_replicates_are_said() -> None:
    """Frontiers that do not overlap are not matched; two replicates are few; one is no comparison."""
    apart = records({"a": 1.0}, range(2), (0.9,)) + records({"b": 0.3}, range(2), (0.8,))
    (found,) = compare(apart).variants
    assert found.accuracy is None
    assert found.apart == pytest.approx(0.1)
    page = render(apart, compare(apart))
    assert "were not matched" in page
    assert "2 replicates are few" in page
    assert "leaks more cannot be said" in page
    assert "leaks more than" not in page
    once = compare(records({"a": 1.0, "b": 0.3}, range(1), (0.9,)))
    assert once.variants == ()
    assert "are one replicate" in once.silent[0]
    assert compare([]) == Compared()


def changed(record: Record, changes: dict[str, Any]) -> Record:
    """Return a record whose recipe differs in some settings."""
    recipe = override(record.summary.recipe, changes)
    return replace(record, summary=record.summary.model_copy(update={"recipe": recipe}))


@pytest.mark.parametrize(
    "changes",
    [
        {"data.augment": ["flip"]}, {"data.crop_padding": 2}, {"data.member_fraction": 0.4}, {"data.dataset": "mnist"},
        {"audit.queries": 4}, {"audit.augmented_queries": True}, {"training.weight_decay": 0.1}, {"model.hidden": [64]},
    ],
)  # fmt: skip
def test_what_changes_models_or_queries_makes_another_variant(changes: dict[str, Any]) -> None:
    """Such recipes are no points of one frontier."""
    record = make_record(pool=100)
    assert variant(changed(record, changes)) != variant(record)


@pytest.mark.parametrize(
    "changes",
    [
        {"training.checkpoints": [3, 6]}, {"training.stop_from": "seed 7"}, {"training.stop_epoch": 20}, {"training.epochs": 40},
        {"training.learning_rate": 0.1}, {"training.seed": 3}, {"data.pool": 200}, {"audit.shadows": 12}, {"name": "other"},
    ],
)  # fmt: skip
def test_seed_fit_and_what_observes_make_no_variant(changes: dict[str, Any]) -> None:
    """A recipe that keeps checkpoints trains the same models as one without."""
    record = make_record(pool=100)
    assert variant(changed(record, changes)) == variant(record)


def test_variants_of_one_name_are_told_apart_by_their_settings() -> None:
    """Augmented and plain records of one target are two variants, not two fits of one, and their names say which is which."""
    plain = records({"a": 0.5}, range(2), (0.8, 0.9))
    rng = np.random.default_rng(0)
    augmented = [noisy(changed(record, {"data.augment": ["crop", "flip"]}), rng) for record in plain]
    (found,) = compare([*plain, *augmented]).variants
    assert "data.augment" not in found.first
    assert "data.augment = [crop, flip]" in found.second
    alone = compare(plain)
    assert alone.variants == ()
    assert "of one variant" in alone.silent[0]
