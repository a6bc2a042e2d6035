"""Every model takes its turn: means over turns, pooled rates, and intervals that know about models and examples."""

import numpy as np
import pytest
from scipy.stats import norm

from mia_audit.errors import EvidenceError
from mia_audit.statistics.delong import delong
from mia_audit.statistics.interval import Interval
from mia_audit.statistics.roc import auc, tpr_at_fpr
from mia_audit.statistics.turns import Turns, _Placed, _Pooled, each_auc, mean_auc, pooled_tprs, two_way


def planted(seed: int, *, models: int = 12, examples: int = 200, gap: float = 1.0, spread: float = 0.0, digits: int = 12) -> Turns:
    """Return turns whose models leak by `gap` on average, differing by `spread`; every third pair is not judged."""
    rng = np.random.default_rng(seed)
    member = rng.random((models, examples)) < 0.5
    own = gap + spread * rng.normal(size=(models, 1))
    scores = np.round(rng.normal(size=member.shape) + own * member, digits)
    return Turns(scores=scores, member=member, judged=rng.random(member.shape) < 2 / 3)


def one_rate(turns: Turns, fpr: float) -> Interval:
    """Return the interval of one pooled rate."""
    return pooled_tprs(turns, (fpr,), np.random.default_rng(0))[0].interval()


@pytest.mark.parametrize("digits", [12, 0])
def test_each_turn_has_its_own_auc(digits: int) -> None:
    """Ties or none, it is the AUC of the examples that the turn could judge."""
    turns = planted(0, digits=digits)
    slow = [auc(s[j], m[j]) for s, m, j in zip(turns.scores, turns.member, turns.judged, strict=True)]
    np.testing.assert_allclose(each_auc(turns), slow)
    found = mean_auc(turns).interval()
    assert found.value == pytest.approx(np.mean(slow))


@pytest.mark.parametrize("digits", [12, 0])
def test_pooled_pairs_share_one_threshold(digits: int) -> None:
    """The pooled TPR is that of all judged pairs thrown together."""
    turns = planted(1, digits=digits)
    found = one_rate(turns, 0.1)
    assert found.value == pytest.approx(tpr_at_fpr(turns.scores[turns.judged], turns.member[turns.judged], 0.1))


@pytest.mark.parametrize("digits", [12, 0])
def test_a_look_at_the_first_pairs_equals_a_look_at_all(digits: int) -> None:
    """Low rates are found among the first pairs, with any weights, and several at once as one by one; heavy ties need all pairs."""
    turns, rng = planted(7, digits=digits), np.random.default_rng(3)
    pooled, fprs = _Pooled.of(turns), np.array([0.1, 0.01, 0.05])
    for _ in range(20):
        by_model, by_example = (rng.integers(0, 4, size=count).astype(float) for count in turns.scores.shape)
        together = pooled.tprs(by_model, by_example, fprs)
        whole = pooled.tprs(by_model, by_example, np.append(fprs, 1.0))
        np.testing.assert_array_equal(together, whole[:3])
        assert whole[3] == 1.0
        np.testing.assert_array_equal(together, [pooled.tprs(by_model, by_example, fprs[[place]])[0] for place in range(3)])
    three = pooled_tprs(turns, tuple(fprs), np.random.default_rng(0))
    assert three[0].interval().value == one_rate(turns, 0.1).value


def test_weights_are_repetitions() -> None:
    """An example drawn twice counts as if it stood there twice: the bootstrap's TPR is that of the redrawn pairs."""
    turns = planted(2, models=3, examples=60, digits=1)
    redrawn = np.random.default_rng(1).integers(60, size=60)
    again = Turns(scores=turns.scores[:, redrawn], member=turns.member[:, redrawn], judged=turns.judged[:, redrawn])
    weights = np.bincount(redrawn, minlength=60).astype(float)
    expected = tpr_at_fpr(again.scores[again.judged], again.member[again.judged], 0.2)
    assert _Pooled.of(turns).tprs(np.ones(3), weights, np.array([0.2]))[0] == pytest.approx(expected)
    left_out = _Pooled.of(turns).tprs(np.array([1.0, 0.0, 1.0]), np.ones(60), np.array([0.2]))[0]
    kept = turns.judged[[0, 2]]
    assert left_out == pytest.approx(tpr_at_fpr(turns.scores[[0, 2]][kept], turns.member[[0, 2]][kept], 0.2))


KINDS = {
    "noise alone": {"gap": 1.0},
    "models differ": {"gap": 0.7, "models_differ": 0.3},
    "examples differ": {"gap": 0.5, "examples_leak": 0.7, "examples_lie": 1.0},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_interval_covers_the_kind(kind: str) -> None:
    """150 populations of 6 models: the interval covers in 90 % or more, not in all, and is not much wider than it need be."""
    found = [mean_auc(population(seed, 6, **KINDS[kind])).interval() for seed in range(150)]
    values = np.array([one.value for one in found], dtype=float)
    truth = truth_of(**KINDS[kind])
    assert 0.90 <= np.mean([one.low <= truth <= one.high for one in found]) < 1
    assert np.mean([one.high - one.low for one in found]) < 1.4 * 2 * norm.ppf(0.975) * values.std()


def population(
    seed: int, models: int, *, gap: float, models_differ: float = 0.0, examples_leak: float = 0.0, examples_lie: float = 0.0
) -> Turns:
    """Return turns over 200 examples, whose models leak differently and whose examples leak and lie differently, all Gaussian."""
    rng = np.random.default_rng(seed)
    member = rng.random((models, 200)) < 0.5
    leak = gap + models_differ * rng.normal(size=(models, 1)) + examples_leak * rng.normal(size=200)
    scores = rng.normal(size=member.shape) + examples_lie * rng.normal(size=200) + leak * member
    return Turns(scores=scores, member=member, judged=np.ones_like(member))


def truth_of(*, gap: float, models_differ: float = 0.0, examples_leak: float = 0.0, examples_lie: float = 0.0) -> float:
    """Return the mean AUC over all models and examples: within a model, gap over the spread of a difference; then over models."""
    spread = np.sqrt(2 + 2 * examples_lie**2 + examples_leak**2)
    models = gap + models_differ * norm.ppf((np.arange(999) + 0.5) / 999)
    return float(np.mean(norm.cdf(models / spread)))


def test_the_pooled_rates_interval_covers_the_kind() -> None:
    """At 10 % of 60 populations of 6 models: in 86 to all but one."""
    at = np.linspace(0, 1, 20_001)[1:-1]
    truth = float(np.interp(0.1, at, norm.sf(norm.isf(at) - 1.0)))
    found = [pooled_tprs(population(seed, 6, gap=1.0), (0.1,), np.random.default_rng(seed), 40)[0].interval() for seed in range(60)]
    assert 0.86 <= np.mean([one.low <= truth <= one.high for one in found]) < 1


def test_placements_are_delongs_and_sum_to_nothing() -> None:
    """Within a turn what examples add sums to 0, their squares to DeLong's variance; what is not judged adds nothing."""
    turns = planted(5, models=3, examples=80, digits=1)
    placed = _Placed.of(turns)
    np.testing.assert_allclose(placed.influence.sum(axis=1), 0, atol=1e-12)
    assert not placed.influence[~turns.judged].any()
    for turn in range(3):
        here = turns.judged[turn]
        area, variance = delong(turns.scores[turn][here], turns.member[turn][here])
        assert (placed.aucs[turn], placed.noise[turn]) == pytest.approx((area, variance))
        sides = [side[turn] & here for side in (turns.member, ~turns.member)]
        corrected = [(placed.influence[turn][side] ** 2).sum() * side.sum() / (side.sum() - 1) for side in sides]
        assert sum(corrected) == pytest.approx(placed.noise[turn])


def test_two_ways_of_varying_add_up() -> None:
    """The pairs' noise counts once; a side that varies by less than it adds nothing; freedom is the models' where only they vary."""
    variance, freedom = two_way((3.0, 6), (2.0, 100), 1.0)
    assert variance == pytest.approx(3.0 + 2.0 - 1.0)
    assert freedom == pytest.approx(16 / (2 * 3 / 5 + 4 / 99))
    assert two_way((0.5, 6), (0.8, 100), 1.0) == (1.0, pytest.approx(99 / 0.64))
    assert two_way((1e9, 6), (1.0, 100), 1.0)[1] == pytest.approx(5)
    assert two_way((100.0, 6), (90.0, 2), 1.0)[1] == 5


def test_a_p_of_chance_and_an_interval_agree() -> None:
    """At its lower end the one-sided p is 2.5 %; where nothing varies the least interval decides."""
    found = mean_auc(planted(6))
    assert found.chance_p(found.interval().low) == pytest.approx(0.025)
    assert found.chance_p(found.value) == pytest.approx(0.5)
    sure = mean_auc(Turns(scores=np.tile([0.0, 1.0], (3, 20)), member=np.tile([False, True], (3, 20)), judged=np.ones((3, 40), dtype=bool)))
    assert (sure.value, sure.variance) == (1.0, 0.0)
    assert sure.interval().low < 1 == sure.interval().high
    assert (sure.chance_p(0.5), sure.chance_p(1.0)) == (0.0, 1.0)


def test_examples_alone_would_cover_less() -> None:
    """The pooled rate's interval is wider where models differ: it resamples models, not only pairs."""
    alike, different = (one_rate(planted(3, models=16, spread=s), 0.1) for s in (0.0, 1.0))
    assert different.high - different.low > 1.5 * (alike.high - alike.low)


def test_pooling_resolves_what_one_target_cannot() -> None:
    """100 non-members a target never resolve 1 %; ten targets together do; at 0.1 % there is an upper limit alone."""
    turns = planted(4, models=24, examples=200)
    assert one_rate(turns, 0.01).value is not None
    unresolved = one_rate(turns, 0.001)
    assert (unresolved.value, unresolved.low) == (None, 0.0)
    assert unresolved.high < 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.full((2, 4), np.nan)}, "finite scores"),
        ({"member": np.ones((2, 4), dtype=bool)}, "a member and a non-member"),
        ({"judged": np.zeros((2, 4), dtype=bool)}, "a member and a non-member"),
        ({"judged": np.ones((2, 3), dtype=bool)}, "alike"),
    ],
)
def test_turns_that_say_nothing_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    """NaN where judged, one side alone and unequal shapes are errors, never a silent 0.5."""
    whole = {"scores": np.zeros((2, 4)), "member": np.tile([True, False], (2, 2)), "judged": np.ones((2, 4), dtype=bool)}
    assert each_auc(Turns(**whole)).tolist() == [0.5, 0.5]
    with pytest.raises(EvidenceError, match=message):
        Turns(**whole | change)
