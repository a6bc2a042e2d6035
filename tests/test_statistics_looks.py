"""All looks at one target: each number as other code computes it, the joint p by brute force, and its level."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from mia_audit.statistics.looks import Joint, Linear, Rates, area, chance_p, count, joint, rate_name, redrawn
from mia_audit.statistics.nulltest import angle
from mia_audit.statistics.roc import auc, tpr_at_fpr
from mia_audit.types import Bools, Floats

RNG = np.random.default_rng
EVERYBODY = np.ones(60, dtype=np.bool_)


def one(sums: list[Linear], rates: list[Rates], member: Bools, draws: int = 399) -> Joint:
    """Return the joint test from a stream of its own."""
    return joint(sums, rates, member, RNG(1), draws)


def test_redraws_keep_the_sides() -> None:
    """The coins as they fell come first; every redraw has as many members, and no two of these are alike."""
    member = np.arange(60) < 20
    rows = np.concatenate(list(redrawn(member, RNG(0), 450)))
    assert rows.shape == (451, 60)
    assert np.array_equal(rows[0], member)
    assert (rows.sum(axis=1) == 20).all()
    assert len(np.unique(rows, axis=0)) == 451


def test_it_is_the_largest_of_all_numbers_as_other_code_computes_them() -> None:
    """Ties and all: AUC, a count, an AUC in a part, and a rate, standardised over the redraws by brute force, one coin row at a time."""
    rng = RNG(3)
    member, scores = rng.random(60) < 0.5, np.round(rng.normal(size=60), 1)
    part, accused = np.arange(60) % 3 == 0, rng.normal(size=60) > 0.3
    found = one(
        [area("auc", scores, EVERYBODY), count("count", accused), area("part", scores, part, 5)],
        [Rates(name="a", scores=scores, fprs=(0.4, 0.1))], member,
    )  # fmt: skip
    rows = np.concatenate(list(redrawn(member, RNG(1), 399)))
    values = np.array([[_auc_z(scores, row), _count_z(accused, row), _auc_z(scores[part], row[part])] for row in rows])
    inside = rows[:, part].sum(axis=1)
    values[np.minimum(inside, 20 - inside) < 5, 2] = 0.0
    hits = np.array([tpr_at_fpr(scores, row, 0.4) for row in rows])
    turned = angle(hits, int(member.sum()))
    every = np.column_stack([np.abs(values[:, 0]), values[:, 1], np.abs(values[:, 2]), (turned - turned.mean()) / turned.std()])
    assert found.largest == pytest.approx(every.max(axis=1))
    assert list(found.p) == ["auc", "count", "part", rate_name("a", 0.4)]  # at 10 % fewer than ten false positives are expected
    for number, p in enumerate(found.p.values()):
        assert p == pytest.approx((every.max(axis=1) >= every[0, number] - 1e-12).mean())


def _auc_z(scores: Floats, member: Bools) -> float:
    m, n = int(member.sum()), int((~member).sum())
    _, ties = np.unique(scores, return_counts=True)
    tied = float((ties.astype(float) ** 3 - ties).sum()) / ((m + n) * (m + n - 1))
    return (auc(scores, member) - 0.5) * np.sqrt(12 * m * n / (m + n + 1 - tied))


def _count_z(accused: Bools, member: Bools) -> float:
    total, share, inside = accused.size, accused.mean(), int(member.sum())
    variance = inside * share * (1 - share) * (total - inside) / (total - 1)  # the hypergeometric's
    return (int((accused & member).sum()) - inside * share) / np.sqrt(variance)


def test_a_small_side_is_not_looked_at() -> None:
    """A part with too few of one side has no say, in any redraw; so has one in which all score alike."""
    member, scores = np.arange(60) < 30, np.arange(60.0)
    small = one([area("small", scores, np.arange(60) >= 25, 10)], [], member)
    assert small.p["small"] == 1.0
    assert one([area("flat", np.zeros(60), EVERYBODY)], [], member).p["flat"] == 1.0


def test_the_p_of_an_auc_is_the_permutation_tests_own() -> None:
    """Of seven examples all 35 orders are known: redraws come close to their share, and to SciPy's exact p."""
    scores, member = np.array([0.3, 0.9, 0.1, 0.7, 0.5, 0.8, 0.2]), np.array([True, True, False, True, False, False, False])
    sums = [scores.argsort().argsort()[list(chosen)].sum() for chosen in combinations(range(7), 3)]
    exact = np.mean(np.array(sums) >= scores.argsort().argsort()[member].sum())
    assert exact == pytest.approx(mannwhitneyu(scores[member], scores[~member], alternative="greater", method="exact").pvalue)
    assert chance_p(scores, member, RNG(0), 7_999) == pytest.approx(exact, abs=0.02)


def test_it_errs_as_often_as_it_says() -> None:
    """Twelve attacks that resemble each other on noise: some p of at most 10 % in 4 to 17 % of 150 audits; a planted leak is found."""
    alarms = 0
    for seed in range(150):
        rng = RNG(seed)
        member, shared = rng.random(120) < 0.5, rng.normal(size=120)
        scores = [shared + 0.5 * rng.normal(size=120) for _ in range(12)]
        found = joint(
            [area(f"{number}", own, np.ones(120, dtype=np.bool_)) for number, own in enumerate(scores)],
            [Rates(name=f"{number}", scores=own, fprs=(0.2,)) for number, own in enumerate(scores)], member, rng, 199,
        )  # fmt: skip
        alarms += min(found.p.values()) <= 0.1
    assert 6 <= alarms <= 25
    member = np.arange(200) % 2 == 0
    leak = joint([area("leak", member + RNG(0).normal(size=200), np.ones(200, dtype=np.bool_))], [], member, RNG(1), 199)
    assert leak.p["leak"] == 1 / 200


def test_the_critical_size_is_where_p_meets_the_level() -> None:
    """A look of that size has a p within the level, a smaller one has not; with too few draws none has."""
    rng = RNG(0)
    found = one([area("a", rng.normal(size=60), EVERYBODY)], [], rng.random(60) < 0.5)
    for level in (0.01, 0.05, 0.3):
        assert (found.largest >= found.critical(level)).mean() <= level
        assert (found.largest >= np.sort(found.largest)[::-1][int(level * 400)]).mean() > level
    assert found.critical(0.001) == np.inf
