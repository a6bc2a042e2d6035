"""Rehearsals are honest: which examples count in one never depends on the coin that is to be guessed."""

import numpy as np
import pytest

from mia_audit.attacks import Attack
from mia_audit.attacks.budget import judged
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.rmia import OfflineRMIA
from mia_audit.attacks.thresholds import LOSS
from mia_audit.audit.attacking.measuring import Truth
from mia_audit.audit.attacking.scoring import attack_all, counted, judged_by_others, needed, rehearsals
from mia_audit.audit.findings.turns import take_turns
from mia_audit.statistics.roc import auc
from mia_audit.types import Bools
from tests.support.gaussian import coins, gaussian_evidence, with_third_pool

SHADOWS = 10


def attacks_at_work() -> tuple[Attack, ...]:
    """Return per-example LiRA, which needs two models a side, and two that need none."""
    return (OnlineLiRA(pool_variance=False), OfflineRMIA(), LOSS)


def audit_of_nothing(seed: int) -> tuple[list[float], float, float]:
    """Return each attack's mean AUC over rehearsals, RMIA's over shadow models' turns, and LiRA's if all audited examples counted."""
    attacks = attacks_at_work()
    seen, member = gaussian_evidence(gap=0.0, examples=300, shadows=SHADOWS, seed=seed)
    audited = judged(seen.trained_on, 3)
    seen, rows = with_third_pool(seen.only(audited), size=50, seed=seed), seen.trained_on[:, audited]
    truth = Truth(target=rows[0], rehearsals=rows[: rehearsals(SHADOWS)], counted=counted(attacks, rows))
    fair = [np.mean([auc(*pair) for pair in truth.rehearsed(one.rehearsals)]) for one in attack_all(attacks, seen, seen, 1)]
    every = np.mean([auc(attacks[0].score(seen.against_shadow(index)), rows[index]) for index in range(4)])
    turns = take_turns(attacks[1], seen, seen, np.vstack([member[audited], rows[9], rows]), need=needed(attacks), workers=1)
    turned = [auc(turns.scores[k][can], turns.member[k][can]) for k, can in enumerate(turns.judged) if k >= 2]
    return [float(one) for one in fair], float(np.mean(turned)), float(every)


def test_rehearsals_without_a_leak_are_a_coin() -> None:
    """With 10 shadow models per-example LiRA comes to one half, as others do; where all audited examples counted it lay far below."""
    found = [audit_of_nothing(seed) for seed in range(40)]
    fair, every = np.array([[*one, turned] for one, turned, _ in found]), np.array([one[2] for one in found])
    error = fair.std(axis=0, ddof=1) / np.sqrt(len(fair))
    assert (error < 0.005).all()
    assert (np.abs(fair.mean(axis=0) - 0.5) < 3.3 * error).all()
    assert every.mean() < 0.485


@pytest.mark.parametrize("need", [0, 2, 3])
def test_whether_an_example_counts_ignores_the_own_coin(need: int) -> None:
    """Every coin of one model turned over changes nothing of what counts in its rehearsal, and changes what counts in another's."""
    rows = coins(8, 300, 3)
    for model in range(3):
        other = rows.copy()
        other[model] = ~other[model]
        np.testing.assert_array_equal(judged_by_others(rows, model, need), judged_by_others(other, model, need))
        same = np.array_equal(judged_by_others(rows, model + 1, need), judged_by_others(other, model + 1, need))
        assert same == (need == 0)


def slow(rows: Bools, need: int) -> Bools:
    """Return what counts, one model and example after the other."""
    found = np.ones((rehearsals(len(rows)), rows.shape[1]), dtype=np.bool_)
    for model, example in np.ndindex(found.shape):
        others = [int(rows[k, example]) for k in range(len(rows)) if k != model]
        found[model, example] = sum(others) >= need and len(others) - sum(others) >= need
    return found


def test_the_neediest_attack_sets_who_counts_for_all() -> None:
    """The audited examples were chosen for it, so that all attacks rehearse on the same ones, and all of them were audited."""
    attacks = attacks_at_work()
    rows = coins(9, 500, 4)
    assert needed(attacks) == 3
    assert needed(attacks[1:]) == 2
    assert needed(attacks[2:]) == 0
    np.testing.assert_array_equal(counted(attacks, rows), slow(rows, 3))
    assert counted(attacks[2:], rows).all()
    audited = np.minimum(rows.sum(axis=0), (~rows).sum(axis=0)) >= 3
    assert (~counted(attacks, rows) | audited).all()


def test_scores_stand_at_their_examples() -> None:
    """A rehearsal's scores are those of its evidence on the examples that count, 0 elsewhere; pooled, only those that count are there."""
    seen, _ = gaussian_evidence(gap=1.0, examples=300, shadows=SHADOWS, seed=1)
    attacks = attacks_at_work()[:1]
    seen = seen.only(judged(seen.trained_on, 3))
    (scores,) = attack_all(attacks, seen, seen, 1)
    masks = counted(attacks, seen.trained_on)
    assert not masks.all()
    for index, can in enumerate(masks):
        alone = attacks[0].score(seen.against_shadow(index).only(can))
        np.testing.assert_array_equal(scores.rehearsals[index][can], alone)
        assert (scores.rehearsals[index][~can] == 0).all()
    truth = Truth(target=masks[0], rehearsals=seen.trained_on[:4], counted=masks)
    pooled, member = truth.pooled(scores.rehearsals)
    assert pooled.size == member.size == masks.sum()
    np.testing.assert_array_equal(member, seen.trained_on[:4][masks])
