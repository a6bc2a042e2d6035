"""Coins are coins and models are different models: every way to break either is told, and sound ones are let pass."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2, kstest

from mia_audit.audit.bank.prepared import Bank
from mia_audit.audit.controls.copying import copies_control, one_number
from mia_audit.audit.controls.guards import coins_control
from mia_audit.errors import EvidenceError
from mia_audit.record import load
from mia_audit.statistics.coins import agreements, coin_ps, spread_p
from mia_audit.statistics.copies import nearest, own_part
from mia_audit.types import Bools, Floats, Ints

REPORTS = Path(__file__).resolve().parent.parent / "reports"


def coins(seed: int, models: int = 18, examples: int = 400, fraction: float = 0.5) -> Bools:
    """Return independent coins."""
    return np.random.default_rng(seed).random((models, examples)) < fraction


def half_of_the_models(rows: Bools) -> Bools:
    """Return a design with each example in exactly half of the models."""
    order = np.random.default_rng(0).permuted(np.tile(np.arange(len(rows))[:, None], (1, rows.shape[1])), axis=0)
    return order < len(rows) // 2


def half_of_the_pool(rows: Bools) -> Bools:
    """Return a design with exactly half of the pool in each model."""
    return half_of_the_models(rows.T).T


def equal(rows: Bools) -> Bools:
    """Return two shadow models with the same coins."""
    return np.vstack([rows[:9], rows[8:-1]])


def opposite(rows: Bools) -> Bools:
    """Return one shadow model with another's coins turned over."""
    return np.vstack([rows[:-1], ~rows[4:5]])


def chained(rows: Bools) -> Bools:
    """Return rows of which each keeps nine in ten of the differences to chance of the one before."""
    out, keep = rows.copy(), np.random.default_rng(1).random(rows.shape) < 0.15
    for model in range(1, len(rows)):
        out[model] = np.where(keep[model], out[model - 1], rows[model])
    return out


def follows_the_target(rows: Bools) -> Bools:
    """Return shadow models that share a little more than half of the target's coins."""
    keep = np.random.default_rng(2).random(rows.shape) < 0.12
    return np.where(keep, rows[0], rows)


def in_blocks(rows: Bools) -> Bools:
    """Return coins that fall for two neighbours at a time."""
    return np.repeat(rows[:, ::2], 2, axis=1)


def of_another_probability(rows: Bools) -> Bools:
    """Return coins that fall on "member" too often."""
    return rows | (np.random.default_rng(3).random(rows.shape) < 0.1)


@pytest.mark.parametrize(
    "fault",
    [half_of_the_models, half_of_the_pool, equal, opposite, chained, follows_the_target, in_blocks, of_another_probability],
)
def test_coins_that_are_none_are_told(fault: Callable[[Bools], Bools]) -> None:
    """Designs that are no independent fair coins fail the control; the coins that they were made from pass it."""
    found = coins_control(fault(coins(5)), 0.5)
    assert found.passed is False, found.detail
    assert coins_control(coins(5), 0.5).passed is True


@pytest.mark.parametrize(("models", "examples", "fraction"), [(4, 150, 0.5), (18, 400, 0.5), (34, 120, 0.3)])
def test_each_p_is_uniform_for_coins(models: int, examples: int, fraction: float) -> None:
    """Of 300 sound matrices each number's p falls below 5 % no more often than it may, and not never; nor does the control."""
    found = [coin_ps(coins(seed, models, examples, fraction), fraction) for seed in range(300)]
    for name in found[0]:
        below = np.mean([each[name] < 0.05 for each in found])
        assert 0.005 < below < 0.09, name
    assert sum(min(each.values()) * 5 < 0.001 for each in found) <= 2


def test_agreement_and_spread_are_what_they_say() -> None:
    """Agreement is that of a count by hand; sums of very many coins follow the chi-squared law; their p is uniform."""
    rows = coins(1, 3, 50)
    same = [(rows[0] == rows[1]).sum(), (rows[0] == rows[2]).sum(), (rows[1] == rows[2]).sum()]
    np.testing.assert_allclose(agreements(rows, 0.5), (2 * np.array(same) - 50) / np.sqrt(50), rtol=1e-5)
    rng = np.random.default_rng(4)
    sums = rng.normal(size=30)
    assert spread_p(sums, 10**9, 0.5) == pytest.approx(2 * min(chi2.sf((sums**2).sum(), 30), chi2.cdf((sums**2).sum(), 30)))
    p = [spread_p((rng.random((80, 12)) < 0.5).sum(axis=1) * 2 / np.sqrt(12) - np.sqrt(12), 12, 0.5) for _ in range(400)]
    assert kstest(p, "uniform").pvalue > 0.001


def test_coins_need_two_models() -> None:
    """One row has nothing to be independent of."""
    with pytest.raises(EvidenceError, match="coins need two models"):
        coin_ps(coins(0, 1), 0.5)


def trained(seed: int, models: int = 14, examples: int = 300) -> tuple[Floats, Ints]:
    """Return answers [models, 1, examples, 4] of models that share easy examples, classes and overconfidence, and the labels."""
    rng = np.random.default_rng(seed)
    labels, ease = rng.integers(0, 4, examples), rng.normal(2, 2, examples)
    logits = rng.normal(size=(models, 1, examples, 4)) + rng.normal(size=(models, 1, 1, 4)) * 0.5
    logits[..., np.arange(examples), labels] += ease * np.exp(0.3 * rng.normal(size=(models, 1, 1)))
    return logits, labels


def bank(logits: Floats, **signals: Floats) -> Bank:
    """Return answers as an audit holds them."""
    nothing = logits[:, :, :0]
    return Bank(pool=logits, third=nothing, test=nothing, rates=np.zeros((len(logits), 0)), signals=signals)


def test_near_copies_are_told_by_answers() -> None:
    """A noisy copy of the target, two equal shadow models, one that is half of the target: each is named."""
    logits, labels = trained(0)
    assert copies_control(bank(logits), labels, 0).passed is True
    noisy, twice, half, scaled = (logits.copy() for _ in range(4))
    noisy[5] = logits[0] + 0.3 * np.random.default_rng(1).normal(size=logits[0].shape)
    twice[9] = logits[8]
    half[6] = (logits[0] + logits[6]) / 2
    scaled[6] = 3 * logits[0] + 1
    for planted, named in (
        (noisy, "The target and shadow model 4"),
        (twice, "Shadow model 7 and shadow model 8"),
        (half, "The target and shadow model 5"),
        (scaled, "The target and shadow model 5"),
    ):
        found = copies_control(bank(planted), labels, 0)
        assert found.passed is False
        assert found.detail.startswith(f"{named} are nearly one by answers")


def test_near_copies_are_told_by_any_signal() -> None:
    """Answers differ, and a further signal of a shadow model is the target's with noise."""
    logits, labels = trained(1)
    rng = np.random.default_rng(2)
    steps = rng.normal(size=(14, 300, 3)) + rng.normal(size=(300, 3))
    assert copies_control(bank(logits, steps=steps), labels, 0).passed is True
    steps[7] = steps[0] + 0.2 * rng.normal(size=(300, 3))
    found = copies_control(bank(logits, steps=steps), labels, 0)
    assert found.passed is False
    assert found.detail.startswith("The target and shadow model 6 are nearly one by steps")


def test_models_that_share_what_all_share_are_let_pass() -> None:
    """Of 60 sound populations none fails; with five models or answers all alike the control says that it was not run."""
    assert all(copies_control(bank(logits), labels, 0).passed for logits, labels in (trained(seed) for seed in range(60)))
    logits, labels = trained(3, models=5)
    assert copies_control(bank(logits), labels, 0).passed is None
    assert copies_control(bank(np.zeros((14, 1, 300, 4))), labels, 0).passed is None


def test_models_that_differ_in_few_ways_are_no_copies() -> None:
    """Answers in a space of four dimensions are much alike by chance: only a whole copy is told."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        answers = rng.normal(size=(14, 4)) @ rng.normal(size=(4, 90))
        found = nearest(answers, np.arange(90) % 3)
        assert found is not None
        assert not found.copied(0.001)
        answers[3] = answers[0]
        again = nearest(answers, np.arange(90) % 3)
        assert again is not None
        assert again.copied(0.001)


def test_the_own_part_is_what_a_line_leaves() -> None:
    """Least squares in each class, of the mean of the others' normal scores; monotone changes of a model's answers move nothing."""
    rng = np.random.default_rng(6)
    answers, groups = rng.normal(size=(5, 80)), np.arange(80) % 2
    rest = own_part(answers, groups)
    scores = own_part(answers[:1], np.arange(80))  # with a class for each example nothing is left
    assert np.abs(scores).max() < 1e-12
    np.testing.assert_allclose(own_part(np.exp(answers), groups), rest, atol=1e-12)
    for group in (0, 1):
        assert np.abs(rest[:, groups == group].sum(axis=1)).max() < 1e-9
    signal = rng.normal(size=(3, 7, 2, 2))
    assert one_number(signal, np.random.default_rng(0)).shape == (3, 7)
    np.testing.assert_array_equal(one_number(signal[..., :1, :1], rng), signal[..., 0, 0])


def test_the_reference_audits_hold_different_models() -> None:
    """In no record of reports/ are two models alike, and every matrix of coins is one."""
    found = sorted(REPORTS.glob("**/record.json"))[:4]
    assert found
    for path in found:
        record = load(path.parent)
        pair = nearest(record.arrays["signal"].astype(np.float64), record.arrays["labels"])
        assert pair is not None
        assert not pair.copied(0.001)
        assert pair.correlation < 0.35
        assert coins_control(record.arrays["membership"], 0.5).passed is True
