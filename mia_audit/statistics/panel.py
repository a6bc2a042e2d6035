"""A panel of phantoms: models that never saw the target's coins, each attacked as the target is and scored against the target's row.

Given all scores, the target's coins are independent of every one of them, whatever the scores have in common: coins drawn anew give the
exact distribution of the panel's mean AUC, and an artefact that all models share moves the mean while noise of single models averages
out. The target's own AUC minus the panel's mean is free of what they share; its variance is DeLong's of that contrast (DeLong, DeLong and
Clarke-Pearson, Biometrics 44 (1988) 837-845), each AUC over the examples that count in it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from mia_audit.errors import EvidenceError
from mia_audit.statistics.delong import placements
from mia_audit.statistics.interval import LEVEL, Interval
from mia_audit.types import Bools, Floats

DRAWS = 1_999
_NOTHING = 1e-12
_ROWS = 250  # redrawn coins looked at together


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Scores of the phantoms, and which examples count in each; both [phantoms, examples]."""

    scores: Floats
    counted: Bools

    def __post_init__(self) -> None:
        if self.scores.shape != self.counted.shape or self.scores.ndim != 2 or not len(self.scores):
            raise EvidenceError(
                f"a panel needs scores and which examples count alike, [phantoms, examples], got {self.scores.shape} and "
                f"{self.counted.shape}; give equal arrays of one phantom or more"
            )


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The target's AUC minus the panel's mean, with its interval, and the one-sided p of "no more than the panel's"."""

    interval: Interval
    p: float


def mean_auc(panel: Panel, member: Bools) -> float:
    """Return the mean over phantoms of the AUC against one row of coins [examples]."""
    return float(_means(_ranked(panel), panel.counted, member[None])[0])


def panel_p(panel: Panel, member: Bools, fraction: float, rng: np.random.Generator, draws: int = DRAWS) -> float:
    """Return the exact two-sided p of "the phantoms know nothing of these coins", which fall on "member" with this probability."""
    ranks = _ranked(panel)
    distance = abs(_means(ranks, panel.counted, member[None])[0] - 0.5)
    as_far = 0
    for start in range(0, draws, _ROWS):
        coins = rng.random((min(_ROWS, draws - start), member.size)) < fraction
        as_far += int((np.abs(_means(ranks, panel.counted, coins) - 0.5) >= distance - 1e-12).sum())
    return (as_far + 1) / (draws + 1)


def beyond(scores: Floats, panel: Panel, member: Bools, level: float = LEVEL) -> Difference:
    """Return the AUC of the target's scores [examples] minus the panel's mean AUC; where nothing varies, nothing is known of it."""
    own, influence = _influence(scores, np.ones(member.size, dtype=np.bool_), member)
    areas = []
    for row, can in zip(panel.scores, panel.counted, strict=True):
        area, moved = _influence(row, can, member)
        areas.append(area)
        influence -= moved / len(panel.scores)
    value, spread = own - float(np.mean(areas)), float(np.sqrt((influence**2).sum()))
    if spread < _NOTHING:
        return Difference(interval=Interval(value=value, low=-1.0, high=1.0, method="nothing varies"), p=1.0)
    half = float(norm.ppf((1 + level) / 2)) * spread
    method = "DeLong, contrast with the panel's mean"
    around = Interval(value=value, low=max(-1.0, value - half), high=min(1.0, value + half), method=method)
    return Difference(interval=around, p=float(norm.sf(value / spread)))


def _influence(scores: Floats, can: Bools, member: Bools) -> tuple[float, Floats]:
    """Return an AUC over the examples that count, and each example's part in it [examples]: squares add up to DeLong's variance."""
    inside, outside = can & member, can & ~member
    above, below = placements(scores[can], member[can])
    area, moved = float(above.mean()), np.zeros(member.size)
    for place, values in ((inside, above), (outside, below)):
        moved[place] = (values - area) / np.sqrt(max(1, values.size * (values.size - 1)))
    return area, moved


def _ranked(panel: Panel) -> Floats:
    """Return each phantom's mid-ranks among the examples that count, 0 for others, [examples, phantoms]."""
    ranks = np.zeros(panel.scores.shape)
    for row, scores, can in zip(ranks, panel.scores, panel.counted, strict=True):
        row[can] = rankdata(scores[can])
    return np.ascontiguousarray(ranks.T)


def _means(ranks: Floats, counted: Bools, coins: Bools) -> Floats:
    """Return the mean over phantoms of the AUC against each row of coins [rows, examples]; a phantom with one side alone says one half."""
    drawn = coins.astype(np.float64)
    inside = drawn @ counted.T
    pairs = inside * (counted.sum(axis=1) - inside)
    wins = drawn @ ranks - inside * (inside + 1) / 2
    areas: Floats = np.divide(wins, pairs, out=np.full(wins.shape, 0.5), where=pairs > 0).mean(axis=1)
    return areas
