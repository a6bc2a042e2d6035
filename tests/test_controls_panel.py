"""The panel of phantoms: its exact null, its variance, and what it stops from being called a leak."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.artefacts import Setting, audits
from mia_audit.attacks.budget import judged
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.audit.attacking.measuring import Truth
from mia_audit.audit.attacking.scoring import attack_all, counted
from mia_audit.audit.controls.panel import judge, panel
from mia_audit.audit.findings.headline import Headline
from mia_audit.catalogue import load_recipe
from mia_audit.errors import EvidenceError
from mia_audit.record import verdict
from mia_audit.record.findings import Beyond
from mia_audit.record.parts import Estimate
from mia_audit.statistics.delong import delong
from mia_audit.statistics.panel import Panel, beyond, mean_auc, panel_p
from mia_audit.statistics.roc import auc
from mia_audit.types import Evidence
from tests.support.gaussian import gaussian_evidence
from tests.support.records import make_record


def some_panel(seed: int, examples: int = 60, phantoms: int = 3) -> tuple[Panel, np.ndarray, np.ndarray]:
    """Return a panel with ties of which not every example counts, scores of a target, and coins."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 8, (phantoms, examples)).astype(np.float64)
    return Panel(scores=scores, counted=rng.random((phantoms, examples)) < 0.8), rng.normal(size=examples), rng.random(examples) < 0.5


def test_the_mean_is_that_of_each_auc() -> None:
    """Each phantom's AUC over the examples that count, ties and all."""
    some, _, member = some_panel(0)
    slow = [auc(row[can], member[can]) for row, can in zip(some.scores, some.counted, strict=True)]
    assert mean_auc(some, member) == pytest.approx(np.mean(slow), abs=1e-12)


def test_p_is_the_share_of_all_coins_that_lie_as_far_off() -> None:
    """Eight examples have 256 rows of coins: counted one by one, each as likely as the coins' fraction makes it."""
    some, _, member = some_panel(1, examples=8)
    for fraction in (0.5, 0.3):
        far, likely = [], []
        for coins in itertools.product((False, True), repeat=8):
            row = np.array(coins)
            areas = [
                auc(s[can], row[can]) if 0 < row[can].sum() < can.sum() else 0.5 for s, can in zip(some.scores, some.counted, strict=True)
            ]
            far.append(abs(np.mean(areas) - 0.5) >= abs(mean_auc(some, member) - 0.5) - 1e-9)
            likely.append(fraction ** row.sum() * (1 - fraction) ** (~row).sum())
        exact = float(np.dot(far, likely))
        assert panel_p(some, member, fraction, np.random.default_rng(0), 20_000) == pytest.approx(exact, abs=0.015)


def test_the_difference_has_delongs_variance() -> None:
    """Against a phantom that answers alike to all it is the AUC less one half; against one just like the target it is zero."""
    rng = np.random.default_rng(2)
    member, scores = rng.random(400) < 0.5, rng.normal(size=400)
    every = np.ones((1, 400), dtype=np.bool_)
    found = beyond(scores, Panel(scores=np.zeros((1, 400)), counted=every), member)
    flat = found.interval
    area, variance = delong(scores, member)
    assert flat.value == pytest.approx(area - 0.5, abs=1e-12)
    assert (flat.high - flat.low) / 2 == pytest.approx(norm.ppf(0.975) * np.sqrt(variance), rel=1e-9)
    assert found.p == pytest.approx(norm.sf((area - 0.5) / np.sqrt(variance)))
    same = beyond(scores, Panel(scores=scores[None], counted=every), member)
    assert same.p == 1.0
    assert (same.interval.value, same.interval.low, same.interval.high) == (0.0, -1.0, 1.0)


def test_the_interval_of_the_difference_covers() -> None:
    """Scores that share half of their noise and an artefact: 95 % intervals hold the true difference in 91 to 98 % of 200 draws."""
    rng, held = np.random.default_rng(3), 0
    true = norm.cdf(0.6 / np.sqrt(2)) - norm.cdf(0.2 / np.sqrt(2))
    for _ in range(200):
        member, shared = rng.random(300) < 0.5, rng.normal(size=300)
        models = np.sqrt(0.5) * shared + np.sqrt(0.5) * rng.normal(size=(5, 300)) + 0.2 * member
        some = Panel(scores=models[1:], counted=rng.random((4, 300)) < 0.9)
        found = beyond(models[0] + 0.4 * member, some, member).interval
        held += found.low <= true <= found.high
    assert 0.91 < held / 200 < 0.985


def test_a_panel_needs_scores_and_masks_alike() -> None:
    """One mask for two phantoms is refused with both shapes."""
    with pytest.raises(EvidenceError, match=r"a panel needs scores .* got \(2, 3\) and \(1, 3\)"):
        Panel(scores=np.zeros((2, 3)), counted=np.ones((1, 3), dtype=np.bool_))


def headline(gap: float, seed: int) -> tuple[Headline, Evidence]:
    """Return LiRA as the headline of an audit of Gaussian models, whose phantom target answers noise."""
    seen, member = gaussian_evidence(gap=gap, examples=600, shadows=14, seed=seed)
    attack = OnlineLiRA()
    kept = judged(seen.trained_on, 3)
    seen, member = seen.only(kept), member[kept]
    phantom = replace(seen, target=seen.shadows[13] + np.random.default_rng(seed).normal(size=seen.target.shape))
    (scores,) = attack_all([attack], seen, phantom, 1)
    truth = Truth(target=member, rehearsals=seen.trained_on[:4], counted=counted([attack], seen.trained_on))
    return Headline(name="lira-online", attack=attack, scores=scores, truth=truth), seen


def test_the_panel_is_the_phantom_the_rehearsals_and_further_shadow_models() -> None:
    """Each row is what the attack says of that model with the rest as its shadow models, over the examples that the others judge."""
    best, seen = headline(1.0, 1)
    some = panel(best, seen, need=3, workers=1)
    assert some.scores.shape == (15, seen.examples)
    np.testing.assert_array_equal(some.scores[0], best.scores.phantom)
    for model in (0, 3, 4, 13):
        can = some.counted[1 + model]
        with_it = np.delete(seen.trained_on, model, axis=0).sum(axis=0)
        np.testing.assert_array_equal(can, np.minimum(with_it, 13 - with_it) >= 3)
        alone = best.attack.score(seen.against_shadow(model).only(can))
        np.testing.assert_array_equal(some.scores[1 + model][can], alone)


def test_a_sound_panel_passes_and_the_leak_stands() -> None:
    """A leak of the target lies beyond its phantoms, whose mean is a coin."""
    best, seen = headline(1.0, 2)
    found = judge(best, panel(best, seen, need=3, workers=1), load_recipe("ann"))
    assert found.control.passed is True
    assert found.beyond.difference.low > 0.1
    assert found.beyond.p < 1e-6
    assert found.beyond.phantoms == 15


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_an_artefact_alike_on_all_models_is_no_leak(shared: float) -> None:
    """AUC .52 and .55 from it alone: at most 5 % of audits certify a leak with green controls, where one phantom let pass far more."""
    found = audits(Setting(area=0.54, leak=0.5, shared=shared, examples=400), 100, seed=0)
    assert found.certified <= 0.05
    assert found.with_one_phantom > 0.1
    sound = audits(Setting(area=0.5, leak=0.62, shared=shared, examples=400), 50, seed=1)
    assert sound.alarms <= 0.04
    assert sound.certified >= 0.9


def test_the_verdict_tells_a_leak_from_an_artefact() -> None:
    """Above chance, but not above the phantoms: no leak, and the sentence says why; records with one phantom stay as they were."""
    leaky = make_record(leaky=True).summary
    assert leaky.leaks
    apart = Estimate(value=0.01, low=-0.02, high=0.04, method="DeLong")
    doubtful = leaky.model_copy(update={"beyond": Beyond(phantoms=16, auc=0.6, difference=apart, p=0.05)})
    assert not doubtful.leaks
    assert verdict(doubtful).startswith("Not told from an artefact: ")
    assert "0.600 on 16 networks that never saw the target's members" in verdict(doubtful)
    assert any("networks that never saw" in hint for hint in doubtful.hints)
    assert leaky.model_copy(update={"beyond": Beyond(phantoms=16, auc=0.5, difference=apart, p=0.01)}).leaks
