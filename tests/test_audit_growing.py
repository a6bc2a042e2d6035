"""What shadow models buy: subsets scored as an audit with so few would score, paired intervals that cover, words that say no more."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.lira_shared_gap import SharedGapLiRA
from mia_audit.attacks.observables import phi
from mia_audit.attacks.thresholds import LOSS
from mia_audit.audit.findings.growing import growth
from mia_audit.record import Estimate, Growth
from mia_audit.report.audit_page import page
from mia_audit.report.growth import growth_in_words
from mia_audit.statistics.roc import auc
from mia_audit.types import Evidence, Floats
from tests.support.gaussian import gaussian_evidence
from tests.support.records import make_record


def test_subsets_are_audits_with_fewer_models() -> None:
    """A quarter, a half and all: the attack's scores on the first so many, and every model helps the Gaussian attack."""
    seen, member = gaussian_evidence(gap=1.0, examples=3_000, shadows=32)
    attack = SharedGapLiRA()
    scores = attack.score(seen)
    found = growth(attack, seen, scores, member, seed=0)
    assert found is not None
    assert [point.shadows for point in found.points] == [8, 16, 32]
    few = seen.trained_on[:8].sum(axis=0)
    can = (few > 0) & (few < 8)
    assert found.examples == can.sum() > 2_900
    for count, point in zip((8, 16, 32), found.points, strict=True):
        own = attack.score(seen.with_shadows(np.arange(count)).only(can)) if count < 32 else scores[can]
        assert point.auc.value == pytest.approx(auc(own, member[can]))
        assert point.auc.value == pytest.approx(norm.cdf(1 / np.sqrt(2 * (1 + 1 / count))), abs=0.03)
    assert found.doubling.value == pytest.approx((found.points[2].auc.value or 0) - (found.points[1].auc.value or 0))


def test_too_few_are_left_out() -> None:
    """LiRA with means of its own cannot use 2 of 8 models nor 4, thresholds use none: nothing is said."""
    seen, member = gaussian_evidence(gap=1.0, examples=500, shadows=8)
    can = np.minimum(seen.trained_on.sum(axis=0), (~seen.trained_on).sum(axis=0)) >= 2
    seen, member = seen.only(can), member[can]
    assert growth(OnlineLiRA(), seen, OnlineLiRA().score(seen), member, seed=0) is None
    assert growth(LOSS, seen, LOSS.score(seen), member, seed=0) is None
    more, truth = gaussian_evidence(gap=1.0, examples=500, shadows=24)
    found = growth(OnlineLiRA(), more, OnlineLiRA().score(more), truth, seed=0)
    assert found is not None
    assert [point.shadows for point in found.points] == [12, 24]


def test_the_targets_coins_choose_nobody() -> None:
    """Whoever is measured, and their scores, stay as they are when the target's membership is another."""
    seen, member = gaussian_evidence(gap=1.0, examples=600, shadows=16)
    attack = SharedGapLiRA()
    one, other = (growth(attack, seen, attack.score(seen), truth, seed=0) for truth in (member, ~member))
    assert one is not None
    assert other is not None
    assert one.examples == other.examples
    for mine, theirs in zip(one.points, other.points, strict=True):
        assert mine.auc.value == pytest.approx(1 - (theirs.auc.value or 0))


class Deaf(Attack):
    """An attack that is given shadow models and does not listen."""

    name = "deaf"
    shadows_per_side = 0
    needs = frozenset({"shadows"})

    def _score(self, seen: Evidence) -> Floats:
        """Return phi of the target."""
        return phi(seen.target[0], seen.labels)


def test_models_that_change_nothing_say_nothing() -> None:
    """Scores that order alike whatever the count have no interval, and no sentence."""
    seen, member = gaussian_evidence(gap=1.0, examples=200, shadows=16)
    assert growth(Deaf(), seen, Deaf().score(seen), member, seed=0) is None


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.002, 0.02, "would do better than this audit"), (-0.004, 0.004, "would hardly make"), (-0.01, 0.02, "does not tell whether")],
)
def test_words_say_what_the_interval_allows(low: float, high: float, said: str) -> None:
    """Above 0, below half a hundredth, or neither; and the page has them, or no such section where there is none."""
    record = make_record()
    assert growth_in_words(record.summary) == ""
    assert "What more shadow models would buy" not in page(record)
    seen, member = gaussian_evidence(gap=1.0, examples=400, shadows=16)
    found = growth(SharedGapLiRA(), seen, SharedGapLiRA().score(seen), member, seed=0)
    assert found is not None
    middle = Estimate(value=(low + high) / 2, low=low, high=high, method="DeLong, paired areas")
    told = Growth(examples=found.examples, points=found.points, doubling=middle)
    grown = replace(record, summary=record.summary.model_copy(update={"growth": told}))
    assert said in growth_in_words(grown.summary)
    shown = page(grown)
    assert "What more shadow models would buy" in shown
    assert said in shown
