"""The ensemble: as strong as its strongest signal, and fitted on shadow models alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingClassifier

from mia_audit.attacks.budget import judged
from mia_audit.attacks.ensemble import ENSEMBLE, ENSEMBLE_SIGNALS, signals
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.thresholds import LOSS
from mia_audit.errors import RecipeError, ShadowBudgetError
from mia_audit.statistics.roc import auc
from tests.support.gaussian import gaussian_evidence
from tests.support.planted import planted
from tests.support.vectors import gaussian_vectors
from tests.test_attacks_signals import bare, with_signal


def test_the_score_is_that_of_trees_on_every_rehearsal() -> None:
    """Rows are the rehearsing shadow models' own scores; with all rows drawn and even sides, the odds are scikit-learn's."""
    seen, _ = planted(1.0, examples=60, shadows=14)
    models = 4
    balanced = seen.trained_on.copy()
    balanced[1::2] = ~balanced[::2]
    seen = replace(seen, trained_on=balanced)
    rows = np.concatenate([signals(seen.against_shadow(index)) for index in range(models)])
    fitted = HistGradientBoostingClassifier(max_iter=50, max_leaf_nodes=8, early_stopping=False, random_state=0)  # pyright: ignore[reportArgumentType]
    slow = fitted.fit(rows, balanced[:models].ravel()).decision_function(signals(seen))
    np.testing.assert_allclose(replace(ENSEMBLE, rehearsals=models).score(seen), slow, atol=1e-2)


def test_auc_reaches_that_of_the_strongest_signal() -> None:
    """Where LiRA is optimal, the ensemble comes near Phi(gap / sqrt 2)."""
    seen, member = gaussian_evidence(gap=1.0, examples=4_000, shadows=64)
    found = auc(ENSEMBLE.score(seen), member)
    assert norm.cdf(1 / np.sqrt(2)) - 0.02 < found < norm.cdf(1 / np.sqrt(2)) + 0.015
    assert found > auc(LOSS.score(seen), member) + 0.08
    assert found > auc(OnlineLiRA().score(seen), member) - 0.02


def test_the_targets_answers_are_never_learnt_from() -> None:
    """Another target changes nobody's score but where its own answers differ."""
    seen, _ = planted(1.0, examples=80, shadows=14)
    target = seen.target.copy()
    target[:, :40] += 0.5
    other = replace(ENSEMBLE, rehearsals=3).score(replace(seen, target=target))
    np.testing.assert_array_equal(other[40:], replace(ENSEMBLE, rehearsals=3).score(seen)[40:])


def test_further_signals_are_weighed_where_they_are() -> None:
    """Without any the two ensembles are one; a leak in the hidden layers' spikes alone is found by the wider one."""
    values, member = gaussian_vectors(np.array([1.5, 1.5]), examples=1_000, shadows=16)
    can = judged(member[1:], 3)
    dull = bare(member)
    told = with_signal("layer-spikes", np.exp(5 + 0.1 * values).transpose(0, 2, 1), dull)
    dull, told = dull.only(can), told.only(can)
    np.testing.assert_array_equal(ENSEMBLE_SIGNALS.score(dull), ENSEMBLE.score(dull))
    assert abs(auc(ENSEMBLE.score(told), member[0, can]) - 0.5) < 0.06
    assert auc(ENSEMBLE_SIGNALS.score(told), member[0, can]) > 0.75


def test_more_models_than_there_are_cannot_rehearse() -> None:
    """All take their turn, and no more."""
    seen, _ = planted(1.0, examples=40, shadows=12)
    np.testing.assert_array_equal(replace(ENSEMBLE, rehearsals=12).score(seen), replace(ENSEMBLE, rehearsals=500).score(seen))


def test_what_cannot_be_fitted_is_refused() -> None:
    """One model a side takes the target's part, so that a third is needed."""
    seen, _ = gaussian_evidence(gap=1.0, examples=10, shadows=4)
    with pytest.raises(ShadowBudgetError, match="ensemble needs at least 3"):
        ENSEMBLE.score(seen)
    with pytest.raises(ShadowBudgetError, match="ensemble-signals needs at least 3"):
        ENSEMBLE_SIGNALS.score(seen)
    for parameter in ("rehearsals", "rows", "trees"):
        with pytest.raises(RecipeError, match=f"ensemble-signals: {parameter} needs"):
            replace(ENSEMBLE_SIGNALS, **{parameter: 0})
        with pytest.raises(RecipeError, match=f"ensemble: {parameter} needs"):
            replace(ENSEMBLE, **{parameter: 0})
