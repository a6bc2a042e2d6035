"""Power says what an audit of this size would have seen, by the very tests that the verdict applies."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm, rankdata

from mia_audit.record.budget import HEADLINE_LEVEL
from mia_audit.statistics.looks import Rates, area, count, joint
from mia_audit.statistics.panel import Panel, beyond
from mia_audit.statistics.power import critical_hits, critical_wins, smallest_auc, smallest_tpr
from mia_audit.statistics.roc import auc, tpr_at_fpr

SIDES = [(75, 75), (395, 5), (5, 395), (10, 10), (5, 5), (3, 40), (40, 3), (1, 50), (100, 2_000), (2_000, 20)]


@pytest.mark.parametrize(("side", "smallest"), [(75, 0.618), (5_000, 0.514)])
def test_at_five_percent_it_is_the_textbooks(side: int, smallest: float) -> None:
    """One-sided 5 %, balanced sides: (1.645 + 0.842) standard deviations of a coin's AUC."""
    assert smallest_auc(side, side, 0.05) == pytest.approx(smallest, abs=2.5e-3)  # whose variance away from chance is that at chance
    assert smallest_auc(side, side, HEADLINE_LEVEL) > smallest


@pytest.mark.parametrize(("members", "others"), SIDES)
def test_the_promised_auc_is_found_four_times_in_five(members: int, others: int) -> None:
    """Sides unequal and small: an audit of the smallest AUC rejects chance at the verdict's level in 76 to 85 % of trials."""
    trials = 2_000 if members + others < 500 else 500
    gap = np.sqrt(2) * norm.ppf(smallest_auc(members, others, HEADLINE_LEVEL))
    scores = np.random.default_rng(0).normal(size=(trials, members + others))
    scores[:, :members] += gap
    wins = rankdata(scores, axis=1)[:, :members].sum(axis=1) - members * (members + 1) / 2
    needed = critical_wins(members, others, HEADLINE_LEVEL)
    assert needed is not None
    assert 0.76 <= np.mean(wins >= needed) <= 0.85


@pytest.mark.parametrize(("members", "others"), [(5, 5), (10, 30), (141, 142), (300, 200)])
def test_the_pairs_needed_are_scipys(members: int, others: int) -> None:
    """The fewest pairs whose one-sided p is within the level, exact below 20,000 pairs and normal above."""
    needed = critical_wins(members, others, 0.04)
    assert needed is not None

    def p(wins: int) -> float:
        """Make scores in which members win so many pairs: one member a place higher for each pair more."""
        full, rest = divmod(wins, others)
        members_at = np.array([others + 0.5] * full + ([rest + 0.5] if full < members else []) + [0.5] * (members - full - 1))
        method = "exact" if members * others <= 20_000 else "asymptotic"
        return float(
            mannwhitneyu(members_at + np.arange(members) * 1e-6, np.arange(others) + 1.0, alternative="greater", method=method).pvalue
        )

    assert p(needed) <= 0.04 < p(needed - 1)


def test_so_few_that_nothing_is_told() -> None:
    """Even all pairs won are not rare enough: 1 of 24 orders is more than 4 %."""
    assert critical_wins(1, 23, HEADLINE_LEVEL) is None
    assert smallest_auc(1, 23, HEADLINE_LEVEL) == 1.0
    assert critical_wins(1, 24, HEADLINE_LEVEL) == 24
    assert smallest_auc(2, 2, HEADLINE_LEVEL) == 1.0


def test_the_promised_tpr_is_found_four_times_in_five() -> None:
    """At 5 % of 400 non-members, at the size that a joint test of one attack's rate rejects: found in 76 to 84 % of 2,000 audits."""
    rng, member = np.random.default_rng(0), np.arange(800) < 400
    flat = [area("flat", np.zeros(800), np.ones(800, dtype=np.bool_))]
    critical = joint(flat, [Rates(name="a", scores=rng.normal(size=800), fprs=(0.05,))], member, rng).critical(0.006)
    needed = critical_hits(400, 400, 20, critical)
    assert needed is not None
    gap = norm.isf(0.05) - norm.isf(smallest_tpr(400, 400, 0.05, critical))
    found = [400 * tpr_at_fpr(rng.normal(size=800) + gap * member, member, 0.05) for _ in range(2_000)]
    assert 0.76 <= np.mean(np.array(found) >= needed - 1e-9) <= 0.84


def test_the_hits_needed_are_the_redraws() -> None:
    """How many members lie above the threshold by chance: the share that needs so many or more, against 4,000 noise audits."""
    rng, member = np.random.default_rng(1), np.arange(300) < 150
    needed = critical_hits(150, 150, 15, 2.0)
    assert needed is not None
    hits = np.array([150 * tpr_at_fpr(rng.normal(size=300), member, 0.1) for _ in range(4_000)])
    assert np.mean(hits >= needed - 1e-9) == pytest.approx(0.027, abs=0.012)
    assert critical_hits(150, 150, 150, 2.0) is None
    assert critical_hits(3, 150, 15, 50.0) is None


def test_more_examples_see_more() -> None:
    """Both limits fall towards chance as examples are added, and never beyond 1."""
    sizes = [1, 10, 100, 1_000, 100_000]
    areas = [smallest_auc(n, n, HEADLINE_LEVEL) for n in sizes]
    rates = [smallest_tpr(n, n, 0.1, 3.0) for n in sizes[:-1]]
    assert areas == sorted(areas, reverse=True)
    assert rates == sorted(rates, reverse=True)
    assert areas[0] == rates[0] == 1.0
    assert areas[-1] == pytest.approx(0.5, abs=0.005)
    assert rates[-1] == pytest.approx(0.1, abs=0.07)


@pytest.mark.parametrize("phantoms", [5, 16])
def test_the_promised_auc_is_found_beside_phantoms(phantoms: int) -> None:
    """Both of the verdict's tests, the rank sum's and the one against phantoms of their own noise: 73 to 87 % of 300 audits at 60 + 60."""
    rng, member = np.random.default_rng(phantoms), np.arange(120) < 60
    gap = np.sqrt(2) * norm.ppf(smallest_auc(60, 60, HEADLINE_LEVEL, phantoms))
    needed = critical_wins(60, 60, HEADLINE_LEVEL)
    assert needed is not None
    found = 0
    for _ in range(300):
        scores = rng.normal(size=120) + gap * member
        panel = Panel(scores=rng.normal(size=(phantoms, 120)), counted=np.ones((phantoms, 120), dtype=np.bool_))
        found += auc(scores, member) * 3_600 >= needed - 1e-9 and beyond(scores, panel, member).p <= HEADLINE_LEVEL
    assert 0.73 <= found / 300 <= 0.87


def test_the_split_of_the_verdicts_level() -> None:
    """What the headline gains and other numbers lose by its share: the figures in `record/budget.py`."""
    found = [smallest_auc(150, 150, level) - 0.5 for level in (0.025, 0.04, 0.045)]
    assert found == pytest.approx([0.093, 0.086, 0.084], abs=5e-4)
    rng, member, everybody = np.random.default_rng(0), np.arange(300) % 2 == 0, np.ones(300, dtype=np.bool_)
    shared = rng.normal(size=300)
    alike = [shared + 0.7 * rng.normal(size=300) for _ in range(20)]
    sums = [look for n, own in enumerate(alike) for look in (area(f"{n}: AUC", own, everybody), count(f"{n}: count", own > 0))]
    chance = joint(sums, [Rates(name=f"{n}", scores=own, fprs=(0.1,)) for n, own in enumerate(alike)], member, rng, 3_999)
    assert [chance.critical(level) for level in (0.025, 0.006, 0.001)] == pytest.approx([3.3, 3.8, 4.1], abs=0.15)
