"""Evidence: what may be seen, cut to examples and to models alike everywhere, and refused where it does not fit together."""

from dataclasses import replace

import numpy as np
import pytest

from mia_audit.errors import EvidenceError
from mia_audit.types import Evidence, Signal, ThirdPool
from tests.support.planted import arrays, planted


def whole() -> Evidence:
    """Return evidence with every optional part."""
    seen, _ = planted(1.0, examples=60, shadows=12)
    steps = np.random.default_rng(0).normal(size=(13, seen.examples, 3))
    return replace(seen, signals={"steps": Signal(target=steps[0], shadows=steps[1:])})


def test_examples_are_cut_everywhere_alike() -> None:
    """What belongs to an example goes with it; the third pool stays."""
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
    with pytest.raises(EvidenceError, match="12 shadow models on the third pool too, got 11"):
        replace(seen, population=replace(pool, shadows=pool.shadows[1:]))
    with pytest.raises(EvidenceError, match="third pool needs target"):
        ThirdPool(target=pool.target, shadows=pool.shadows[:, :, 1:], labels=pool.labels)
    with pytest.raises(EvidenceError, match="signal rates needs"):
        replace(seen, signals={"rates": Signal(target=np.zeros(3), shadows=np.zeros((12, 3)))})
    with pytest.raises(EvidenceError, match="signal rates needs finite values"):
        replace(seen, signals={"rates": Signal(target=np.full(seen.examples, np.nan), shadows=np.zeros((12, seen.examples)))})
    with pytest.raises(EvidenceError, match="the third pool needs finite logits"):
        replace(pool, target=pool.target * np.nan)
