"""The kind rather than the network: every model of a population takes its turn as the target, the others as its shadow models.

Coins are independent, so each turn is an honest audit of another network of the same recipe; what varies between turns is what
a second training would change. The mean AUC over turns has a two-way cluster bootstrap, over models and over examples:
Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007) 386-411. It counts noise twice rather than
once. With few models its ends are drawn out by Student's t with (models - 1) degrees of freedom, and by the bias of a bootstrap variance.

Pooled rates set one threshold for all targets together and count pairs (target, example). More pairs resolve a smaller FPR
than one target's non-members do; but it is the FPR of an attacker who faces targets at random, not that of any one target.
Turns share shadow models, which no resampling undoes: their AUCs are slightly dependent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.stats import norm, rankdata
from scipy.stats import t as student

from mia_audit.errors import EvidenceError
from mia_audit.statistics.interval import LEVEL, Interval
from mia_audit.statistics.rates import FEWEST_FALSE_POSITIVES, resolved
from mia_audit.types import Bools, Floats, Ints

DRAWS = 500


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


def each_auc(turns: Turns) -> Floats:
    """Return the AUC of every turn, [models]."""
    return _Ranked.of(turns).aucs(np.ones(turns.scores.shape[1]))


def mean_auc(turns: Turns, rng: np.random.Generator, draws: int = DRAWS) -> Interval:
    """Return the mean AUC over turns with its two-way cluster bootstrap interval."""
    ranked = _Ranked.of(turns)
    models, examples = turns.scores.shape
    value = float(each_auc(turns).mean())
    found = np.empty(draws)
    for draw in range(draws):
        by_model, by_example = _weights(models, rng), _weights(examples, rng)
        aucs = ranked.aucs(by_example)
        known = np.isfinite(aucs)
        found[draw] = np.average(aucs[known], weights=by_model[known]) if by_model[known].any() else value
    return _widened(value, found, models, "mean over turns; bootstrap over models and examples")


def chance_p(found: Sequence[tuple[Interval, float]], models: int) -> float:
    """Return the one-sided p of "none of these numbers lies above its chance", corrected for how many there are (Bonferroni).

    Each interval is taken back to the deviation that it was drawn from, by Student's t with (models - 1) degrees of freedom.
    """
    half = float(student.ppf((1 + LEVEL) / 2, models - 1))
    p = [
        float(student.sf((one.value - chance) / (one.value - one.low) * half, models - 1))
        for one, chance in found
        if one.value is not None and one.value > one.low
    ]
    return min(1.0, min(p) * len(p)) if p else 1.0


def pooled_tpr(turns: Turns, fpr: float, rng: np.random.Generator, draws: int = DRAWS) -> Interval:
    """Return the TPR over all pairs at one common threshold, with a two-way cluster bootstrap that sets it anew each time.

    Where fewer than ten false positives are expected among all pairs there is an upper limit alone.
    """
    return pooled_tprs(turns, (fpr,), rng, draws)[0]


def pooled_tprs(turns: Turns, fprs: Sequence[float], rng: np.random.Generator, draws: int = DRAWS) -> tuple[Interval, ...]:
    """Do as `pooled_tpr` does at several rates, all from the same draws."""
    models, examples = turns.scores.shape
    at = np.array([fpr if resolved(fpr, turns.nonmembers) else min(1.0, FEWEST_FALSE_POSITIVES / turns.nonmembers) for fpr in fprs])
    pooled = _Pooled.of(turns)
    values = pooled.tprs(np.ones(models), np.ones(examples), at)
    found = np.stack([pooled.tprs(_weights(models, rng), _weights(examples, rng), at) for _ in range(draws)])
    return tuple(
        _rate(float(value), column, models, known=resolved(fpr, turns.nonmembers))
        for fpr, value, column in zip(fprs, values, found.T, strict=True)
    )


def _rate(value: float, found: Floats, models: int, *, known: bool) -> Interval:
    around = _widened(value, found, models, "pairs pooled, one threshold; bootstrap over models and examples")
    if known:
        return around
    return Interval(
        value=None, low=0.0, high=around.high, method=f"upper limit: fewer than {FEWEST_FALSE_POSITIVES} false positives expected"
    )


@dataclass(frozen=True, kw_only=True)
class _Ranked:
    """Each turn's examples in rising order of score; what it cannot judge weighs nothing. `first` and `last`: its block of ties."""

    order: Ints
    member: Floats
    other: Floats
    first: Ints
    last: Ints

    @classmethod
    def of(cls, turns: Turns) -> Self:
        scores = np.where(turns.judged, turns.scores, -np.inf)
        order = np.argsort(scores, axis=1, kind="stable")
        low, high = rankdata(scores, "min", axis=1), rankdata(scores, "max", axis=1)
        sorted_low, sorted_high = np.take_along_axis(low, order, 1), np.take_along_axis(high, order, 1)
        return cls(
            order=order,
            member=np.take_along_axis(turns.member & turns.judged, order, 1).astype(np.float64),
            other=np.take_along_axis(~turns.member & turns.judged, order, 1).astype(np.float64),
            first=sorted_low.astype(np.int64) - 1,
            last=sorted_high.astype(np.int64),
        )

    def aucs(self, weights: Floats) -> Floats:
        """Return every turn's AUC with weighted examples; NaN where one side weighs nothing."""
        weight = weights[self.order]
        below = np.zeros((len(weight), weight.shape[1] + 1))
        np.cumsum(weight * self.other, axis=1, out=below[:, 1:])
        members = weight * self.member
        beaten = np.take_along_axis(below, self.first, 1) + np.take_along_axis(below, self.last, 1)
        total = members.sum(axis=1) * below[:, -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            areas: Floats = (members * beaten).sum(axis=1) / 2 / total
        return areas


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


def _widened(value: float, found: Floats, models: int, method: str) -> Interval:
    """Return the percentile interval, drawn out around the value for few models and kept within [0, 1]."""
    tail = (1 + LEVEL) / 2
    low, high = np.quantile(found, [1 - tail, tail])
    wider = float(student.ppf(tail, models - 1) / norm.ppf(tail)) * math.sqrt(models / (models - 1))
    return Interval(
        value=value,
        low=max(0.0, value - wider * max(0.0, value - float(low))),
        high=min(1.0, value + wider * max(0.0, float(high) - value)),
        method=method,
    )
