"""What else in a record lies off chance when the headline's AUC does not lie above it.

The headline's AUC is the one number that decides (`Summary.leaks`). The others are many, so that one of them lies off chance by its own
interval in most audits of nothing: they share what the headline leaves of the verdict's level (`budget`). Numbers on the target carry a
joint p. Records without one are older: their intervals are widened as normal ones would be to a level that all of them share
(Bonferroni), and what cannot be widened says nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from mia_audit.record.budget import KIND_LEVEL, LOOKS_LEVEL, RISK_LEVEL
from mia_audit.record.findings import Epsilon, Kind, Look, Looks, SliceResult, Vulnerable
from mia_audit.record.parts import AttackResult, Estimate, RateAtFPR

CHANCE = 0.5
MOST_NAMES = 3
TAIL = 0.025
PERCENT = "\N{NARROW NO-BREAK SPACE}%"


def redrawn(looks: Looks, attacks: Sequence[AttackResult], headline: str, epsilon: Epsilon | None) -> tuple[str, ...]:
    """Return which numbers on the target have a joint p within their share of the level."""
    off = [look for look in looks.found if look.p <= LOOKS_LEVEL]
    strongest = next(attack for attack in attacks if attack.name == headline)
    own = [look for look in off if look.of == headline and look.what in {"auc", "advantage", "tpr"}]
    named = list(dict.fromkeys(look.of for look in off if look.what in {"auc", "advantage", "tpr"} and look.of != headline))
    parts = [look.of for look in off if look.what == "part"]
    return (
        *(_of_headline(strongest, look) for look in own if look.what != "auc" or (strongest.auc.value or 0.0) < CHANCE),
        *(_guesses(epsilon) for look in off if look.what == "guesses"),
        *_others(named, len(attacks) - 1),
        *_parts(parts),
    )


def _of_headline(attack: AttackResult, look: Look) -> str:
    if look.what == "auc":
        return f"that AUC lies below {CHANCE}, so that the scores tell members when read backwards"
    if look.what == "advantage":
        return f"its advantage at the threshold fixed beforehand is {_decimals(attack.advantage)}"
    return f"its {_rate(next(rate for rate in attack.tpr_at_fpr if rate.fpr == look.fpr))}"


def _guesses(epsilon: Epsilon | None) -> str:
    """Say that guesses at the coins are off chance; the bound that they give has a level of its own and is hedged as such."""
    bounds = (
        [] if epsilon is None else [limit for limit in epsilon.limits if limit.bound and limit.epsilon is not None and limit.epsilon > 0]
    )
    if epsilon is None or not bounds:
        return "its guesses at who is a member are right more often than a coin"
    shown = max(bounds, key=lambda limit: limit.epsilon or 0.0)
    return (
        f"its guesses at who is a member are right more often than a coin ({shown.method}: epsilon is at least {shown.epsilon:.2f} by "
        f"itself, at a level of {100 * epsilon.level:g}{PERCENT} that is not corrected for anything else)"
    )


def widened(attacks: Sequence[AttackResult], headline: str, slices: Sequence[SliceResult]) -> tuple[str, ...]:
    """Return the same of a record that holds no joint p, by intervals widened for how many numbers there are."""
    resolved = [one for one in slices if one.auc is not None]
    seen = Widened(count=len(resolved) + sum(2 + _resolved(attack.tpr_at_fpr) for attack in attacks))
    strongest = next(attack for attack in attacks if attack.name == headline)
    others = [attack.name for attack in attacks if attack.name != headline and (seen.above(attack.auc, CHANCE) or seen.off(attack))]
    return (
        *(_of_headline(strongest, look) for look in seen.off(strongest)),
        *_others(others, len(attacks) - 1),
        *_parts([SliceResult.label(one.by, one.name) for one in resolved if one.p <= LOOKS_LEVEL / seen.count]),
    )


@dataclass(frozen=True, kw_only=True)
class Widened:
    """At how many numbers with 95 % intervals a reader looks besides the headline's AUC."""

    count: int

    def above(self, estimate: Estimate, chance: float) -> bool:
        """Say whether an estimate lies above chance, its interval widened for all looks."""
        return estimate.value is not None and estimate.value - self._wider * (estimate.value - estimate.low) > chance

    def below(self, estimate: Estimate, chance: float) -> bool:
        """Say whether an estimate lies below chance, its interval widened for all looks."""
        return estimate.value is not None and estimate.value + self._wider * (estimate.high - estimate.value) < chance

    def off(self, attack: AttackResult) -> list[Look]:
        """Return which numbers of an attack are off chance, but for an AUC above it."""
        below = [Look(what="auc", of=attack.name, p=LOOKS_LEVEL)] if self.below(attack.auc, CHANCE) else []
        rates = [Look(what="tpr", of=attack.name, fpr=one.fpr, p=LOOKS_LEVEL) for one in attack.tpr_at_fpr if self.above(one.tpr, one.fpr)]
        gained = [Look(what="advantage", of=attack.name, p=LOOKS_LEVEL)] if self.above(attack.advantage, 0.0) else []
        return [*below, *rates, *gained]

    @property
    def _wider(self) -> float:
        normal = NormalDist()
        return normal.inv_cdf(1 - LOOKS_LEVEL / (2 * max(1, self.count))) / normal.inv_cdf(1 - TAIL)


def of_phantoms() -> tuple[str, ...]:
    """Return what is said of an AUC that lies above chance and not above that of phantoms, which know nothing."""
    return (f"that AUC lies above {CHANCE}, but not above what the same attack has on networks that never saw the target's members",)


def of_kind(kind: Kind | None) -> tuple[str, ...]:
    """Return whether other networks of the recipe show more than chance; a record without that p says nothing of it."""
    if kind is None or kind.p is None or kind.p > KIND_LEVEL:
        return ()
    return (f"the mean AUC over {kind.turns} networks of its kind is {_decimals(kind.mean_auc)}",)


def of_risk(vulnerable: Vulnerable | None) -> tuple[str, ...]:
    """Return whether any example is at risk; a record without the smallest q says nothing of it."""
    if vulnerable is None or vulnerable.least_q is None or vulnerable.least_q > RISK_LEVEL:
        return ()
    return (f"examples at risk whatever network of its kind is released: {vulnerable.at_risk} of {vulnerable.tested}",)


def corrected(looks: Looks | None, attacks: Sequence[AttackResult]) -> str:
    """Say exactly how what was found beside the headline's AUC is corrected."""
    if looks is None:
        return (
            f"Intervals were widened for all numbers of the {len(attacks)} attacks and parts of the data (Bonferroni), so that one of them "
            f"lies off chance in at most {_percent(LOOKS_LEVEL)} of audits of nothing."
        )
    return (
        f"Of audits of nothing, at most {_percent(LOOKS_LEVEL)} find any such number of the attacks on this target or parts of the data "
        f"({looks.count} were looked at, its coins redrawn {looks.draws:,} times), {_percent(KIND_LEVEL)} one of the network's kind, and "
        f"{_percent(RISK_LEVEL)} an example at risk."
    )


def _others(off: Sequence[str], others: int) -> tuple[str, ...]:
    if not off:
        return ()
    has = "has numbers" if len(off) == 1 else "have numbers"
    return (f"{len(off)} of {others} other attacks {has} off chance ({_some(off)})",)


def _parts(off: Sequence[str]) -> tuple[str, ...]:
    if not off:
        return ()
    return (f"its AUC is off chance in {len(off)} part{'s' * (len(off) > 1)} of the data ({_some(off)})",)


def _resolved(rates: Sequence[RateAtFPR]) -> int:
    return sum(rate.tpr.value is not None for rate in rates)


def _rate(rate: RateAtFPR) -> str:
    value, low, high = (f"{100 * (share or 0.0):.3g}" for share in (rate.tpr.value, rate.tpr.low, rate.tpr.high))
    return f"TPR at {_percent(rate.fpr)} FPR is {value}{PERCENT} ({low} to {high}{PERCENT})"


def _percent(share: float) -> str:
    return f"{100 * share:g}{PERCENT}"


def _decimals(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (" ..." if len(names) > MOST_NAMES else "")
