"""Every model takes its turn: means over turns, pooled rates, and intervals that know about models and examples."""

import numpy as np
import pytest
from scipy.stats import norm

from mia_audit.errors import EvidenceError
from mia_audit.statistics.roc import auc, tpr_at_fpr
from mia_audit.statistics.turns import Turns, _Pooled, _Ranked, each_auc, mean_auc, pooled_tpr, pooled_tprs


def planted(seed: int, *, models: int = 12, examples: int = 200, gap: float = 1.0, spread: float = 0.0, digits: int = 12) -> Turns:
    """Return turns whose models leak by `gap` on average, differing by `spread`; every third pair is not judged."""
    rng = np.random.default_rng(seed)
    member = rng.random((models, examples)) < 0.5
    own = gap + spread * rng.normal(size=(models, 1))
    scores = np.round(rng.normal(size=member.shape) + own * member, digits)
    return Turns(scores=scores, member=member, judged=rng.random(member.shape) < 2 / 3)


@pytest.mark.parametrize("digits", [12, 0])
def test_each_turn_has_its_own_auc(digits: int) -> None:
    """Ties or none, it is the AUC of the examples that the turn could judge."""
    turns = planted(0, digits=digits)
    slow = [auc(s[j], m[j]) for s, m, j in zip(turns.scores, turns.member, turns.judged, strict=True)]
    np.testing.assert_allclose(each_auc(turns), slow)
    found = mean_auc(turns, np.random.default_rng(0))
    assert found.value == pytest.approx(np.mean(slow))


@pytest.mark.parametrize("digits", [12, 0])
def test_pooled_pairs_share_one_threshold(digits: int) -> None:
    """The pooled TPR is that of all judged pairs thrown together."""
    turns = planted(1, digits=digits)
    found = pooled_tpr(turns, 0.1, np.random.default_rng(0))
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
    assert three[0] == pooled_tpr(turns, 0.1, np.random.default_rng(0))


def test_weights_are_repetitions() -> None:
    """An example drawn twice counts as if it stood there twice: the bootstrap's AUC and TPR are those of the redrawn pairs."""
    turns = planted(2, models=3, examples=60, digits=1)
    redrawn = np.random.default_rng(1).integers(60, size=60)
    again = Turns(scores=turns.scores[:, redrawn], member=turns.member[:, redrawn], judged=turns.judged[:, redrawn])
    weights = np.bincount(redrawn, minlength=60).astype(float)
    np.testing.assert_allclose(_Ranked.of(turns).aucs(weights), each_auc(again))
    expected = tpr_at_fpr(again.scores[again.judged], again.member[again.judged], 0.2)
    assert _Pooled.of(turns).tprs(np.ones(3), weights, np.array([0.2]))[0] == pytest.approx(expected)
    left_out = _Pooled.of(turns).tprs(np.array([1.0, 0.0, 1.0]), np.ones(60), np.array([0.2]))[0]
    kept = turns.judged[[0, 2]]
    assert left_out == pytest.approx(tpr_at_fpr(turns.scores[[0, 2]][kept], turns.member[[0, 2]][kept], 0.2))


@pytest.mark.parametrize("models", [4, 20])
def test_the_interval_covers_the_kind(models: int) -> None:
    """Models that differ by more than their examples: the interval of the mean covers at least 93 % of 150 populations."""
    truth = float(np.mean(norm.cdf((1 + 0.4 * norm.ppf((np.arange(999) + 0.5) / 999)) / np.sqrt(2))))
    rng = np.random.default_rng(0)
    found = [mean_auc(planted(seed, models=models, spread=0.4, examples=100), rng, draws=200) for seed in range(150)]
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.93


def test_examples_alone_would_cover_less() -> None:
    """The pooled rate's interval is wider where models differ: it resamples models, not only pairs."""
    alike, different = (pooled_tpr(planted(3, models=16, spread=s), 0.1, np.random.default_rng(0)) for s in (0.0, 1.0))
    assert different.high - different.low > 1.5 * (alike.high - alike.low)


def test_pooling_resolves_what_one_target_cannot() -> None:
    """100 non-members a target never resolve 1 %; ten targets together do; at 0.1 % there is an upper limit alone."""
    turns = planted(4, models=24, examples=200)
    assert pooled_tpr(turns, 0.01, np.random.default_rng(0)).value is not None
    unresolved = pooled_tpr(turns, 0.001, np.random.default_rng(0))
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
