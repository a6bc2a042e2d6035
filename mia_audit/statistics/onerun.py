"""A lower bound of epsilon from one training: the audit's own coins make it a theorem.

Steinke, Nasr and Jagielski, "Privacy Auditing with One (1) Training Run", NeurIPS 2023, arXiv:2305.08846v1, Theorem 5.2 and Appendix D:
m examples are included by independent fair coins, the attacker guesses r of the coins and abstains from the rest; if training is
(epsilon, delta)-private, v or more right guesses have at most the probability that a binomial with success e^epsilon / (1 + e^epsilon)
gives, plus what delta adds. No trial is repeated and no example needs to be independent of another.

How many to accuse and how many to clear is fixed on rehearsals, so nothing is searched on the target. It holds for members
drawn by fair coins alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import root_scalar
from scipy.special import betainc, betaincinv, expit, gammaln, log_expit, logit

from mia_audit.errors import EvidenceError
from mia_audit.statistics.roc import split
from mia_audit.types import Bools, Floats, Ints

LEVEL = 0.05
SHARES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of the examples that may be accused, and cleared, among which rehearsals choose."""
_TOP = 50.0


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """So many of m examples guessed, so many of them right."""

    examples: int
    made: int
    right: int

    def __post_init__(self) -> None:
        if not 0 <= self.right <= self.made <= self.examples:
            raise EvidenceError(
                f"guesses need right <= made <= examples, got {self.right} of {self.made} of {self.examples}; give counts of one target"
            )


def p_value(guesses: Guesses, epsilon: float, delta: float) -> float:
    """Return the largest probability of so many right guesses under (epsilon, delta)."""
    return _Tail.of(guesses).p_value(epsilon, delta)


@dataclass(frozen=True, kw_only=True)
class _Tail:
    """The binomial of right guesses, its coefficients log C(made, right - i) for i = 1, 2, ... computed once for every epsilon."""

    guesses: Guesses
    coefficients: Floats

    @classmethod
    def of(cls, guesses: Guesses) -> Self:
        fewer = guesses.right - np.arange(1, guesses.right + 1)
        counted = gammaln(guesses.made + 1) - gammaln(fewer + 1) - gammaln(guesses.made - fewer + 1)
        return cls(guesses=guesses, coefficients=counted)

    def p_value(self, epsilon: float, delta: float) -> float:
        """Return P(v or more right) plus 2 m delta max over i of P(v - i <= right < v) / i."""
        made, right = self.guesses.made, self.guesses.right
        if right == 0:
            return 1.0
        success = expit(epsilon)
        tail = float(betainc(right, made - right + 1, success))
        if delta == 0:
            return tail
        steps = np.arange(1, right + 1)
        logs = self.coefficients + (right - steps) * log_expit(epsilon) + (made - right + steps) * log_expit(-epsilon)
        added = np.cumsum(np.exp(logs)) / steps
        return min(1.0, tail + 2 * self.guesses.examples * delta * float(added.max()))


def bound(guesses: Guesses, delta: float, level: float = LEVEL) -> float:
    """Return the largest epsilon that so many right guesses refute at this level; 0 where they refute none."""
    tail = _Tail.of(guesses)

    def surplus(epsilon: float) -> float:
        return tail.p_value(epsilon, delta) - level

    if surplus(0.0) >= 0:
        return 0.0
    return float(root_scalar(surplus, bracket=(0.0, _TOP), method="brentq", xtol=1e-9).root) if surplus(_TOP) > 0 else _TOP


def guess(scores: Floats, member: Bools, accused: float, cleared: float) -> Guesses:
    """Accuse the share with the largest scores, clear the share with the smallest; ties fall in the order of the examples."""
    split(scores, member)
    said = guessed(scores, accused, cleared)
    right = int((~member[said < 0]).sum()) + int(member[said > 0].sum())
    return Guesses(examples=scores.size, made=int((said != 0).sum()), right=right)


def guessed(scores: Floats, accused: float, cleared: float) -> Ints:
    """Return of each example whether it is accused (1), cleared (-1), or neither (0)."""
    order = np.argsort(scores, kind="stable")
    said = np.zeros(scores.size, dtype=np.int64)
    said[order[: int(cleared * scores.size)]] = -1
    said[order[scores.size - int(accused * scores.size) :]] = 1
    return said


def choose(rehearsals: Sequence[Floats], member: Sequence[Bools], delta: float, level: float = LEVEL) -> tuple[float, float]:
    """Return the shares to accuse and to clear that show most on average over rehearsals: scores and membership of each."""
    pairs = [(accused, cleared) for accused in SHARES for cleared in SHARES if 0 < accused + cleared <= 1]

    def shown(pair: tuple[float, float]) -> tuple[float, float]:
        found = [guess(scores, row, *pair) for scores, row in zip(rehearsals, member, strict=True)]
        return float(np.mean([bound(one, delta, level) for one in found])), float(np.mean([one.right / max(1, one.made) for one in found]))

    return max(pairs, key=shown)


def ceiling(examples: int, delta: float, level: float = LEVEL) -> float:
    """Return what a perfect attack could show: every one of m coins guessed rightly."""
    return bound(Guesses(examples=examples, made=examples, right=examples), delta, level)


def needed(examples: int, made: int, claim: tuple[float, float], level: float = LEVEL) -> int:
    """Return how many of so many guesses must be right to refute (epsilon, delta) at this level.

    One more than were made where all would not do.
    """
    low, high = 0, made + 1
    while low < high:
        middle = (low + high) // 2
        enough = p_value(Guesses(examples=examples, made=made, right=middle), *claim) <= level
        low, high = (low, middle) if enough else (middle + 1, high)
    return low


def least_seen(made: int, right: int, power: float = 0.8) -> float | None:
    """Return the least epsilon at which even the best attack has `right` of `made` guesses right with this power; None where none has.

    It is right in a share e^epsilon / (1 + e^epsilon) of its guesses: no private training of less epsilon can be seen to break a claim that
    takes so many right guesses to refute.
    """
    if right > made:
        return None
    return max(0.0, float(logit(betaincinv(right, made - right + 1, power)))) if right else 0.0
