"""Bad input: an error in one line or a stated "not resolved", never a silent one half, never a NaN."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from mia_audit.attacks.cards import load_attacks
from mia_audit.audit.attacking.measuring import Truth, results
from mia_audit.audit.attacking.scoring import Scores
from mia_audit.audit.findings import epsilon, risk
from mia_audit.catalogue import load_recipe
from mia_audit.errors import EvidenceError
from mia_audit.recipe import Recipe
from mia_audit.statistics.band import band
from mia_audit.statistics.calibration import calibrate
from mia_audit.statistics.delong import auc_interval
from mia_audit.statistics.epsilon import Decision, choose
from mia_audit.statistics.onerun import guess
from mia_audit.statistics.rates import tpr_interval
from mia_audit.statistics.slices import Grouping, slices
from mia_audit.types import Bools, Floats

MEMBER = np.random.default_rng(0).random(80) < 0.5
GRID = np.geomspace(1e-3, 1, 20)

POOR: dict[str, Floats] = {
    "constant": np.zeros(80),
    "two levels": (np.arange(80) % 3 > 0).astype(float),
    "one odd score": np.where(np.arange(80) == 7, 1e30, 0.0),
    "one ulp apart": np.where(MEMBER, 1.0, np.nextafter(1.0, 2.0)),
    "separated": MEMBER * 1e9,
    "turned": MEMBER * -1e9,
}

STATISTICS: dict[str, Callable[[Floats, Bools], Any]] = {
    "AUC": auc_interval,
    "TPR": lambda scores, member: tpr_interval(scores, member, 0.1, np.random.default_rng(0)),
    "band": lambda scores, member: band(scores, member, GRID, np.random.default_rng(0)),
    "calibration": lambda scores, member: calibrate(scores, member)(scores),
    "decision": lambda scores, member: Decision(threshold=0.5, turned=False).counts(scores, member),
    "choice": lambda scores, member: choose(scores, member, 0.0, (9, 9)),
    "guesses": lambda scores, member: guess(scores, member, 0.1, 0.1),
}


def claimed(**fields: float) -> Recipe:
    """Return a recipe with a privacy claim."""
    recipe = load_recipe("ann")
    return recipe.model_copy(update={"audit": recipe.audit.model_copy(update=fields)})


def numbers(found: Any) -> Iterator[float]:
    """Yield every number in plain content."""
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, list | tuple):
        for part in found:
            yield from numbers(part)
    elif isinstance(found, float):
        yield found


@pytest.mark.parametrize("kind", POOR)
def test_poor_scores_leave_no_nan_in_a_record(kind: str) -> None:
    """Every part that a record holds of an attack whose scores are poor is finite, and intervals hold their value."""
    rehearsals = np.stack([POOR[kind], POOR[kind][::-1]])
    scores = Scores(target=POOR[kind], phantom=POOR[kind], rehearsals=rehearsals)
    truth = Truth(target=MEMBER, rehearsals=np.stack([MEMBER, MEMBER[::-1]]))
    card = load_attacks(("loss",))[0][0]
    parts = [
        *results([card], [scores], truth, 0),
        risk.probabilities(scores, truth)[0],
        risk.names(scores, truth)[0],
        *risk.parts([Grouping(by="class", groups=np.arange(80) % 2, names={0: "a", 1: "b", 2: "empty"})], scores.target, MEMBER),
        epsilon.shown("loss", scores, truth, claimed(claimed_epsilon=1.0, claimed_delta=1e-5)),
        epsilon.shown("loss", scores, truth, claimed(claimed_epsilon=1.0)),
        epsilon.shown("loss", scores, truth, claimed(claimed_mu=1.0)),
    ]
    assert all(math.isfinite(number) for part in parts for number in numbers(part.model_dump()))


@pytest.mark.parametrize("kind", ["constant", "two levels"])
def test_scores_that_tell_nothing_show_nothing(kind: str) -> None:
    """No AUC above one half, no epsilon, nobody named: and the interval says how little is known."""
    scores = Scores(target=POOR[kind], phantom=POOR[kind], rehearsals=np.stack([POOR[kind]] * 2))
    truth = Truth(target=MEMBER, rehearsals=np.stack([MEMBER] * 2))
    interval = auc_interval(POOR[kind], MEMBER)
    assert interval.high - interval.low > 0.1
    assert risk.names(scores, truth)[0].names == 0
    assert not risk.names(scores, truth)[1]["named"].any()
    assert all(not limit.epsilon for limit in epsilon.shown("loss", scores, truth, load_recipe("ann")).limits if limit.bound)


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize(
    ("scores", "member", "message"),
    [
        (np.where(np.arange(80) == 3, np.nan, 1.0), MEMBER, "finite scores"),
        (np.where(np.arange(80) == 3, np.inf, 1.0), MEMBER, "finite scores"),
        (np.arange(80.0), np.ones(80, dtype=bool), "members and non-members"),
        (np.arange(80.0), np.zeros(80, dtype=bool), "members and non-members"),
        (np.zeros(0), np.zeros(0, dtype=bool), "members and non-members"),
    ],
)
def test_what_no_statistic_can_use_is_refused(name: str, scores: Floats, member: Bools, message: str) -> None:
    """NaN, infinity, one class absent, nothing at all: the same error from each statistic."""
    with pytest.raises(EvidenceError, match=message):
        STATISTICS[name](scores, member)


def test_an_empty_slice_is_not_resolved() -> None:
    """A group without an example has counts of zero and no number."""
    (found,) = slices(np.arange(80.0), MEMBER, np.zeros(80, dtype=int), {5: "nobody"})
    assert (found.members, found.nonmembers, found.auc) == (0, 0, None)
