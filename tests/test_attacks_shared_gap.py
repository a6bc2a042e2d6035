"""LiRA with a shared gap: equal to a loop, at its optimum from two shadow models on, and deaf to what is not its business."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student

from mia_audit.attacks.gaussians import Moments
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.lira_shared_gap import EXAMPLES_A_BIN, SharedGapLiRA, shared, smoothed
from mia_audit.attacks.lira_shrunken import prior
from mia_audit.attacks.observables import phi
from mia_audit.errors import EvidenceError, RecipeError
from mia_audit.statistics.roc import auc
from mia_audit.types import Bools, Evidence, Floats
from tests.support.gaussian import coins, evidence_of, gaussian_evidence


def slow_mean(level: Floats, values: Floats, weights: Floats, bins: int) -> Floats:
    """Return the smoothed values, example by example and bin by bin."""
    count = min(bins, max(1, len(level) // EXAMPLES_A_BIN))
    parts = np.array_split(sorted(range(len(level)), key=lambda i: level[i]), count)
    common = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    usual = sum(weights) / len(level)
    heights = []
    for b in range(count):
        top, bottom = usual * common, usual
        for c, share in ((b - 1, 0.5), (b, 1.0), (b + 1, 0.5)):
            if 0 <= c < count:
                top += share * sum(weights[i] * values[i] for i in parts[c])
                bottom += share * sum(weights[i] for i in parts[c])
        heights.append(top / bottom)
    return np.interp(level, [level[part].mean() for part in parts], heights)


def slow(seen: Evidence) -> Floats:
    """Return the log ratio of SciPy's Student densities, from loops over examples and models."""
    target = phi(seen.target, seen.labels).mean(axis=0)
    shadow = np.array([phi(logits, seen.labels).mean(axis=0) for logits in seen.shadows])
    models, n = shadow.shape
    apart, weight = np.zeros(n), np.zeros(n)
    for i in range(n):
        inside, outside = (shadow[side[:, i], i] for side in (seen.trained_on, ~seen.trained_on))
        if len(inside) and len(outside):
            apart[i], weight[i] = inside.mean() - outside.mean(), len(inside) * len(outside) / models

    def levels(gap: Floats) -> Floats:
        return np.array([np.mean([shadow[k, i] - gap[i] * seen.trained_on[k, i] for k in range(models)]) for i in range(n)])

    gap = np.full(n, np.average(apart, weights=weight))
    for _ in range(3):
        gap = slow_mean(levels(gap), apart, weight, 24).clip(0)
    level, variances = levels(gap), []
    residual = shadow - level - gap * seen.trained_on
    for side in (seen.trained_on, ~seen.trained_on):
        own = [np.mean(residual[side[:, i], i] ** 2) if side[:, i].any() else 0.0 for i in range(n)]
        variances.append(slow_mean(level, np.array(own), side.sum(axis=0).astype(float), 24))
    squares = np.array(
        [sum(residual[k, i] ** 2 / variances[0 if seen.trained_on[k, i] else 1][i] for k in range(models)) for i in range(n)]
    )
    worth, centre = prior(Moments(count=np.full(n, models), mean=level, squares=squares), 1_000.0)
    degrees = worth + models - 1
    total = np.zeros(n)
    for sign, mean, variance in ((1, level + gap, variances[0]), (-1, level, variances[1])):
        scale = np.sqrt(variance * (worth * centre + squares) / degrees * (1 + 1 / models))
        total += sign * student.logpdf(target, degrees, loc=mean, scale=scale)
    return total


@pytest.mark.parametrize("shadows", [2, 5, 12])
def test_the_score_is_the_slow_one(shadows: int) -> None:
    """Vectorised scores equal those of loops, also where examples have models on one side only."""
    seen, _ = gaussian_evidence(gap=1.0, examples=150, shadows=shadows)
    assert shadows > 2 or seen.trained_on.all(axis=0).any()
    np.testing.assert_allclose(SharedGapLiRA().score(seen), slow(seen), atol=1e-9)


@pytest.mark.parametrize("shadows", [2, 4, 8, 64])
def test_auc_is_that_of_a_known_gap(shadows: int) -> None:
    """With a gap of 1 that all examples share only the level is guessed, from n models: Phi(gap / sqrt(2 (1 + 1 / n)))."""
    seen, member = gaussian_evidence(gap=1.0, examples=12_000, shadows=shadows)
    assert auc(SharedGapLiRA().score(seen), member) == pytest.approx(norm.cdf(1 / np.sqrt(2 * (1 + 1 / shadows))), abs=0.012)


def uneven(*, examples: int, shadows: int, seed: int = 0) -> tuple[Evidence, Bools, Floats]:
    """Return evidence in which hard examples gain most from training, membership, and each example's gap."""
    rng, member = np.random.default_rng(seed), coins(1 + shadows, examples, seed)
    ease = rng.normal(3.0, 2.0, examples)
    gap = np.clip(2.5 - 0.5 * ease, 0.0, 4.0)
    seen, truth = evidence_of((ease + gap * member + rng.normal(size=member.shape))[:, None], member, seed=seed)
    return seen, truth, gap


def test_a_gap_that_follows_the_level_is_found() -> None:
    """It is found again where levels are well known, and what it adds is worth more than LiRA's own gaps at eight models."""
    seen, _, gap = uneven(examples=6_000, shadows=64)
    found = shared(phi(seen.shadows[:, 0], seen.labels), seen.trained_on)
    assert np.abs(found.gap - gap).mean() < 0.12
    seen, member, gap = uneven(examples=12_000, shadows=8)
    can = np.minimum(seen.trained_on.sum(axis=0), (~seen.trained_on).sum(axis=0)) >= 2
    mine, theirs = (auc(attack.score(seen.only(can)), member[can]) for attack in (SharedGapLiRA(), OnlineLiRA()))
    assert mine > theirs + 0.02


def test_spreads_of_both_sides_are_told_apart() -> None:
    """IN models that agree more than OUT models: both spreads are found, and their ratio."""
    rng, member = np.random.default_rng(0), coins(33, 6_000, 0)
    spread = np.where(member, 0.5, 1.5)
    seen, _ = evidence_of((rng.normal(3, 2, 6_000) + member + spread * rng.normal(size=member.shape))[:, None], member)
    found = shared(phi(seen.shadows[:, 0], seen.labels), seen.trained_on)
    assert np.sqrt(np.median(found.inside / found.outside)) == pytest.approx(1 / 3, abs=0.06)
    assert np.median(found.inside) == pytest.approx(0.25, rel=0.25)


def test_nothing_of_the_target_enters_the_fit() -> None:
    """Other answers of the target to half of the examples leave the scores of the other half as they are, to the bit."""
    seen, _ = gaussian_evidence(gap=1.0, examples=400, shadows=6)
    other = seen.target.copy()
    other[:, :200] = -5 * other[:, :200] + 7
    before, after = SharedGapLiRA().score(seen), SharedGapLiRA().score(replace(seen, target=other))
    np.testing.assert_array_equal(after[200:], before[200:])
    assert (after[:200] != before[:200]).all()


@given(unit=st.floats(0.1, 10), shift=st.floats(-5, 5), seed=st.integers(0, 50))
@settings(deadline=None, max_examples=20)
def test_neither_units_nor_an_origin_matter(unit: float, shift: float, seed: int) -> None:
    """A common scale and shift of every phi cancel, and so does the order of the models."""
    rng, member = np.random.default_rng(seed), coins(7, 130, seed)
    values = rng.normal(3, 2, 130) + member + rng.normal(size=member.shape)
    seen, _ = evidence_of(values[:, None], member)
    moved, _ = evidence_of((unit * values + shift)[:, None], member)
    scores = SharedGapLiRA().score(seen)
    np.testing.assert_allclose(SharedGapLiRA().score(moved), scores, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(SharedGapLiRA().score(seen.with_shadows(np.arange(6)[::-1])), scores, atol=1e-9)


def test_without_a_pair_the_level_decides() -> None:
    """One shadow model, or all on one side: no gap can be told, and the score is phi less the level."""
    seen, _ = gaussian_evidence(gap=1.0, examples=50, shadows=3)
    for few in (seen.with_shadows(np.arange(1)), replace(seen, trained_on=np.zeros_like(seen.trained_on))):
        level = phi(few.shadows[:, 0], few.labels).mean(axis=0)
        np.testing.assert_allclose(SharedGapLiRA().score(few), phi(few.target[0], few.labels) - level, atol=1e-12)


def test_a_bin_without_weight_takes_what_is_common() -> None:
    """Three bins on, where neighbours weigh nothing either; a constant stays what it is."""
    level = np.arange(600.0)
    weights = (level < 120).astype(float)
    found = smoothed(level, np.where(weights > 0, 2.0, 99.0), weights, 10)
    np.testing.assert_allclose(found, 2.0)


def test_what_it_cannot_do_is_refused() -> None:
    """No shadow models, a target among them, and no bins."""
    seen, _ = gaussian_evidence(gap=1.0, examples=20, shadows=4)
    with pytest.raises(EvidenceError, match="lira-shared-gap needs shadows; the evidence offers logits alone"):
        SharedGapLiRA().score(seen.with_shadows(np.zeros(0, dtype=int)))
    with pytest.raises(EvidenceError, match="lira-shared-gap needs shadow models other than the target"):
        SharedGapLiRA().score(replace(seen, target=seen.shadows[2]))
    with pytest.raises(RecipeError, match="lira-shared-gap: bins needs 1 or more, got 0"):
        SharedGapLiRA(bins=0)
