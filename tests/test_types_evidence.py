"""Evidence: what may be seen, cut to examples and to models alike everywhere, and refused where it does not fit together."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mia_audit.errors import EvidenceError
from mia_audit.types import Evidence, PopulationData, Signal
from tests.support.planted import arrays, planted


def whole() -> Evidence:
    """Return evidence with every optional part."""
    seen, _ = planted(1.0, examples=60, shadows=12)
    steps = np.random.default_rng(0).normal(size=(13, seen.examples, 3))
    return replace(seen, signals={"steps": Signal(target=steps[0], shadows=steps[1:])})


def test_examples_are_cut_everywhere_alike() -> None:
    """What belongs to an example goes with it; the population data stays."""
    seen = whole()
    few = seen.only(np.array([4, 2]))
    np.testing.assert_array_equal(few.target, seen.target[:, [4, 2]])
    np.testing.assert_array_equal(few.shadows, seen.shadows[:, :, [4, 2]])
    np.testing.assert_array_equal(few.labels, seen.labels[[4, 2]])
    np.testing.assert_array_equal(few.signals["steps"].target, seen.signals["steps"].target[[4, 2]])
    np.testing.assert_array_equal(few.signals["steps"].shadows, seen.signals["steps"].shadows[:, [4, 2]])
    assert few.features is not None
    assert seen.features is not None
    np.testing.assert_array_equal(few.features, seen.features[[4, 2]])
    assert few.population is seen.population


def test_a_shadow_model_takes_the_targets_part_in_every_signal() -> None:
    """Its answers become the target's, and are gone from the shadow models'."""
    seen = whole()
    turned = seen.against_shadow(5)
    rest = [0, 1, 2, 3, 4, *range(6, 12)]
    pool, own = turned.population, seen.population
    assert pool is not None
    assert own is not None
    np.testing.assert_array_equal(turned.target, seen.shadows[5])
    np.testing.assert_array_equal(turned.shadows, seen.shadows[rest])
    np.testing.assert_array_equal(turned.trained_on, seen.trained_on[rest])
    np.testing.assert_array_equal(pool.target, own.shadows[5])
    np.testing.assert_array_equal(pool.shadows, own.shadows[rest])
    np.testing.assert_array_equal(turned.signals["steps"].target, seen.signals["steps"].shadows[5])
    np.testing.assert_array_equal(turned.signals["steps"].shadows, seen.signals["steps"].shadows[rest])
    assert len(arrays(turned)) == len(arrays(seen))


def test_what_is_offered_is_what_is_there() -> None:
    """Attacks ask by these words."""
    seen = whole()
    assert seen.offers == {"shadows", "queries", "population", "features", "steps"}
    bare = replace(seen, target=seen.target[:1], shadows=seen.shadows[:, :1], population=None, features=None, signals={})
    assert bare.offers == {"shadows"}
    nobody = bare.with_shadows(np.zeros(12, dtype=np.bool_))
    assert nobody.offers == frozenset()


def test_parts_that_do_not_fit_are_refused() -> None:
    """Each names itself and what it should be."""
    seen = whole()
    pool = seen.population
    assert pool is not None
    with pytest.raises(EvidenceError, match="one label for each of"):
        replace(seen, labels=seen.labels[1:])
    with pytest.raises(EvidenceError, match=r"features \[\d+, values\]"):
        replace(seen, features=np.zeros((3, 2)))
    with pytest.raises(EvidenceError, match="12 shadow models on the population data too, got 11"):
        replace(seen, population=replace(pool, shadows=pool.shadows[1:]))
    with pytest.raises(EvidenceError, match="population data needs target"):
        PopulationData(target=pool.target, shadows=pool.shadows[:, :, 1:], labels=pool.labels)
    with pytest.raises(EvidenceError, match="signal rates needs"):
        replace(seen, signals={"rates": Signal(target=np.zeros(3), shadows=np.zeros((12, 3)))})
    with pytest.raises(EvidenceError, match="signal rates needs finite values"):
        replace(seen, signals={"rates": Signal(target=np.full(seen.examples, np.nan), shadows=np.zeros((12, seen.examples)))})
    with pytest.raises(EvidenceError, match="the population data needs finite logits"):
        replace(pool, target=pool.target * np.nan)


@pytest.mark.parametrize(
    ("part", "wrong", "message"),
    [
        ("trained_on", lambda mask: mask.astype(int), r"trained_on as an array of bools .* got int64 \(12, 59\)"),
        ("trained_on", lambda mask: mask.astype(float), "trained_on as an array of bools .* got float64"),
        ("trained_on", lambda mask: mask.tolist(), "trained_on as an array of bools .* got list"),
        ("trained_on", lambda mask: mask.T, "12 models|59 models"),
        ("trained_on", lambda mask: mask[0], r"trained_on as an array of bools .* got bool \(59,\)"),
        ("labels", lambda labels: labels.astype(float), "labels as an array of whole numbers, one a class, got float64"),
        ("labels", lambda labels: labels > 0, "labels as an array of whole numbers, one a class, got bool"),
        ("labels", lambda labels: labels.tolist(), "labels as an array of whole numbers, one a class, got list"),
        ("labels", lambda labels: np.eye(10, dtype=int)[labels], r"one label for each of 59 examples, got \(59, 10\)"),
        ("labels", lambda labels: labels + 90, "labels from 0 to"),
        ("target", lambda logits: logits.tolist(), "target as an array of floats, got list"),
        ("target", lambda logits: logits.astype(int), "target as an array of floats, got int64"),
        ("target", lambda logits: logits[0], r"add an axis of queries: target\[None\]"),
        ("target", lambda logits: logits.swapaxes(1, 2), "evidence needs target"),
        ("shadows", lambda logits: logits.astype(complex), "shadows as an array of floats, got complex128"),
        ("shadows", lambda logits: logits[:, 0], r"add an axis of queries: shadows\[:, None\]"),
        ("shadows", lambda logits: logits.swapaxes(0, 2), "evidence needs target"),
        ("features", lambda features: features.astype(object), "features as an array of floats, got object"),
        ("signals", lambda _: {"steps": Signal(target=np.zeros(59, dtype=int), shadows=np.zeros(1))}, "steps needs target as an"),
    ],
)  # fmt: skip
def test_what_would_be_scored_wrongly_is_refused(part: str, wrong: Callable[[Any], Any], message: str) -> None:
    """Wrong types and axes: a mask of 0 and 1 once turned an AUC of .784 into .259 without a word."""
    seen = whole()
    with pytest.raises(EvidenceError, match=message):
        replace(seen, **{part: wrong(getattr(seen, part))})


@pytest.mark.parametrize(
    "chosen", [np.arange(59) % 2, [1, 2], np.arange(58) > 3, np.array([3, 62]), np.ones((59, 1), dtype=bool), np.arange(3.0)]
)
def test_a_choice_is_a_mask_or_distinct_places(chosen: Any) -> None:
    """A mask of 0 and 1 would be taken for the first two places, over and over."""
    seen = whole()
    with pytest.raises(EvidenceError, match="a choice of examples needs a mask of 59 bools or distinct places"):
        seen.only(chosen)
    with pytest.raises(EvidenceError, match="a choice of shadow models needs a mask of 12 bools or distinct places"):
        seen.with_shadows(np.arange(12) % 2)
    assert seen.only(np.array([-1, 0])).labels.tolist() == seen.labels[[-1, 0]].tolist()
    assert seen.only(np.arange(59) == 7).labels.tolist() == [seen.labels[7]]


def test_the_third_pool_is_held_to_the_same() -> None:
    """Its labels, its logits and its features."""
    pool = whole().population
    assert pool is not None
    for part, wrong, message in (
        ("labels", pool.labels.astype(float), "the population data needs labels as an array of whole numbers"),
        ("labels", pool.labels[:, None], "the population data needs one label for each"),
        ("target", pool.target.tolist(), "the population data needs target as an array of floats"),
        ("shadows", pool.shadows.astype(int), "the population data needs shadows as an array of floats"),
    ):
        with pytest.raises(EvidenceError, match=message):
            replace(pool, **{part: wrong})
