"""The sampler test: whether every example was in every step by the claimed coin.

White box: who was in which step, of one model or several. Models with more members and fewer must be drawn from at one rate: a rate
worked out from a model's own members tells how many there are, and no accounting covers it.
"""

import numpy as np

from mia_audit.errors import EvidenceError
from mia_audit.instruments.verdict import Finding, Reach, together
from mia_audit.privacy.stated import Stated
from mia_audit.statistics import inclusion
from mia_audit.types import Bools


def reach(claim: Stated, chances: int, level: float, models: int = 1) -> Reach:
    """Return what so many chances (steps times examples) a model can tell from the claimed rate."""
    if claim.sampling != "poisson":
        told = "sees any example that is not in exactly one step an epoch"
    elif claim.rate == 1:
        told = "sees any example that is missing from a step"
    else:
        least = inclusion.smallest_rate(chances, claim.rate, level / (5 * models))
        told = f"sees a rate of {least:.4g} for {claim.rate:.4g} in one model, and any order that is kept, with 80 % power"
    return Reach(
        instrument="sampler test",
        access="white box: who was in which step",
        needs=f"{chances:,} coins of each of {models} models",
        factor=1.0,
        told=told,
    )


def judged(included: Bools, claim: Stated, level: float) -> Finding:
    """Return what inclusions [models, steps, examples] or [steps, examples] say of the claim."""
    models = included[None] if included.ndim == 2 else included
    if models.ndim != 3 or models.dtype != np.bool_:
        raise EvidenceError(f"a sampler test needs bools [models, steps, examples], got {included.dtype} {included.shape}")
    return judged_each(list(models), claim, level)


def judged_each(models: list[Bools], claim: Stated, level: float) -> Finding:
    """Return the same of matrices [steps, examples] of several models, whose members may differ in number."""
    ps = {f"model {number}, {name}": p for number, matrix in enumerate(models) for name, p in _ps(matrix, claim).items()}
    worst = min(ps, key=lambda name: ps[name])
    return Finding(
        reach=reach(claim, min(matrix.size for matrix in models), level, len(models)),
        p=together(ps),
        level=level,
        numbers={"rate claimed": claim.rate, "rate measured": sum(int(m.sum()) for m in models) / sum(m.size for m in models)},
        notes=(f"smallest p {ps[worst]:.2g}: {worst}",),
    )


def _ps(matrix: Bools, claim: Stated) -> dict[str, float]:
    if claim.rate == 1:
        return {"everybody": float(matrix.all())}
    if claim.sampling == "poisson":
        return inclusion.poisson_ps(matrix, claim.rate)
    found = inclusion.allocation_ps(matrix, claim.epoch)
    return {"once": found["once"]} if claim.sampling == "shuffle" else found
