"""Attacks on further signals: each scores what its module says, with a loop beside it, a truth, an invariance and a refusal."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from scipy.stats import norm, rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mia_audit.attacks import ATTACKS, Attack
from mia_audit.attacks.checkpoints import LOSS_TRAJECTORY, SEQUENCE, TRAJECTORY_LIRA, metrics
from mia_audit.attacks.degraded import OTHER_BITS, OTHER_STEPS, OTHER_SURROGATE
from mia_audit.attacks.dropout import InputDropout
from mia_audit.attacks.firing import ENERGY, FIRING_SIGNATURE
from mia_audit.attacks.gaussians import projected_log_ratio, vector_log_ratio
from mia_audit.attacks.gradients import GRADIENT_CLASSIFIER, GRADIENT_LIRA, GRADIENT_NORM
from mia_audit.attacks.label_only import BOUNDARY_DISTANCE, BOUNDARY_LIRA, NOISE_DISTANCE, Augmentation
from mia_audit.attacks.observables import entropy, log_confidence, log_likelihood, margin, modified_entropy, phi
from mia_audit.attacks.steps import MEMBRANE_LIRA, SPIKE_LIRA, STEP_CLASSIFIER, TIME_SWEEP_LIRA, normal_scores
from mia_audit.errors import EvidenceError, RecipeError, ShadowBudgetError
from mia_audit.statistics.roc import auc
from mia_audit.types import Bools, Evidence, Floats, Signal
from tests.support.planted import planted
from tests.support.vectors import gaussian_vectors


def with_signal(name: str, values: Floats, seen: Evidence) -> Evidence:
    """Return the evidence with one signal, [1 + shadows, examples, ...], and no other."""
    return replace(seen, signals={name: Signal(target=values[0], shadows=values[1:])})


def bare(member: Bools, classes: int = 3) -> Evidence:
    """Return evidence whose logits say nothing, with labels in turn."""
    shape = (len(member), 1, member.shape[1], classes)
    noise = np.random.default_rng(0).normal(size=shape)
    return Evidence(target=noise[0], shadows=noise[1:], trained_on=member[1:], labels=np.arange(member.shape[1]) % classes)


def by_phi(values: Floats, seen: Evidence) -> Floats:
    """Return values [models, steps, examples] as logits [models, examples, steps, classes] that have them as phi."""
    others = -values / 2 - np.log(seen.classes - 1)
    logits = np.repeat(np.moveaxis(others, 1, 2)[..., None], seen.classes, axis=-1)
    for i, label in enumerate(seen.labels):
        logits[:, i, :, label] = values[:, :, i] / 2
    return logits


TRAJECTORIES: list[tuple[Attack, str]] = [
    (MEMBRANE_LIRA, "membranes"),
    (TIME_SWEEP_LIRA, "time-sweep"),
    (TRAJECTORY_LIRA, "trajectory"),
]


@pytest.mark.parametrize(("attack", "name"), TRAJECTORIES)
def test_trajectories_reach_the_optimum(attack: Attack, name: str) -> None:
    """With gaps 1.0 and 0.5 in independent steps: Phi(sqrt(1.25 / 2)), and scores are the projection's of phi by step."""
    values, member = gaussian_vectors(np.array([1.0, 0.5, 0.0]), examples=5_000, shadows=64)
    seen = with_signal(name, by_phi(values, bare(member)), bare(member))
    scores = attack.score(seen)
    assert auc(scores, member[0]) == pytest.approx(norm.cdf(np.sqrt(1.25 / 2)), abs=0.025)
    np.testing.assert_allclose(scores, projected_log_ratio(values[0], values[1:], member[1:], 0.001), atol=1e-6)


def test_mid_ranks_share_ties() -> None:
    """Normal scores are those of SciPy's average ranks among the shadow models' values."""
    rng = np.random.default_rng(0)
    shadow, target = rng.integers(0, 5, (6, 2, 30)).astype(float), rng.integers(0, 6, (2, 10)).astype(float)
    found = normal_scores(target, shadow)
    for step in range(2):
        known = shadow[:, step].ravel()
        for i, value in enumerate(target[step]):
            rank = rankdata([*known, value])[-1]  # among one more, itself: mid-rank + 1/2 for its own tie
            assert found[step, i] == pytest.approx(norm.ppf(rank / (known.size + 1) - (0.5 / (known.size + 1))), abs=0.02)
    np.testing.assert_allclose(normal_scores(np.zeros((1, 3)), np.zeros((4, 1, 3))), 0.0, atol=1e-12)


def test_spikes_are_weighed_as_ranks() -> None:
    """Any growing transform of the label's lead leaves the scores: counts enter by rank alone; and rare spikes still tell."""
    values, member = gaussian_vectors(np.array([1.0, 1.0]), examples=2_000, shadows=32)
    counts = np.zeros((*member.shape, 2, 3))
    seen = bare(member)
    for i, label in enumerate(seen.labels):
        counts[:, i, :, label] = np.maximum(np.rint(values[:, :, i] + 4), 0)
    scores = SPIKE_LIRA.score(with_signal("spike-counts", counts, seen))
    np.testing.assert_allclose(SPIKE_LIRA.score(with_signal("spike-counts", counts**2, seen)), scores, atol=1e-9)
    assert 0.72 < auc(scores, member[0]) < norm.cdf(1.0) + 0.01
    silent = SPIKE_LIRA.score(with_signal("spike-counts", counts * 0, seen))
    assert np.isfinite(silent).all()
    assert len(np.unique(silent)) == 1


def test_lead_is_the_margin_in_spikes() -> None:
    """The classifier on steps sees phi of the membranes and the margin of the counts; it finds a leak in either."""
    for name in ("membranes", "spike-counts"):
        values, member = gaussian_vectors(np.array([1.5, 1.5]), examples=1_500, shadows=12)
        seen = bare(member)
        told = by_phi(values - values.mean(axis=0), seen)
        dull = np.zeros_like(told)
        signals = {n: Signal(target=v[0], shadows=v[1:]) for n, v in {"membranes": dull, "spike-counts": dull, name: told}.items()}
        can = np.minimum(member[1:].sum(axis=0), (~member[1:]).sum(axis=0)) >= 1
        assert auc(STEP_CLASSIFIER.score(replace(seen, signals=signals).only(can)), member[0, can]) > 0.8


def test_firing_is_weighed_by_layer_and_in_all() -> None:
    """Log counts of the layers: the signature projects them, the energy adds the counts first and needs no label."""
    values, member = gaussian_vectors(np.array([1.0, -1.0]), examples=3_000, shadows=32)
    counts = np.exp(5 + 0.1 * values).transpose(0, 2, 1)
    seen = with_signal("layer-spikes", counts, bare(member))
    logs = np.log1p(counts).transpose(0, 2, 1)
    np.testing.assert_allclose(FIRING_SIGNATURE.score(seen), projected_log_ratio(logs[0], logs[1:], member[1:], 0.001), atol=1e-9)
    total = np.log1p(counts.sum(axis=-1))[:, None]
    np.testing.assert_allclose(ENERGY.score(seen), vector_log_ratio(total[0], total[1:], member[1:], 0.0), atol=1e-9)
    assert auc(FIRING_SIGNATURE.score(seen), member[0]) == pytest.approx(norm.cdf(1.0), abs=0.03)
    assert auc(ENERGY.score(seen), member[0]) < 0.6  # what one layer gains the other loses
    other = replace(seen, labels=seen.labels[::-1].copy(), target=seen.target * 3, shadows=seen.shadows * 3)
    np.testing.assert_array_equal(ENERGY.score(other), ENERGY.score(seen))


def test_the_dropout_rate_is_chosen_on_shadow_models() -> None:
    """The rate that tells most of shadow models is used, whatever the target says; the score there is LiRA's."""
    values, member = gaussian_vectors(np.array([0.0, 1.5, 0.5]), examples=1_000, shadows=24)
    seen = with_signal("dropout", by_phi(values, bare(member)), bare(member))
    attack = InputDropout()
    assert attack.rate(seen) == 1
    noise = np.random.default_rng(0).normal(size=values[0].shape)
    loud = by_phi(np.concatenate([noise[None], values[1:]]), bare(member))
    assert attack.rate(with_signal("dropout", loud, bare(member))) == 1
    np.testing.assert_allclose(attack.score(seen), vector_log_ratio(values[0, 1:2], values[1:, 1:2], member[1:], 0.0), atol=1e-6)
    assert auc(attack.score(seen), member[0]) == pytest.approx(norm.cdf(1.5 / np.sqrt(2)), abs=0.03)


def test_label_only_scores_are_the_signals_own() -> None:
    """Mean survival, the distance itself, LiRA on the distance, and a logistic regression on which shifts survive."""
    values, member = gaussian_vectors(np.array([1.0]), examples=3_000, shadows=32)
    seen = with_signal("boundary-distance", values.transpose(0, 2, 1) + 20, bare(member))
    np.testing.assert_array_equal(BOUNDARY_DISTANCE.score(seen), values[0, 0] + 20)
    np.testing.assert_allclose(BOUNDARY_LIRA.score(seen), vector_log_ratio(values[0], values[1:], member[1:], 0.0), atol=1e-9)
    assert auc(BOUNDARY_LIRA.score(seen), member[0]) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.03)
    hits = np.random.default_rng(0).random((33, 3_000, 4)) < 0.4 + 0.3 * member[..., None]
    noisy = with_signal("noise-hits", hits.astype(np.float32), bare(member))
    np.testing.assert_allclose(NOISE_DISTANCE.score(noisy), hits[0].mean(axis=1))


def test_augmentation_is_a_logistic_regression() -> None:
    """With every row drawn and even sides the log odds are scikit-learn's."""
    rng = np.random.default_rng(0)
    member = rng.random((9, 60)) < 0.5
    member[2::2] = ~member[1::2]
    hits = (rng.random((9, 60, 5)) < 0.4 + 0.3 * member[..., None]).astype(float)
    seen = with_signal("shift-hits", hits, bare(member))
    scaler = StandardScaler().fit(hits[1:].reshape(-1, 5))
    fitted = LogisticRegression(max_iter=1_000).fit(scaler.transform(hits[1:].reshape(-1, 5)), member[1:].ravel())
    np.testing.assert_allclose(Augmentation().score(seen), fitted.decision_function(scaler.transform(hits[0])), atol=1e-3)


def test_sequences_hold_five_metrics_and_their_changes() -> None:
    """By hand: loss, confidence, spread, entropy and modified entropy at each checkpoint, then their differences."""
    rng, labels = np.random.default_rng(0), np.array([0, 2, 1])
    logits = rng.normal(size=(3, 4, 3))
    found = metrics(logits, labels)
    for i in range(3):
        rows = []
        for step in range(4):
            one, label = logits[i, step][None], labels[[i]]
            p = np.exp(one - one.max())
            spread = (p / p.sum()).std()
            logs = (-log_likelihood(one, label)[0], -log_confidence(one)[0], entropy(one)[0], modified_entropy(one, label)[0])
            loss, confidence, *entropies = np.log(logs)
            rows.append((loss, confidence, spread, *entropies))
        table = np.array(rows).T
        np.testing.assert_allclose(found[i], np.concatenate([table, np.diff(table, axis=1)], axis=1).ravel())


@pytest.mark.parametrize("attack", [LOSS_TRAJECTORY, SEQUENCE], ids=lambda attack: attack.name)
def test_a_leak_in_the_course_alone_is_found(attack: Attack) -> None:
    """Members' loss falls early and non-members' late, to the same end: the last answer tells nothing, the trajectory does."""
    values, member = gaussian_vectors(np.array([1.5, 0.0]), examples=1_500, shadows=12)
    seen = bare(member)
    can = np.minimum(member[1:].sum(axis=0), (~member[1:]).sum(axis=0)) >= 1
    told = with_signal("trajectory", by_phi(values - values.mean(axis=0), seen), seen).only(can)
    last = told.signals["trajectory"].target[:, -1][None]
    assert abs(auc(phi(last, told.labels)[0], member[0, can]) - 0.5) < 0.05
    assert auc(attack.score(told), member[0, can]) > 0.75


@pytest.mark.parametrize("name", ["surrogate", "steps", "bits"])
def test_degraded_models_are_weighed_as_true_ones_would_be(name: str) -> None:
    """LiRA's optimum where the degraded models are as good as true ones, and a shift that all examples share costs nothing."""
    attack = {"surrogate": OTHER_SURROGATE, "steps": OTHER_STEPS, "bits": OTHER_BITS}[name]
    values, member = gaussian_vectors(np.array([1.0]), examples=3_000, shadows=48)
    seen = bare(member)
    logits = by_phi(values, seen)
    seen = replace(seen, target=logits[0].transpose(1, 0, 2))
    exact = attack.score(with_signal(f"other-{name}", logits, seen))
    shift = np.median(values[0, 0]) - np.median(values[1:, 0])
    np.testing.assert_allclose(exact, vector_log_ratio(values[0] - shift, values[1:], member[1:], 0.0), atol=1e-6)
    assert auc(exact, member[0]) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.025)
    surer = attack.score(with_signal(f"other-{name}", by_phi(values + 5, seen), seen))
    np.testing.assert_allclose(surer, exact, atol=1e-6)


def test_gradients_are_compared_by_their_logs() -> None:
    """The threshold is minus the log of the last layer's norm; LiRA projects both logs; a vanished gradient stays finite."""
    values, member = gaussian_vectors(np.array([-0.5, -1.0]), examples=3_000, shadows=32)
    seen = with_signal("gradient-log-norms", values.transpose(0, 2, 1), bare(member))
    np.testing.assert_allclose(GRADIENT_NORM.score(seen), -values[0, 1], atol=1e-9)
    np.testing.assert_allclose(GRADIENT_LIRA.score(seen), projected_log_ratio(values[0], values[1:], member[1:], 0.001), atol=1e-6)
    assert auc(GRADIENT_LIRA.score(seen), member[0]) == pytest.approx(norm.cdf(np.sqrt(1.25 / 2)), abs=0.03)
    gone = with_signal("gradient-log-norms", np.full((33, 3_000, 2), -800.0), bare(member))
    assert np.isfinite(GRADIENT_LIRA.score(gone)).all()


def test_the_pull_at_a_class_is_found_among_gradient_features() -> None:
    """Members whose loss pulls less at their own class are found; trees see it whatever the label, and norms tell nothing here."""
    values, member = gaussian_vectors(np.array([-1.5]), examples=1_500, shadows=12)
    seen = bare(member)
    can = np.minimum(member[1:].sum(axis=0), (~member[1:]).sum(axis=0)) >= 1
    rng = np.random.default_rng(1)
    found = rng.normal(size=(13, 1_500, 3 + seen.classes))
    own = 3 + seen.labels
    found[:, np.arange(1_500), own] = (values - values.mean(axis=0))[:, 0]
    norms = rng.normal(size=(13, 1_500, 2))

    def both(features: Floats) -> Evidence:
        signals = {"gradient-log-norms": norms, "gradient-log-features": features}
        return replace(seen, signals={name: Signal(target=each[0], shadows=each[1:]) for name, each in signals.items()}).only(can)

    told = both(found)
    assert auc(GRADIENT_CLASSIFIER.score(told), member[0, can]) > 0.75
    assert abs(auc(GRADIENT_NORM.score(told), member[0, can]) - 0.5) < 0.05
    assert np.isfinite(GRADIENT_CLASSIFIER.score(both(np.zeros_like(found)))).all()


WITH_SHADOWS = [
    attack for attack in ATTACKS.values() if attack.shadows_per_side > 1 and attack.needs - {"shadows", "queries", "population", "features"}
]


@pytest.mark.parametrize("attack", WITH_SHADOWS, ids=lambda attack: attack.name)
def test_too_few_models_are_refused(attack: Attack) -> None:
    """Each attack on a signal that weighs two sides says how many shadow models it needs."""
    seen, _ = planted(1.0, examples=100)
    few = seen.with_shadows(np.arange(2))
    with pytest.raises(ShadowBudgetError, match=f"{attack.name} needs at least {attack.shadows_per_side}"):
        attack.score(few)


def test_missing_signals_are_named() -> None:
    """What an attack needs and does not find is said by name."""
    seen, _ = planted(1.0, examples=50)
    with pytest.raises(EvidenceError, match="membrane-lira needs membranes; the evidence offers features, population, queries, shadows"):
        MEMBRANE_LIRA.score(replace(seen, signals={}))


@pytest.mark.parametrize(
    ("attack", "parameters"),
    [
        (MEMBRANE_LIRA, {"ridge": -1.0}),
        (SPIKE_LIRA, {"ridge": -1.0}),
        (TIME_SWEEP_LIRA, {"ridge": -1.0}),
        (FIRING_SIGNATURE, {"ridge": -1.0}),
        (TRAJECTORY_LIRA, {"ridge": -1.0}),
        (GRADIENT_LIRA, {"ridge": -1.0}),
        (STEP_CLASSIFIER, {"rows": 1}),
        (STEP_CLASSIFIER, {"trees": 0}),
        (LOSS_TRAJECTORY, {"trees": 0}),
        (SEQUENCE, {"rows": 0}),
        (InputDropout(), {"rehearsals": 0}),
        (Augmentation(), {"cost": 0.0}),
        (Augmentation(), {"rows": 0}),
    ],
)
def test_parameters_outside_their_range_are_refused(attack: Attack, parameters: dict[str, float]) -> None:
    """Each says the smallest value and how to get the default."""
    with pytest.raises(
        RecipeError, match=f"{attack.name}: {next(iter(parameters))} needs .* or more, got .*; leave it out for the default"
    ):
        replace(cast("Any", attack), **parameters)


def test_the_lead_in_spikes_is_a_margin() -> None:
    """Scores use the label's count less the largest other count, at every step."""
    values = np.array([[[3.0, 1.0, 2.0], [4.0, 6.0, 0.0]]])
    assert margin(np.moveaxis(values, 1, 0), np.array([0])).ravel().tolist() == [1.0, -2.0]
