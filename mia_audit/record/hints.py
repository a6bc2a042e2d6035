"""What else in a record lies off chance when the headline's AUC does not lie above it.

The headline's AUC is the one number that decides (`Summary.leaks`). The others are many, so that one of them lies off chance by its own
interval in most audits of nothing: each interval is widened as a normal one would be from 95 % to a level that all of them share
(Bonferroni). Slices and examples at risk are corrected for their number already, and a bound of epsilon has its own level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from mia_audit.record.findings import Epsilon, Kind, SliceResult, Vulnerable
from mia_audit.record.parts import AttackResult, Estimate, RateAtFPR

CHANCE = 0.5
MOST_NAMES = 3
TAIL = 0.025
PERCENT = "\N{NARROW NO-BREAK SPACE}%"


@dataclass(frozen=True, kw_only=True)
class Looks:
    """At how many numbers a reader looks besides the headline's AUC."""

    count: int

    def above(self, estimate: Estimate, chance: float) -> bool:
        """Say whether an estimate lies above chance, its interval widened for all looks."""
        return estimate.value is not None and estimate.value - self._wider * (estimate.value - estimate.low) > chance

    def below(self, estimate: Estimate, chance: float) -> bool:
        """Say whether an estimate lies below chance, its interval widened for all looks."""
        return estimate.value is not None and estimate.value + self._wider * (estimate.high - estimate.value) < chance

    def rates_above(self, rates: Sequence[RateAtFPR]) -> list[RateAtFPR]:
        """Return the resolved true positive rates above their false positive rate, which is what a coin has."""
        return [rate for rate in rates if self.above(rate.tpr, rate.fpr)]

    @property
    def _wider(self) -> float:
        normal = NormalDist()
        return normal.inv_cdf(1 - TAIL / max(1, self.count)) / normal.inv_cdf(1 - TAIL)


def looks(attacks: Sequence[AttackResult], kind: Kind | None) -> Looks:
    """Count each attack's AUC, advantage and resolved rates, and those of the network's kind."""
    of_attacks = sum(2 + _resolved(attack.tpr_at_fpr) for attack in attacks)
    return Looks(count=of_attacks + (0 if kind is None else 1 + _resolved(kind.tpr_at_fpr)))


def of_headline(attack: AttackResult, seen: Looks) -> tuple[str, ...]:
    """Return what lies off chance of the headline attack, but for an AUC above it: an AUC below, rates, and the advantage."""
    found = []
    if seen.below(attack.auc, CHANCE):
        found.append(f"that AUC lies below {CHANCE}, so that the scores tell members when read backwards")
    found += [f"its {_rate(rate)}" for rate in seen.rates_above(attack.tpr_at_fpr)]
    if seen.above(attack.advantage, 0.0):
        found.append(f"its advantage at the threshold fixed beforehand is {_decimals(attack.advantage)}")
    return tuple(found)


def of_epsilon(epsilon: Epsilon | None) -> tuple[str, ...]:
    """Return each lower bound of epsilon above 0; an estimate is none, and says no more than the rates that it is computed from."""
    bounds = (
        [] if epsilon is None else [limit for limit in epsilon.limits if limit.bound and limit.epsilon is not None and limit.epsilon > 0]
    )
    return tuple(f"epsilon is at least {limit.epsilon:.2f} by {limit.method}" for limit in bounds)


def of_others(attacks: Sequence[AttackResult], headline: str, seen: Looks) -> tuple[str, ...]:
    """Return which of the other attacks have an interval off chance."""
    others = [attack for attack in attacks if attack.name != headline]
    off = [attack.name for attack in others if seen.above(attack.auc, CHANCE) or of_headline(attack, seen)]
    if not off:
        return ()
    has = "has an interval" if len(off) == 1 else "have intervals"
    return (f"{len(off)} of {len(others)} other attacks {has} off chance ({_some(off)})",)


def of_kind(kind: Kind | None, vulnerable: Vulnerable | None, seen: Looks) -> tuple[str, ...]:
    """Return what other networks of the recipe show: mean AUC, pooled rates, examples at risk."""
    found = []
    if kind is not None:
        if seen.above(kind.mean_auc, CHANCE):
            found.append(f"the mean AUC over {kind.turns} networks of its kind is {_decimals(kind.mean_auc)}")
        found += [f"the pooled {_rate(rate)} over its kind" for rate in seen.rates_above(kind.tpr_at_fpr)]
    if vulnerable is not None and vulnerable.at_risk:
        found.append(f"examples at risk whatever network of its kind is released: {vulnerable.at_risk} of {vulnerable.tested}")
    return tuple(found)


def of_slices(slices: Sequence[SliceResult]) -> tuple[str, ...]:
    """Return the parts of the data in which the AUC, corrected for how many parts there are, is off chance."""
    off = [f"{one.by} {one.name}" for one in slices if one.auc is not None and not one.auc.low <= CHANCE <= one.auc.high]
    return (f"its AUC is off chance in {len(off)} of {len(slices)} parts of the data ({_some(off)})",) if off else ()


def _resolved(rates: Sequence[RateAtFPR]) -> int:
    return sum(rate.tpr.value is not None for rate in rates)


def _rate(rate: RateAtFPR) -> str:
    value, low, high = (f"{100 * (share or 0.0):.3g}" for share in (rate.tpr.value, rate.tpr.low, rate.tpr.high))
    return f"TPR at {100 * rate.fpr:g}{PERCENT} FPR is {value}{PERCENT} ({low} to {high}{PERCENT})"


def _decimals(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (" ..." if len(names) > MOST_NAMES else "")
