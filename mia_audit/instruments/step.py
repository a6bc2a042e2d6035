"""The step test: whether one example moves a noisy sum by as little as the claim says.

White box, no sampler: one real step on a batch that stays, replayed many times with a canary and without. Under the claim no direction
separates the two by more than mu = sensitivity / noise. Looked at, each on replays that did not choose it:

known     along the canary's own gradient, where it is given
learned   along what the pilot replays differ in: whatever a fault does to other parts of the sum
noise     its variance in every parameter tensor, where it is known what one clipping norm measures
fresh     whether every replay drew noise of its own

Replay numbers stand for models and steps that follow each other, so that noise shared between them shows.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mia_audit.errors import EvidenceError
from mia_audit.instruments.verdict import Finding, Reach, together
from mia_audit.privacy.stated import Stated
from mia_audit.statistics import shift
from mia_audit.statistics.shift import Shift
from mia_audit.types import Floats

RANDOM = 4
"""Random directions, each a vector of signs: four numbers tell replays apart."""
PILOT = 0.1
_LOOKS = 3


class Step(Protocol):
    """A step of somebody's DP-SGD on a batch that stays."""

    def __call__(self, canary: bool, replay: int) -> Floats:
        """Return the noisy sum, flat [parameters], with or without the canary; the replay number decides the noise."""
        ...


@dataclass(frozen=True, kw_only=True)
class Case:
    """One canary, replayed: projections [replays, directions] inside and outside, after the pilot.

    directions  of the columns: `known` (perhaps), `learned`, then RANDOM of signs, then one a tensor
    unit        what one clipping norm measures in these numbers; None where that is not known
    lengths     of the directions [directions]
    """

    name: str
    inside: Floats
    outside: Floats
    directions: tuple[str, ...]
    lengths: Floats
    unit: float | None = None


def replayed(  # noqa: PLR0913  what a replay is
    step: Step,
    replays: int,
    rng: np.random.Generator,
    *,
    name: str = "canary",
    known: Floats | None = None,
    unit: float | None = None,
    tensors: Sequence[int] = (),
) -> Case:
    """Replay a step so often on each side, and keep projections: what is kept does not grow with the parameters."""
    pilot = max(20, int(PILOT * replays))
    if replays < 2 * pilot:
        raise EvidenceError(f"a step test needs 40 replays a side, got {replays}; replay more often")
    first = _both(step, range(pilot), replays)
    names, rows = _directions(*first, rng=rng, known=known, tensors=tensors)
    inside = np.stack([rows @ step(canary=True, replay=each).astype(np.float64) for each in range(pilot, replays)])
    outside = np.stack([rows @ step(canary=False, replay=replays + each).astype(np.float64) for each in range(pilot, replays)])
    return Case(name=name, inside=inside, outside=outside, directions=names, lengths=np.linalg.norm(rows, axis=1), unit=unit)


def given(  # noqa: PLR0913  what a file holds
    inside: Floats,
    outside: Floats,
    rng: np.random.Generator,
    *,
    name: str = "canary",
    known: Floats | None = None,
    unit: float | None = None,
    tensors: Sequence[int] = (),
) -> Case:
    """Return the same from noisy sums that were kept, [replays, parameters] a side."""
    if inside.ndim != 2 or outside.ndim != 2 or inside.shape[1] != outside.shape[1]:
        raise EvidenceError(f"a step test needs sums [replays, parameters] with and without, got {inside.shape} and {outside.shape}")
    count = min(len(inside), len(outside))

    def step(canary: bool, replay: int) -> Floats:
        row: Floats = inside[replay] if canary else outside[replay - count if replay >= count else replay]
        return row

    return replayed(step, count, rng, name=name, known=known, unit=unit, tensors=tensors)


def _both(step: Step, numbers: range, apart: int) -> tuple[Floats, Floats]:
    return (
        np.stack([step(canary=True, replay=each) for each in numbers]).astype(np.float64),
        np.stack([step(canary=False, replay=apart + each) for each in numbers]).astype(np.float64),
    )


def _directions(
    inside: Floats, outside: Floats, *, rng: np.random.Generator, known: Floats | None, tensors: Sequence[int]
) -> tuple[tuple[str, ...], Floats]:
    size = inside.shape[1]
    sizes = tuple(tensors) or (size,)
    if sum(sizes) != size or (known is not None and known.shape != (size,)):
        raise EvidenceError(
            f"a step test needs tensors and a canary of {size} parameters in all, got {sum(sizes)} and "
            f"{'none' if known is None else known.shape}"
        )
    names, rows = ["learned", *["random"] * RANDOM], [_learned(inside, outside), *rng.choice([-1.0, 1.0], size=(RANDOM, size))]
    if known is not None:
        names, rows = ["known", *names], [known.astype(np.float64), *rows]
    edges = np.cumsum([0, *sizes])
    for tensor, (start, stop) in enumerate(itertools.pairwise(edges)):
        row = np.zeros(size)
        row[start:stop] = rng.choice([-1.0, 1.0], size=stop - start)
        names.append(f"tensor {tensor}")
        rows.append(row)
    return tuple(names), np.stack(rows)


def _learned(inside: Floats, outside: Floats) -> Floats:
    """Return the direction that separates best, as the pilot has it: differences of means over variances, chance left out."""
    gap = inside.mean(axis=0) - outside.mean(axis=0)
    variance = (inside.var(axis=0) + outside.var(axis=0)) / 2
    floor = 1e-6 * float(variance.mean()) or 1.0
    clear = np.abs(gap) > 2.5 * np.sqrt(2 * variance / len(inside))
    chosen = np.where(clear, gap, 0.0) if clear.any() else gap
    row = chosen / np.maximum(variance, floor)
    length = float(np.linalg.norm(row))
    return row / length if length else np.full(gap.shape, gap.size**-0.5)


def looks(case: Case, claim: Stated) -> dict[str, float]:
    """Return the p of each look at one canary."""
    ps: dict[str, float] = {}
    for column, name in enumerate(case.directions):
        if name in {"known", "learned"}:
            ps[name] = shift.p_value(_shift(case, column), claim.step_mu)
    if case.unit is not None:
        ps["noise"] = _noise(case, claim, case.unit)
    ps["fresh"] = _fresh(case)
    return ps


def _shift(case: Case, column: int) -> Shift:
    return shift.measured(case.inside[:, column], case.outside[:, column])


def _noise(case: Case, claim: Stated, unit: float) -> float:
    """Return the p of "every tensor's noise is as loud as claimed", Bonferroni."""
    columns = [column for column, name in enumerate(case.directions) if name.startswith("tensor")]
    ps = []
    for column in columns:
        sides = (case.inside[:, column], case.outside[:, column])
        squares = sum(float(((side - side.mean()) ** 2).sum()) for side in sides)
        variance = (claim.noise_multiplier * unit * float(case.lengths[column])) ** 2
        ps.append(shift.too_quiet(squares, sum(side.size for side in sides) - 2, variance))
    return min(1.0, len(ps) * min(ps))


def _fresh(case: Case) -> float:
    """Return 0 where two replays of one side drew the same noise, else 1: with four directions chance does not do that."""
    columns = [column for column, name in enumerate(case.directions) if name == "random"]
    return 0.0 if shift.repeated(case.inside[:, columns]) or shift.repeated(case.outside[:, columns]) else 1.0


def reach(claim: Stated, replays: int, level: float, canaries: int = 1) -> Reach:
    """Return what so many replays a side see: the largest share of the claimed noise that one canary alone refutes."""
    used, each = replays - max(20, int(PILOT * replays)), level / (canaries * _LOOKS)

    def seen(factor: float) -> bool:
        return shift.power(claim.step_mu / factor, claim.step_mu, used, each) >= 0.8

    low, high = 0.01, 1.0
    found = seen(low)
    while found and high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if seen(middle) else (low, middle)
    return Reach(
        instrument="step test",
        access="white box: one step, replayed at will",
        needs=f"{replays:,} replays with and {replays:,} without each of {canaries} canaries",
        factor=low if found else None,
    )


def judged(cases: Sequence[Case], claim: Stated, level: float) -> Finding:
    """Return what all canaries together say of the claim."""
    every = {f"{case.name}, {look}": p for case in cases for look, p in looks(case, claim).items()}
    random = {name: p for name, p in every.items() if not name.endswith("fresh")}
    fresh = min(p for name, p in every.items() if name.endswith("fresh"))
    mus = {
        f"{case.name}, {name}": _shift(case, column)
        for case in cases
        for column, name in enumerate(case.directions)
        if name in {"known", "learned"}
    }
    largest = max(mus, key=lambda name: mus[name].mu)
    worst = min(every, key=lambda name: every[name])
    numbers = {
        "mu claimed": claim.step_mu,
        "mu measured": mus[largest].mu,
        "mu at least": shift.least_mu(mus[largest], level / len(random)),
    }
    replays = round(min(case.inside.shape[0] for case in cases) / (1 - PILOT))
    return Finding(
        reach=reach(claim, replays, level, len(cases)),
        p=min(fresh, together(random)),
        level=level,
        numbers=numbers,
        notes=(f"smallest p {every[worst]:.2g}: {worst}", f"largest mu {mus[largest].mu:.4g}: {largest}"),
    )
