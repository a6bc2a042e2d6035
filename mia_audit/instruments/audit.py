"""A claim audited: what every instrument could see, and what those that have something to look at found."""

from dataclasses import dataclass

import numpy as np

from mia_audit.errors import DataError
from mia_audit.instruments import one_run, sampler, step, trainings
from mia_audit.instruments.family import Family
from mia_audit.instruments.observations import Observations
from mia_audit.instruments.verdict import NO_POWER, VIOLATED, Finding, Reach
from mia_audit.privacy import stated as claims
from mia_audit.privacy.stated import Stated
from mia_audit.statistics.likelihood import Canaries
from mia_audit.streams import stream

LEVEL = 0.05
"""Of all instruments together."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much would be measured."""

    replays: int = 10_000
    canaries: int = 1_000
    trainings: int = 1_000
    examples: int = 10_000


@dataclass(frozen=True, kw_only=True)
class Audited:
    """A claim, its epsilon from above (and from below where bounds differ), and findings at one level together."""

    claim: Stated
    epsilon: float
    least: float
    level: float
    findings: tuple[Finding, ...]

    @property
    def misstated(self) -> bool:
        """Whether the epsilon that is stated is less than the mechanism has, before anything is measured."""
        return self.claim.epsilon is not None and self.claim.epsilon < self.least * (1 - 1e-6)

    @property
    def verdict(self) -> str:
        """Violated where one instrument says so; no power where none had it; else consistent."""
        said = [finding.verdict for finding in self.findings]
        if self.misstated or VIOLATED in said:
            return VIOLATED
        return NO_POWER if all(each == NO_POWER for each in said) else "consistent"


def planned(claim: Stated, sizes: Sizes, level: float = LEVEL) -> tuple[Reach, ...]:
    """Return what each instrument could see with so much measured; nothing is measured for it."""
    family, each = Family(claim=claim), level / 4
    return (
        step.reach(claim, sizes.replays, each),
        sampler.reach(claim, sizes.examples * claim.steps, each),
        one_run.reach(one_run.designed(family, sizes.canaries, each)),
        trainings.reach(family, sizes.trainings, each),
    )


def audited(claim: Stated, seen: Observations, level: float = LEVEL) -> Audited:
    """Return what the observations say of a claim; the level is divided among the instruments that have something to look at."""
    family, each = Family(claim=claim), level / len(seen.kinds)
    ways = {"step test": _steps, "sampler test": _sampler, "one run": _once, "many trainings": _often}
    findings = tuple(ways[kind](family, seen, each) for kind in seen.kinds)
    whole = family.whole
    return Audited(
        claim=claim,
        epsilon=claims.epsilon_of(claim) if whole else float(claim.epsilon or 0.0),
        least=claims.least_epsilon_of(claim) if whole else 0.0,
        level=level,
        findings=findings,
    )


def _steps(family: Family, seen: Observations, level: float) -> Finding:
    inside, outside = (_three(seen, name) for name in ("with_canary", "without_canary"))
    known = np.atleast_2d(seen.floats("canary", 1, 2)) if seen.has("canary") else None
    if len(outside) not in {1, len(inside)} or (known is not None and len(known) not in {1, len(inside)}):
        raise DataError(
            f"{seen.path}: the step test needs as many of without_canary and canary as of with_canary, {len(inside)}, or one of each, got "
            f"{len(outside)} and {'none' if known is None else len(known)}"
        )
    tensors = tuple(int(size) for size in seen.floats("tensors", 1)) if seen.has("tensors") else ()
    cases = [
        step.given(
            rows,
            outside[number % len(outside)],
            stream(0, "dp step test", number),
            name=f"canary {number}",
            known=None if known is None else known[number % len(known)],
            unit=seen.number("unit") if seen.has("unit") else None,
            tensors=tensors,
        )
        for number, rows in enumerate(inside)
    ]
    return step.judged(cases, family.claim, level)


def _three(seen: Observations, name: str) -> np.ndarray:
    values = seen.floats(name, 2, 3)
    return values[None] if values.ndim == 2 else values


def _sampler(family: Family, seen: Observations, level: float) -> Finding:
    return sampler.judged(seen.bools("included"), family.claim, level)


def _once(family: Family, seen: Observations, level: float) -> Finding:
    z, canaries = seen.projections(family.claim.steps)
    coins = seen.bools("coins")
    if coins.shape != (z.shape[1],):
        raise DataError(f"{seen.path}: coins need one for each of {z.shape[1]} canaries, got {coins.shape}")
    fair(coins, seen.path)
    found = one_run.judged(z, coins, one_run.designed(family, coins.size, level))
    return found if canaries is None else _noted(found, canaries)


def fair(coins: np.ndarray, path: str) -> None:
    """Refuse coins that are so one-sided that no fair ones would be, once in a million."""
    heads = int(coins.sum())
    if abs(heads - coins.size / 2) > 2.5 * np.sqrt(coins.size):
        raise DataError(f"{path}: coins need to be fair, got {heads} of {coins.size} canaries in; put each in by a coin of its own")


def _noted(found: Finding, canaries: Canaries) -> Finding:
    said = []
    if canaries.dead.size:
        said.append(f"dead canaries, whose gradient is zero: {_named(canaries.dead)}")
    if canaries.short.size:
        said.append(f"canaries with a norm below R, which move a sum by less: {_named(canaries.short)}")
    if canaries.cosine >= 0.5:
        said.append(f"canaries {canaries.pair[0]} and {canaries.pair[1]} stand in each other's way: cosine {canaries.cosine:.2f}")
    return Finding(reach=found.reach, p=found.p, level=found.level, numbers=found.numbers, notes=(*found.notes, *said))


def _named(places: np.ndarray) -> str:
    first = ", ".join(str(each) for each in places[:10])
    return first if places.size <= 10 else f"{first} and {places.size - 10} more"


def _often(family: Family, seen: Observations, level: float) -> Finding:
    inside, outside = seen.floats("scores_in", 1), seen.floats("scores_out", 1)
    control = (seen.floats("control_in", 1), seen.floats("control_out", 1)) if seen.has("control_in") and seen.has("control_out") else None
    known = trainings.controlled(inside, outside, family, level, control)
    return trainings.judged(inside, outside, family, level, known)
