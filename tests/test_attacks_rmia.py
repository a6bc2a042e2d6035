"""RMIA: equal to the full pairwise definition, strong with one reference model, and refusing what it cannot judge."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import rankdata

from mia_audit.attacks import rmia
from mia_audit.attacks.attack import Attack
from mia_audit.attacks.nearly_one import spread_values, unspread
from mia_audit.attacks.rmia import OfflineRMIA, OnlineRMIA
from mia_audit.attacks.thresholds import LOSS
from mia_audit.errors import EvidenceError, RecipeError, ShadowBudgetError
from mia_audit.statistics.roc import auc
from mia_audit.types import Evidence, Floats, Ints
from tests.support.gaussian import gaussian_evidence, with_third_pool
from tests.support.planted import planted


def probability(logits: Floats, labels: Ints) -> Floats:
    """Return p_y of one model [queries, examples, classes], its queries' geometric mean."""
    p = softmax(logits, axis=-1)[:, np.arange(labels.size), labels]
    return np.exp(np.log(p).mean(axis=0))


def pairwise(seen: Evidence, gamma: float, a: float | None) -> Floats:
    """Return the share of z with LR(x, z) >= gamma for each x, as the paper writes it; a is None online."""
    pool = seen.population
    assert pool is not None
    at_x = np.array([probability(logits, seen.labels) for logits in seen.shadows])
    at_z = np.array([probability(logits, pool.labels) for logits in pool.shadows])
    target_x, target_z = probability(seen.target, seen.labels), probability(pool.target, pool.labels)
    found = np.empty(seen.examples)
    for x in range(seen.examples):
        mean = at_x[:, x].mean() if a is None else ((1 + a) * at_x[~seen.trained_on[:, x], x].mean() + 1 - a) / 2
        wins = 0
        for z in range(pool.labels.size):
            mean_z = at_z[:, z].mean() if a is None else ((1 + a) * at_z[:, z].mean() + 1 - a) / 2
            wins += (target_x[x] / mean) / (target_z[z] / mean_z) >= gamma
        found[x] = wins / pool.labels.size
    return found


CASES: list[tuple[Attack, float | None]] = [
    (OnlineRMIA(gamma=1.3, beta=0.4), None),
    (OfflineRMIA(gamma=1.3, beta=0.4, a=0.3), 0.3),
    (OfflineRMIA(gamma=1.3, beta=0.4, a=1.0), 1.0),
    (OfflineRMIA(gamma=1.3, beta=0.4, a=0.0), 0.0),
]


@pytest.mark.parametrize(("attack", "a"), CASES)
def test_the_score_orders_and_decides_as_the_pairwise_definition(attack: Attack, a: float | None) -> None:
    """The share of z that x surpasses never falls as the score grows, and reaches beta exactly where the score reaches 0."""
    seen, _ = planted(1.0, examples=80, shadows=10)
    scores, shares = attack.score(seen), pairwise(seen, 1.3, a)
    order = np.argsort(scores)
    assert (np.diff(shares[order]) >= 0).all()
    np.testing.assert_array_equal(scores >= 0, shares >= 0.4)
    assert len(np.unique(shares)) > 10
    assert 5 < np.sum(scores >= 0) < seen.examples - 5


def test_with_one_reference_model_the_ratio_is_that_of_two_models() -> None:
    """The score is log p(theta) - log p(theta'), small ones drawn out, up to a constant: the closed form."""
    seen = with_third_pool(gaussian_evidence(gap=1.0, examples=60, shadows=1)[0])
    scores = OnlineRMIA().score(seen)
    expected = spread_values(np.log(probability(seen.target, seen.labels)) - np.log(probability(seen.shadows[0], seen.labels)))
    np.testing.assert_allclose(scores - scores[0], expected - expected[0], atol=1e-9)


@pytest.mark.parametrize("shadows", [1, 2, 4])
def test_few_reference_models_already_beat_the_loss(shadows: int) -> None:
    """Where examples differ more in ease than by membership, one reference model is worth more than none; more are better."""
    seen, member = gaussian_evidence(gap=1.0, examples=4_000, shadows=shadows)
    seen = with_third_pool(seen)
    alone = auc(LOSS.score(seen), member)
    assert auc(OnlineRMIA().score(seen), member) > alone + 0.02
    out = replace(seen, trained_on=np.zeros_like(seen.trained_on))  # an offline attacker's models never saw the examples
    assert auc(OfflineRMIA().score(out), member) > alone + 0.01


@given(gamma=st.floats(0.1, 10), beta=st.floats(0.01, 1))
@settings(deadline=None, max_examples=20)
def test_gamma_and_beta_shift_all_scores_alike(gamma: float, beta: float) -> None:
    """They set where the score is 0, and change no rank."""
    seen = with_third_pool(gaussian_evidence(gap=1.0, examples=30, shadows=8)[0], size=20)
    shift = OnlineRMIA(gamma=gamma, beta=beta).score(seen) - OnlineRMIA().score(seen)
    np.testing.assert_allclose(shift, shift[0], atol=1e-9)


def test_the_order_of_models_and_of_the_third_pool_does_not_matter() -> None:
    """Reference models and outside examples are exchangeable."""
    seen = with_third_pool(gaussian_evidence(gap=1.0, examples=40, shadows=9)[0], size=30)
    seen = seen.only(np.flatnonzero(~seen.trained_on.all(axis=0)))
    pool = seen.population
    assert pool is not None
    turned = seen.with_shadows(np.arange(9)[::-1])
    flipped = replace(pool, target=pool.target[:, ::-1], shadows=pool.shadows[:, :, ::-1], labels=pool.labels[::-1])
    for attack in (OnlineRMIA(), OfflineRMIA()):
        np.testing.assert_allclose(attack.score(turned), attack.score(seen), atol=1e-12)
        np.testing.assert_allclose(attack.score(replace(seen, population=flipped)), attack.score(seen), atol=1e-12)


def test_without_a_third_pool_it_refuses() -> None:
    """The population term is part of the attack."""
    seen, _ = gaussian_evidence(gap=1.0, examples=10, shadows=12)
    with pytest.raises(EvidenceError, match="rmia-online needs population; the evidence offers shadows"):
        OnlineRMIA().score(seen)


def test_an_example_that_was_never_out_is_refused_offline() -> None:
    """An offline attacker has nothing to compare such an example with."""
    seen = with_third_pool(gaussian_evidence(gap=1.0, examples=10, shadows=12)[0])
    rows = seen.trained_on.copy()
    rows[:, 4] = True
    with pytest.raises(ShadowBudgetError, match="rmia-offline needs a shadow model trained without each example; 1 of 10 examples"):
        OfflineRMIA().score(replace(seen, trained_on=rows))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"gamma": 0.0}, "gamma needs a number above 0, got 0.0"),
        ({"beta": 0.0}, "beta needs a share above 0 and up to 1, got 0.0"),
        ({"beta": 1.1}, "beta needs a share"),
        ({"a": -0.1}, "a needs 0 to 1, got -0.1"),
    ],
)
def test_parameters_outside_their_range_are_refused(parameters: dict[str, float], message: str) -> None:
    """Each says its range."""
    with pytest.raises(RecipeError, match=message):
        OfflineRMIA(**parameters)


@pytest.mark.parametrize("surer", [10.0, 16.0, 24.0])
@pytest.mark.parametrize("attack", [OnlineRMIA(), OfflineRMIA()], ids=lambda attack: attack.name)
def test_probabilities_that_float32_rounds_to_one_still_differ(attack: Attack, surer: float) -> None:
    """Scores of float32 logits rank examples as those of float64 do, where every probability is nearly 1."""
    seen, _ = gaussian_evidence(gap=1.0, examples=400, shadows=64, classes=3)
    told, raised = with_third_pool(seen), surer * np.eye(3)[seen.labels]
    single = replace(told, target=(told.target + raised).astype(np.float32), shadows=(told.shadows + raised).astype(np.float32))
    double = replace(single, target=single.target.astype(np.float64), shadows=single.shadows.astype(np.float64))
    one, two = attack.score(single), attack.score(double)
    assert np.corrcoef(rankdata(one), rankdata(two))[0, 1] > 0.999999


def test_labels_beyond_the_classes_are_refused() -> None:
    """A label without a class would be read from the neighbour's row."""
    seen, _ = gaussian_evidence(gap=1.0, examples=20, shadows=4)
    for label, told in ((2, "got 0 to 2"), (-1, "got -1 to 1")):
        labels = seen.labels.copy()
        labels[3] = label
        with pytest.raises(EvidenceError, match=f"evidence needs labels from 0 to 1, one a class, {told}"):
            replace(seen, labels=labels)


@pytest.mark.parametrize("beta", [0.05, 0.2, 0.25, 0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("size", [1, 4, 5, 7, 20])
def test_the_bar_is_the_least_ratio_that_a_share_of_the_population_does_not_exceed(beta: float, size: int) -> None:
    """Of all ratios, the smallest at or below which lie `beta` of them; times gamma in the ratio is plus its log here."""
    of_z = np.random.default_rng(size).normal(size=size)
    least = min(ratio for ratio in of_z if np.mean(of_z <= ratio) >= beta - 1e-12)
    for gamma in (1.0, 2.0):
        bar = unspread(np.asarray(rmia._bar(spread_values(of_z), gamma, beta)))
        assert bar == pytest.approx(least + np.log(gamma))
