"""The kind rather than the network: every model of a population takes its turn as the target, the others as its shadow models.

Coins are independent, so each turn is an honest audit of another network of the same recipe; what varies between turns is what
a second training would change. A mean over turns varies with the models, with the examples, and with each pair's own noise, which counts in
both: V(models) + V(examples) - V(pairs), Cameron, Gelbach and Miller, Journal of Business and Economic Statistics 29 (2011) 238-249.
Resampling models and examples at once (the pigeonhole bootstrap) counts that noise three times, and it is nearly all there is. No
clustering can take away from it: each part counts as far as it exceeds the pairs' noise.

Of the mean AUC the parts have closed forms: the turns' AUCs, and DeLong's placements, summed over turns and within each. Of pooled rates
they are bootstraps of models, of examples, and of pairs. Intervals are on the logit scale, by Student's t with Satterthwaite's degrees of
freedom.

Pooled rates set one threshold for all targets together and count pairs (target, example). More pairs resolve a smaller FPR
than one target's non-members do; but it is the FPR of an attacker who faces targets at random, not that of any one target.
Turns share shadow models, which no clustering undoes: their AUCs are slightly dependent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student

from mia_audit.errors import EvidenceError
from mia_audit.statistics.delong import newcombe, placements
from mia_audit.statistics.interval import LEVEL, Interval
from mia_audit.statistics.proportions import Share, accuracy
from mia_audit.statistics.rates import FEWEST_FALSE_POSITIVES, bootstrap, resolved
from mia_audit.types import Bools, Floats, Ints

DRAWS = 250
"""Bootstrap samples of models, and as many of examples."""
PAIR_DRAWS = 2_000


@dataclass(frozen=True, kw_only=True)
class Turns:
    """Scores of every turn, who was a member of it, and which examples it could judge; all [models, examples]."""

    scores: Floats
    member: Bools
    judged: Bools

    def __post_init__(self) -> None:
        if not self.scores.shape == self.member.shape == self.judged.shape or self.scores.ndim != 2:
            raise EvidenceError(
                f"turns need scores, membership and judged alike, [models, examples], got {self.scores.shape}, {self.member.shape} "
                f"and {self.judged.shape}; give equal arrays"
            )
        if not np.isfinite(self.scores[self.judged]).all():
            raise EvidenceError("turns need finite scores where they judge, got NaN or infinity; mend the attack")
        sides = ((self.member & self.judged).any(axis=1), (~self.member & self.judged).any(axis=1))
        if len(self.scores) < 2 or not (sides[0] & sides[1]).all():
            raise EvidenceError(
                "turns need two models or more, each with a member and a non-member it can judge; more shadow models or a larger pool help"
            )

    @property
    def nonmembers(self) -> int:
        """How many pairs (target, non-member) there are."""
        return int((~self.member & self.judged).sum())


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A number over all turns, its variance and the degrees of freedom that it is known with; `least`: what it is where that is 0."""

    value: float
    variance: float
    freedom: float
    method: str
    least: tuple[float, float]

    def interval(self) -> Interval:
        """Return the 95 % interval: on the logit scale, so that it stays within [0, 1]."""
        if not (self.variance > 0 and 0 < self.value < 1):
            return Interval(value=self.value, low=self.least[0], high=self.least[1], method=self.method)
        half = float(student.ppf((1 + LEVEL) / 2, self.freedom)) * self._deviation
        low, high = expit(logit(self.value) - half), expit(logit(self.value) + half)
        return Interval(value=self.value, low=float(low), high=float(high), method=self.method)

    def chance_p(self, chance: float) -> float:
        """Return the one-sided p of "this number does not lie above what a coin has"."""
        if not (self.variance > 0 and 0 < self.value < 1):
            return 0.0 if self.least[0] > chance else 1.0
        return float(student.sf((logit(self.value) - logit(chance)) / self._deviation, self.freedom))

    @property
    def _deviation(self) -> float:
        return math.sqrt(self.variance) / (self.value * (1 - self.value))


def two_way(models: tuple[float, int], examples: tuple[float, int], pairs: float) -> tuple[float, float]:
    """Return the variance of a mean over models and examples, and its degrees of freedom.

    Each side: the variance if it alone were drawn anew, pairs' noise included, and how many there are. pairs: that noise alone.
    How well the models' part is known matters as far as it exceeds the noise; with all of it few models' intervals cover 98 % where pairs'
    noise is all there is, with none of it 92 % where models differ.
    """
    (by_model, m), (by_example, e) = models, examples
    more = max(0.0, by_model - pairs)
    variance = pairs + more + max(0.0, by_example - pairs)
    noise = more * by_model / (m - 1) + by_example**2 / (e - 1)
    return variance, max(m - 1.0, variance**2 / noise if noise else float("inf"))


def each_auc(turns: Turns) -> Floats:
    """Return the AUC of every turn, [models]."""
    return _Placed.of(turns).aucs


def mean_auc(turns: Turns) -> Spread:
    """Return the mean AUC over turns."""
    placed = _Placed.of(turns)
    models, examples = turns.scores.shape
    by_example = float((placed.influence.mean(axis=0) ** 2).sum()) * examples / (examples - 1)
    by_model, pairs = float(placed.aucs.var(ddof=1)) / models, float(placed.noise.mean()) / models
    variance, freedom = two_way((by_model, models), (by_example, examples), pairs)
    value = float(placed.aucs.mean())
    sides = [max(1, int((side & turns.judged).sum(axis=1).mean())) for side in (turns.member, ~turns.member)]
    method = "mean over turns; two-way clusters, logit scale"
    return Spread(value=value, variance=variance, freedom=freedom, method=method, least=newcombe(value, sides[0], sides[1]))


@dataclass(frozen=True, kw_only=True)
class PooledRate:
    """The TPR over all pairs at one common threshold; where it is not `known`, at a larger FPR, so that it is an upper limit alone."""

    spread: Spread
    known: bool

    def interval(self) -> Interval:
        """Return the 95 % interval, or the upper limit where fewer than ten false positives are expected among all pairs."""
        around = self.spread.interval()
        if self.known:
            return around
        method = f"upper limit: fewer than {FEWEST_FALSE_POSITIVES} false positives expected"
        return Interval(value=None, low=0.0, high=around.high, method=method)


def pooled_tprs(turns: Turns, fprs: Sequence[float], rng: np.random.Generator, draws: int = DRAWS) -> tuple[PooledRate, ...]:
    """Return the pooled TPR at several rates, all from the same draws; each draw sets the threshold anew."""
    models, examples = turns.scores.shape
    at = np.array([fpr if resolved(fpr, turns.nonmembers) else min(1.0, FEWEST_FALSE_POSITIVES / turns.nonmembers) for fpr in fprs])
    pooled = _Pooled.of(turns)
    every, each = np.ones(models), np.ones(examples)
    by_model = np.stack([pooled.tprs(_weights(models, rng), each, at) for _ in range(draws)]).var(axis=0) * models / (models - 1)
    by_example = np.stack([pooled.tprs(every, _weights(examples, rng), at) for _ in range(draws)]).var(axis=0)
    scores, member = turns.scores[turns.judged].astype(np.float64), turns.member[turns.judged]
    members = int(member.sum())
    found = []
    for number, (fpr, value) in enumerate(zip(fprs, pooled.tprs(every, each, at), strict=True)):
        pairs = float(bootstrap(scores, member, float(at[number]), PAIR_DRAWS, rng).var())
        variance, freedom = two_way((float(by_model[number]), models), (float(by_example[number]), examples), pairs)
        one = accuracy(Share(hits=round(float(value) * members / models), total=max(1, members // models)))
        spread = Spread(
            value=float(value),
            variance=variance,
            freedom=freedom,
            method="pairs pooled, one threshold; two-way clusters, logit scale",
            least=(one.low, one.high),
        )
        found.append(PooledRate(spread=spread, known=resolved(fpr, turns.nonmembers)))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """Of every turn: its AUC, DeLong's variance of it, and how much each example moves it (0 where it is not judged)."""

    aucs: Floats
    noise: Floats
    influence: Floats

    @classmethod
    def of(cls, turns: Turns) -> Self:
        influence = np.zeros(turns.scores.shape)
        aucs, noise = np.empty(len(turns.scores)), np.empty(len(turns.scores))
        for turn, (scores, member, judged) in enumerate(zip(turns.scores, turns.member, turns.judged, strict=True)):
            sides = placements(scores[judged].astype(np.float64), member[judged])
            aucs[turn] = sides[0].mean()
            noise[turn] = sum(float(side.var(ddof=1)) / side.size for side in sides if side.size > 1)
            for side, here in zip(sides, (judged & member, judged & ~member), strict=True):
                influence[turn, here] = (side - aucs[turn]) / side.size
        return cls(aucs=aucs, noise=noise, influence=influence)


@dataclass(frozen=True, kw_only=True)
class _Pooled:
    """All judged pairs in falling order of score, cut into blocks of ties.

    model, example, member  of each pair
    ends                    the last pair of each block
    members, others         which pairs are judged, as a matrix of ones, [models, examples]
    """

    model: Ints
    example: Ints
    member: Bools
    ends: Ints
    members: Floats
    others: Floats

    @classmethod
    def of(cls, turns: Turns) -> Self:
        model, example = np.nonzero(turns.judged)
        scores = turns.scores[model, example]
        order = np.argsort(-scores, kind="stable")
        falling = scores[order]
        return cls(
            model=model[order],
            example=example[order],
            member=turns.member[model, example][order],
            ends=np.flatnonzero(np.append(falling[1:] != falling[:-1], True)),
            members=(turns.judged & turns.member).astype(np.float64),
            others=(turns.judged & ~turns.member).astype(np.float64),
        )

    def tprs(self, by_model: Floats, by_example: Floats, fprs: Floats) -> Floats:
        """Return the largest TPR of a threshold whose FPR is at most each of `fprs`, pairs weighed by model times example.

        Thresholds at low rates lie among the first pairs: those are looked at alone where they suffice.
        """
        members, others = by_model @ self.members @ by_example, by_model @ self.others @ by_example
        if not (members and others):
            return fprs.copy()
        limits = fprs * others * (1 + 1e-12) + 1e-12
        for blocks in (int(min(1.0, 2 * fprs.max()) * len(self.ends)), len(self.ends)):
            false, true = self._counts(by_model, by_example, blocks)
            if blocks == len(self.ends) or (blocks and false[-1] > limits.max()):
                break
        within = np.searchsorted(false, limits, side="right")
        found: Floats = np.append(0.0, true)[within] / members
        return found

    def _counts(self, by_model: Floats, by_example: Floats, blocks: int) -> tuple[Floats, Floats]:
        """Return false and true accusations at the end of each of the first blocks."""
        ends = self.ends[:blocks]
        pairs = slice(None, ends[-1] + 1 if blocks else 0)
        member = self.member[pairs]
        weight = by_model[self.model[pairs]] * by_example[self.example[pairs]]
        every, true = np.cumsum(weight), np.cumsum(np.where(member, weight, 0.0))
        return (every - true)[ends], true[ends]


def _weights(count: int, rng: np.random.Generator) -> Floats:
    return np.bincount(rng.integers(count, size=count), minlength=count).astype(np.float64)
