"""Which examples an attack can judge, and whether the shadow models suffice. Judged from the shadow models alone.

Looking at the target's membership here would leak it: "enough models with this example" must not count the target.
"""

from collections.abc import Iterable

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.errors import EvidenceError, ShadowBudgetError
from mia_audit.types import Bools, Evidence, Floats

JUDGED_AT_LEAST = 0.9
"""Share of the pool that an audit must be able to judge."""


def judged(trained_on: Bools, per_side: int) -> Bools:
    """Return which examples so many shadow models were trained with and so many without, [examples]; trained_on is [models, examples]."""
    with_it = np.ones(len(trained_on), dtype=np.float32) @ trained_on.astype(np.float32)  # exact, and half the time of NumPy's own sum
    enough: Bools = np.minimum(with_it, len(trained_on) - with_it) >= per_side
    return enough


def require_budget(trained_on: Bools, attacks: Iterable[Attack], *, spare: int = 0) -> Bools:
    """Return which examples all the attacks can judge; ShadowBudgetError where that is less than 90 % of them.

    spare: how many shadow models per side will be missing later (1 where each rehearses as the target).
    """
    needy = max(attacks, key=lambda attack: attack.shadows_per_side)
    if not needy.shadows_per_side:
        return np.ones(trained_on.shape[1], dtype=np.bool_)
    need = needy.shadows_per_side + spare
    mask = judged(trained_on, need)
    if mask.mean() < JUDGED_AT_LEAST:
        raise ShadowBudgetError(_refusal(needy.name, need, mask, len(trained_on), spare))
    return mask


def require_needs(seen: Evidence, attack: Attack) -> None:
    """Raise EvidenceError, naming what is missing, unless the evidence offers what the attack needs."""
    missing = attack.needs - seen.offers
    if missing:
        raise EvidenceError(f"{attack.name} needs {listed(missing)}; the evidence offers {listed(seen.offers) or 'logits alone'}")


def listed(names: Iterable[str]) -> str:
    """Return names in order, with commas."""
    return ", ".join(sorted(names))


def require_shadows(seen: Evidence, attack: Attack) -> None:
    """Raise ShadowBudgetError unless every example has enough shadow models, EvidenceError where the target is one of them."""
    mask = judged(seen.trained_on, attack.shadows_per_side)
    if not mask.all():
        raise ShadowBudgetError(_refusal(attack.name, attack.shadows_per_side, mask, len(seen.trained_on), 0))
    varies = np.ptp(seen.target) > 0  # untrained models may all answer the same constant
    if varies and any(_same(shadow, seen.target) for shadow in seen.shadows):
        raise EvidenceError(
            f"{attack.name} needs shadow models other than the target, got one with the target's very answers; "
            "train shadow models with objects and seeds of their own"
        )


def require_out(seen: Evidence, attack: Attack) -> None:
    """Raise ShadowBudgetError unless every example has a shadow model that was trained without it: all that an offline attack needs."""
    never_out = int(seen.trained_on.all(axis=0).sum())
    if never_out:
        raise ShadowBudgetError(
            f"{attack.name} needs a shadow model trained without each example; {never_out} of {seen.examples} examples have none among "
            f"{len(seen.trained_on)}. Train more shadow models (--shadows), or use attacks that need none (suite thresholds)."
        )


def _same(shadow: Floats, target: Floats) -> bool:
    """Return whether all answers are equal; the first examples tell nearly always, at no cost."""
    return np.array_equal(shadow[:, :100], target[:, :100]) and np.array_equal(shadow, target)


def _refusal(name: str, need: int, mask: Bools, models: int, spare: int) -> str:
    why = f" ({spare} of them to rehearse as the target)" if spare else ""
    return (
        f"{name} needs at least {need} shadow models trained with and {need} without each example{why}; {int((~mask).sum())} of "
        f"{mask.size} examples have fewer among {models}. "
        "Train more shadow models (--shadows), or use attacks that need none (suite thresholds)."
    )
