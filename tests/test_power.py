"""The table of what shadow models buy: turns are honest, pairs are pairs, and numbers come out as they went in."""

import numpy as np
import pytest

from benchmarks.power import AGAINST, LEARNT, Answers, difference, part, section, wanted
from mia_audit.statistics.roc import auc
from tests.support.planted import planted


def fake() -> Answers:
    """Return answers of 66 small models with a leak."""
    seen, member = planted(1.5, examples=120, shadows=65, seed=0)
    pool = seen.population
    assert pool is not None
    return Answers(
        pool=np.concatenate([seen.target[:1], seen.shadows[:, 0]]),
        third=np.concatenate([pool.target[:1], pool.shadows[:, 0]]),
        rows=np.concatenate([member[None], seen.trained_on]),
        labels=seen.labels,
        third_labels=pool.labels,
        features=np.zeros((seen.examples, 2)),
        third_features=np.zeros((len(pool.labels), 2)),
        accuracy=0.5,
    )


def test_every_turn_compares_on_the_same_examples() -> None:
    """LiRA judges some examples at four models; its rival is scored on those, and attacks for few models judge all."""
    found = part(fake(), 4, 2)
    assert set(found) == {attack.name for attack in wanted()} - set(LEARNT)
    assert 0.1 < np.mean(found["lira-online"]["judged"]) < 0.6
    assert found["lira-shared-gap"]["judged"] == [1.0, 1.0]
    assert found["loss"]["rival_auc"] == found[AGAINST]["auc"] != found["lira-online"]["rival_auc"]
    for row in found.values():
        assert len(row["auc"]) == len(row["tpr"]) == 2
    assert np.mean(found["lira-shared-gap"]["auc"]) > 0.6


def test_the_target_is_none_of_its_shadow_models() -> None:
    """Thresholds give the AUC of that very model, whatever the shadow models."""
    answers = fake()
    found = part(answers, 2, 1)
    loss = answers.pool[0][np.arange(len(answers.labels)), answers.labels]
    others = answers.pool[0].astype(float).copy()
    others[np.arange(len(answers.labels)), answers.labels] = -np.inf
    confidence = loss - np.log(np.exp(others).sum(axis=1))
    assert found["loss"]["auc"] == [pytest.approx(auc(confidence, answers.rows[0]))]


def test_cells_say_value_difference_and_share() -> None:
    """By hand: means, a paired interval by Student's t, and who could not be judged."""
    row = {"auc": [0.6, 0.62], "tpr": [0.03, 0.05], "rival_auc": [0.59, 0.6], "rival_tpr": [0.03, 0.03], "judged": [0.4, 0.4]}
    rival = {"auc": [0.59, 0.6], "tpr": [0.03, 0.03], "rival_auc": [0.59, 0.6], "rival_tpr": [0.03, 0.03], "judged": [1.0, 1.0]}
    told = section("digits", "ann", 0.95, {4: {"mine": row, AGAINST: rival}})
    mean, half = difference([0.01, 0.02])
    assert (mean, half) == (pytest.approx(0.015), pytest.approx(12.706 * 0.005, rel=1e-3))
    assert "| mine | 0.6100 (+0.0150 ± 0.0635, of 40 %) |" in told
    assert f"| {AGAINST} | 0.5950 |" in told
    assert "| mine | 4.00 (+1.00 ± 12.71, of 40 %) |" in told
