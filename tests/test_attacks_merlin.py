"""Merlin and Morgan: the share as it is, and three thresholds that no other three beat on the shadow models."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mia_audit.attacks.merlin import MERLIN, Morgan, thresholds
from mia_audit.attacks.observables import each_model, phi
from mia_audit.errors import EvidenceError, RecipeError, ShadowBudgetError
from mia_audit.statistics.roc import auc
from mia_audit.types import Signal
from tests.support.gaussian import gaussian_evidence
from tests.support.planted import planted


def test_merlin_is_the_share() -> None:
    """What the signal counts is the score."""
    seen, _ = planted(1.0, examples=50)
    np.testing.assert_array_equal(MERLIN.score(seen), seen.signals["loss-rises"].target[:, 0].astype(np.float64))


@given(st.integers(0, 200))
@settings(deadline=None, max_examples=25)
def test_no_three_thresholds_do_better(seed: int) -> None:
    """Every triple of quantiles is tried by brute force; ours gains as much as the best."""
    rng = np.random.default_rng(seed)
    values, member = np.stack([rng.normal(size=40), rng.integers(0, 5, 40) / 4]), rng.random(40) < 0.5
    if member.all() or not member.any():
        return

    def gain(low: float, high: float, rises: float) -> float:
        called = (values[0] >= low) & (values[0] <= high) & (values[1] >= rises)
        return float(called[member].mean() - called[~member].mean())

    sure, shares = (np.unique(np.quantile(row, np.linspace(0, 1, 6), method="inverted_cdf")) for row in values)
    best = max(gain(*triple) for triple in product(sure, sure, shares))
    assert gain(*thresholds(values, member, 6)) == pytest.approx(best)


def test_decisions_are_those_of_the_three_thresholds() -> None:
    """The score is 0 or more exactly inside the box that the shadow models gave."""
    seen, member = planted(2.0)
    shadow = np.stack(
        [each_model(phi, seen.shadows, seen.labels).ravel(), seen.signals["loss-rises"].shadows[..., 0].ravel().astype(float)]
    )
    low, high, rises = thresholds(shadow, seen.trained_on.ravel(), 12)
    target, share = phi(seen.target, seen.labels).mean(axis=0), seen.signals["loss-rises"].target[:, 0]
    scores = Morgan().score(seen)
    np.testing.assert_array_equal(scores >= 0, (target >= low) & (target <= high) & (share >= rises))
    assert auc(scores, member) > 0.75


def test_units_of_the_logits_do_not_matter() -> None:
    """A margin is measured in standard deviations of the shadow models' values."""
    signal = np.random.default_rng(0).integers(0, 11, (17, 200, 1)) / 10
    seen, _ = gaussian_evidence(gap=1.0, examples=200, shadows=16)
    seen = replace(seen, signals={"loss-rises": Signal(target=signal[0], shadows=signal[1:])})
    seen = seen.only(np.flatnonzero(np.minimum(seen.trained_on.sum(axis=0), (~seen.trained_on).sum(axis=0)) >= 1))
    wider = replace(seen, target=2 * seen.target, shadows=2 * seen.shadows)
    np.testing.assert_allclose(Morgan().score(wider), Morgan().score(seen), atol=1e-6)


def test_what_is_missing_is_refused() -> None:
    """The signal, the shadow models, and a search among too few quantiles."""
    seen, _ = planted(1.0, examples=50)
    for attack in (MERLIN, Morgan()):
        with pytest.raises(EvidenceError, match=f"{attack.name} needs loss-rises"):
            attack.score(replace(seen, signals={}))
    with pytest.raises(ShadowBudgetError, match="morgan needs at least 1"):
        Morgan().score(seen.with_shadows(np.arange(1)))
    with pytest.raises(RecipeError, match="morgan: steps needs 2 or more, got 1"):
        Morgan(steps=1)
