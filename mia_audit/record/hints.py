"""What else in a record lies off chance when the headline's AUC does not lie above it.

The headline's AUC is the one number that decides (`Summary.leaks`). The others are looked at besides, each by its own interval or limit as
stored: a percentile interval or a guess count cannot be taken to another level afterwards, so they are told and not counted as a
decision. Slices and examples at risk are corrected for their number already.
"""

from collections.abc import Sequence

from mia_audit.record.findings import Epsilon, Kind, SliceResult, Vulnerable
from mia_audit.record.parts import AttackResult, Estimate, RateAtFPR

CHANCE = 0.5
MOST_NAMES = 3
PERCENT = "\N{NARROW NO-BREAK SPACE}%"


def of_headline(attack: AttackResult) -> tuple[str, ...]:
    """Return what lies off chance of the headline attack, but for an AUC above it: an AUC below, rates, and the advantage."""
    found = []
    if attack.auc.high < CHANCE:
        found.append(f"that AUC lies below {CHANCE}, so that the scores tell members when read backwards")
    found += [f"its {_rate(rate)}" for rate in rates_above(attack.tpr_at_fpr)]
    if attack.advantage.low > 0:
        found.append(f"its advantage at the threshold fixed beforehand is {_decimals(attack.advantage)}")
    return tuple(found)


def of_epsilon(epsilon: Epsilon | None) -> tuple[str, ...]:
    """Return each lower bound of epsilon above 0, and the estimates above 0 together."""
    above = [] if epsilon is None else [limit for limit in epsilon.limits if limit.epsilon is not None and limit.epsilon > 0]
    bounds = [f"epsilon is at least {limit.epsilon:.2f} by {limit.method}" for limit in above if limit.bound]
    estimates = [f"{limit.method} {limit.epsilon:.2f}" for limit in above if not limit.bound]
    return (*bounds, *([f"estimates of epsilon lie above 0 ({_some(estimates)})"] if estimates else []))


def of_others(attacks: Sequence[AttackResult], headline: str) -> tuple[str, ...]:
    """Return which of the other attacks have an interval off chance."""
    others = [attack for attack in attacks if attack.name != headline]
    off = [attack.name for attack in others if attack.auc.low > CHANCE or of_headline(attack)]
    if not off:
        return ()
    has = "has an interval" if len(off) == 1 else "have intervals"
    return (f"{len(off)} of {len(others)} other attacks {has} off chance ({_some(off)})",)


def of_kind(kind: Kind | None, vulnerable: Vulnerable | None) -> tuple[str, ...]:
    """Return what other networks of the recipe show: mean AUC, pooled rates, examples at risk."""
    found = []
    if kind is not None:
        if kind.mean_auc.low > CHANCE:
            found.append(f"the mean AUC over {kind.turns} networks of its kind is {_decimals(kind.mean_auc)}")
        found += [f"the pooled {_rate(rate)} over its kind" for rate in rates_above(kind.tpr_at_fpr)]
    if vulnerable is not None and vulnerable.at_risk:
        found.append(f"examples at risk whatever network of its kind is released: {vulnerable.at_risk} of {vulnerable.tested}")
    return tuple(found)


def of_slices(slices: Sequence[SliceResult]) -> tuple[str, ...]:
    """Return the parts of the data in which the AUC, corrected for how many parts there are, is off chance."""
    off = [f"{one.by} {one.name}" for one in slices if one.auc is not None and not one.auc.low <= CHANCE <= one.auc.high]
    return (f"its AUC is off chance in {len(off)} of {len(slices)} parts of the data ({_some(off)})",) if off else ()


def rates_above(rates: Sequence[RateAtFPR]) -> list[RateAtFPR]:
    """Return the resolved true positive rates whose interval lies above the false positive rate, which is what a coin has."""
    return [rate for rate in rates if rate.tpr.value is not None and rate.tpr.low > rate.fpr]


def _rate(rate: RateAtFPR) -> str:
    value, low, high = (f"{100 * (share or 0.0):.3g}" for share in (rate.tpr.value, rate.tpr.low, rate.tpr.high))
    return f"TPR at {100 * rate.fpr:g}{PERCENT} FPR is {value}{PERCENT} ({low} to {high}{PERCENT})"


def _decimals(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (" ..." if len(names) > MOST_NAMES else "")
