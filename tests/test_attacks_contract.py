"""The contract of every attack: shape, finiteness, order, direction, planted leakage found, none invented."""

from dataclasses import fields, replace

import numpy as np
import pytest

from mia_audit.attacks import ATTACKS, Attack
from mia_audit.errors import EvidenceError
from mia_audit.statistics.roc import auc
from mia_audit.types import Evidence
from tests.support.planted import arrays, planted, scaled

LEAST = {"correctness": 0.55}
"""AUC demanded on the planted leak, 0.6 where not named."""


every_attack = pytest.mark.parametrize("attack", ATTACKS.values(), ids=lambda attack: attack.name)


@every_attack
def test_planted_leakage_is_found(attack: Attack) -> None:
    """Members that are surer of their labels score above the others: larger means member."""
    seen, member = planted(2.0)
    scores = attack.score(seen)
    assert scores.shape == member.shape
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert auc(scores, member) > LEAST.get(attack.name, 0.6)


@every_attack
def test_no_leakage_is_invented(attack: Attack) -> None:
    """Where membership changes nothing the AUC lies within four standard errors of 1/2, on average over three targets."""
    found, examples = [], 0
    for seed in range(3):
        seen, member = planted(0.0, seed=seed)
        found.append(auc(attack.score(seen), member))
        examples += member.size
    assert abs(np.mean(found) - 0.5) < 4 * np.sqrt(1 / (3 * examples))


@every_attack
def test_scores_follow_their_examples(attack: Attack) -> None:
    """Permuted examples give permuted scores."""
    seen, _ = planted(1.0, examples=300)
    order = np.random.default_rng(0).permutation(seen.examples)
    np.testing.assert_allclose(attack.score(seen.only(order)), attack.score(seen)[order], rtol=1e-5, atol=1e-6)


@every_attack
def test_the_same_evidence_gives_the_same_scores(attack: Attack) -> None:
    """Scores are equal to the bit when computed twice, and the evidence is left as it was."""
    seen, _ = planted(1.0, examples=200)
    before = [array.copy() for array in arrays(seen)]
    np.testing.assert_array_equal(attack.score(seen), attack.score(seen))
    for array, copy in zip(arrays(seen), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_attack
@pytest.mark.parametrize("scale", [0.0, 1e4, 1e37])
def test_extreme_logits_give_finite_scores(attack: Attack, scale: float) -> None:
    """Constant, saturated and enormous logits never give NaN or infinity, nor a warning."""
    seen, _ = planted(1.0, examples=200)
    assert np.isfinite(attack.score(scaled(seen, np.float32(scale)))).all()


@every_attack
def test_the_targets_membership_cannot_be_peeked_at(attack: Attack) -> None:
    """Evidence has no place for it: scores are a function of what is there, so they cannot change with it."""
    seen, _ = planted(1.0, examples=200)
    assert {field.name for field in fields(seen)} == {"target", "shadows", "trained_on", "labels", "population", "features", "signals"}
    assert all(len(array) in (len(seen.target), len(seen.shadows), seen.examples, 200) for array in arrays(seen))
    assert attack.score(seen).shape == (seen.examples,)


@every_attack
def test_what_is_missing_is_named(attack: Attack) -> None:
    """An attack that finds less than it needs says what, instead of scoring something else."""
    seen, _ = planted(1.0, examples=100)
    bare = replace(seen, target=seen.target[:1], shadows=seen.shadows[:, :1], population=None, features=None, signals={})
    if attack.needs - bare.offers:
        with pytest.raises(EvidenceError, match=f"{attack.name} needs .*{min(attack.needs - bare.offers)}.*; the evidence offers shadows"):
            attack.score(bare)
    else:
        assert np.isfinite(attack.score(bare)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_refused(value: float) -> None:
    """NaN and infinite logits never reach an attack."""
    seen, _ = planted(1.0, examples=50)
    broken = seen.target.copy()
    broken[0, 0, 0] = value
    with pytest.raises(EvidenceError, match="finite logits, got NaN or infinity"):
        Evidence(target=broken, shadows=seen.shadows, trained_on=seen.trained_on, labels=seen.labels)
