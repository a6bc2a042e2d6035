"""The contract of every attack: shape, finiteness, order, direction, planted leakage found, none invented."""

import numpy as np
import pytest

from mia_audit.attacks import ATTACKS, Attack
from mia_audit.attacks.budget import judged
from mia_audit.errors import EvidenceError
from mia_audit.statistics.roc import auc
from mia_audit.types import Bools, Evidence
from tests.support.gaussian import coins

LEAST = {"correctness": 0.55}
"""AUC demanded on the planted leak, 0.6 where not named."""


def planted(leak: float, *, examples: int = 1_500, shadows: int = 16, classes: int = 4, seed: int = 0) -> tuple[Evidence, Bools]:
    """Return logits of imperfect models that are `leak` surer of the labels they were trained on."""
    rng, member = np.random.default_rng(seed), coins(1 + shadows, examples, seed)
    labels = rng.integers(0, classes, examples)
    logits = rng.normal(size=(1 + shadows, 1, examples, classes)) + 0.5 * rng.normal(size=(examples, classes))
    logits[..., np.arange(examples), labels] += 1.5 + leak * member[:, None]
    logits = logits.astype(np.float32)
    seen = Evidence(target=logits[0], shadows=logits[1:], trained_on=member[1:], labels=labels)
    can = judged(member[1:], 2)
    return seen.only(can), member[0, can]


every_attack = pytest.mark.parametrize("attack", [kind() for kind in ATTACKS], ids=lambda attack: attack.name)


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
    before = seen.target.copy(), seen.shadows.copy(), seen.trained_on.copy()
    np.testing.assert_array_equal(attack.score(seen), attack.score(seen))
    for array, copy in zip((seen.target, seen.shadows, seen.trained_on), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_attack
@pytest.mark.parametrize("scale", [0.0, 1e4, 1e37])
def test_extreme_logits_give_finite_scores(attack: Attack, scale: float) -> None:
    """Constant, saturated and enormous logits never give NaN or infinity, nor a warning."""
    seen, _ = planted(1.0, examples=200)
    times = np.float32(scale)
    extreme = Evidence(target=seen.target * times, shadows=seen.shadows * times, trained_on=seen.trained_on, labels=seen.labels)
    assert np.isfinite(attack.score(extreme)).all()


@every_attack
def test_the_targets_membership_cannot_be_peeked_at(attack: Attack) -> None:
    """Evidence has no place for it: scores are a function of what is there, so they cannot change with it."""
    seen, _ = planted(1.0, examples=200)
    assert set(vars(seen)) == {"target", "shadows", "trained_on", "labels"}
    assert attack.score(seen).shape == (seen.examples,)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_refused(value: float) -> None:
    """NaN and infinite logits never reach an attack."""
    seen, _ = planted(1.0, examples=50)
    broken = seen.target.copy()
    broken[0, 0, 0] = value
    with pytest.raises(EvidenceError, match="finite logits, got NaN or infinity"):
        Evidence(target=broken, shadows=seen.shadows, trained_on=seen.trained_on, labels=seen.labels)
